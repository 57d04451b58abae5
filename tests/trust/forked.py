"""Runs the command ``suite`` in forks of a process that has imported torch, Lightning and all plugins.

A new Python needs four CPU seconds to import them, a fork milliseconds, so that a test can kill many. In all else the
command is as the shell starts it: a process of its own in a session of its own, with its own folder, environment and
standard files, which ends as an interpreter ends: but for its memory, which the system takes back, for to free what was
imported would first copy it, in half a CPU second. What Python or a library reads when it starts or is imported is that
of the first process (LC_ALL, PYTHONHASHSEED, OMP_NUM_THREADS); a test of such a variable asks for the fixture
``suite``. Folders of PYTHONPATH are put on the path.
"""

import atexit
import gc
import importlib.util
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, NamedTuple


class Answer(NamedTuple):
    """What a command left behind; a negative status is the signal that ended it."""

    status: int
    stdout: str
    stderr: str


class Started:
    """A command that runs.

    Attributes:
        pid: its process, which leads a group of its own.
    """

    def __init__(self, arguments: Sequence[str], result: int, stdout: IO[bytes] | None, stderr: IO[bytes]) -> None:
        self._arguments = arguments
        self._result = os.fdopen(result, "r")
        self._files = (stdout, stderr)
        self.pid = int(self._result.readline())
        self._status: int | None = None

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return not self._has_ended(0)

    @property
    def output(self) -> tuple[str, str]:
        """What it has written to standard output and error so far; nothing for a file that the caller gave."""
        return _text(self._files[0]), _text(self._files[1])

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send the process a signal, if it still runs."""
        if self.is_running:
            os.kill(self.pid, number)

    def kill_all(self) -> None:
        """Kill the process and those that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def wait(self, timeout: float = 240) -> Answer:
        """Return its answer when it has ended.

        Raises:
            subprocess.TimeoutExpired: it had not ended in time, and was killed.
        """
        if not self._has_ended(timeout):
            self.kill_all()
            self._has_ended(10)
            stdout, stderr = self.output
            raise subprocess.TimeoutExpired(["suite", *self._arguments], timeout, stdout, stderr)
        assert self._status is not None
        return Answer(self._status, *self.output)

    def _has_ended(self, timeout: float) -> bool:
        if self._status is None and select.select([self._result], [], [], timeout)[0]:
            self._status = int(self._result.readline())
        return self._status is not None


def run_suite(
    arguments: Sequence[str | Path],
    *,
    cwd: str | Path,
    env: Mapping[str, str | None] | None = None,
    stdin: str = "",
    timeout: float = 240,
    preload: str | Path = "",
) -> Answer:
    """Run ``suite ARGUMENTS`` and return its answer; see ``start_suite``."""
    return start_suite(arguments, cwd=cwd, env=env, stdin=stdin, preload=preload).wait(timeout)


def start_suite(
    arguments: Sequence[str | Path],
    *,
    cwd: str | Path,
    env: Mapping[str, str | None] | None = None,
    stdin: str | int = "",
    stdout: int | None = None,
    stderr: int | None = None,
    closed: Sequence[int] = (),
    preload: str | Path = "",
) -> Started:
    """Start ``suite ARGUMENTS``.

    Args:
        arguments: what is typed after ``suite``.
        cwd: the current folder.
        env: changes of the environment; None removes a variable.
        stdin: text, or the descriptor of a file or pipe.
        stdout: the descriptor that standard output goes to; None: a file that the answer is read from.
        stderr: the same for standard error.
        closed: the numbers of standard files that are closed from the beginning.
        preload: a library whose functions stand before those of the system.
    """
    words = [str(word) for word in arguments]
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "120", **(env or {})}
    request = {
        "arguments": words,
        "cwd": str(cwd),
        "env": {name: value for name, value in environment.items() if value is not None},
        "closed": list(closed),
    }
    files = [tempfile.TemporaryFile() for _ in range(3)]  # noqa: SIM115  (they last as long as the command)
    if isinstance(stdin, str):
        files[0].write(stdin.encode())
        files[0].seek(0)
    chosen = [stdin if isinstance(stdin, int) else None, stdout, stderr]
    standard = [file.fileno() if number is None else number for file, number in zip(files, chosen, strict=True)]
    ours, theirs = os.pipe()
    socket.send_fds(_server(str(preload)), [json.dumps(request).encode()], [*standard, theirs])
    os.close(theirs)
    return Started(words, ours, files[1], files[2])


def wait_for(condition: Any, what: str, timeout: float = 60) -> None:
    """Return when a function of no arguments returns something true; fail after ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {timeout:.0f} s"
        time.sleep(0.005)


def _text(file: IO[bytes] | None) -> str:
    if file is None:
        return ""
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode("utf-8", errors="replace")


@cache
def _server(preload: str) -> socket.socket:
    """Return the socket of the process that is forked, which ends when this process does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        environment = {**os.environ, **({"LD_PRELOAD": preload} if preload else {})}
        words = [sys.executable, "-P", __file__, str(theirs.fileno())]
        subprocess.Popen(words, pass_fds=[theirs.fileno()], env=environment)
    assert ours.recv(10) == b"ready", "the process that runs `suite` could not import everything; see above"
    return ours


def serve(requests: socket.socket) -> list[str]:
    """Fork for every request; return, in the fork, the arguments of the command to run.

    Between this process and the command stands a third one, which waits for the command and reports its end.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    requests.send(b"ready")
    while True:
        text, descriptors, _, _ = socket.recv_fds(requests, 1 << 20, 4)
        if not text:
            os._exit(0)
        if os.fork() == 0:
            requests.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            command = os.fork()
            if command == 0:
                return become(json.loads(text), descriptors)
            for descriptor in descriptors[:3]:
                os.close(descriptor)
            with suppress(BrokenPipeError):  # nobody wants to know any more
                os.write(descriptors[3], f"{command}\n".encode())
                status = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
                os.write(descriptors[3], f"{status}\n".encode())
            os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)


def become(request: dict[str, Any], descriptors: list[int]) -> list[str]:
    """Make this process the command of a request, and return its arguments."""
    import __main__

    os.setsid()
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
    for descriptor in descriptors:
        os.close(descriptor)
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if number in request["closed"]:
            os.close(number)
            setattr(sys, ("stdin", "stdout", "stderr")[number], None)
        else:  # as new, for a stream remembers whether its file can be sought; the same object, for loggers have it
            file = open(number, "wb" if number else "rb", closefd=False)  # noqa: SIM115
            is_direct = number == 2 or os.isatty(number)
            stream.__init__(file, encoding=stream.encoding, errors=stream.errors, line_buffering=is_direct)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [path for path in paths if path and path not in sys.path]
    __main__.__spec__ = importlib.util.find_spec("lightning_suite.__main__")  # what Lightning starts for more processes
    sys.argv = [__main__.__spec__.origin, *request["arguments"]]

    from pytorch_lightning.utilities import rank_zero_only

    rank_zero_only.rank = int(os.environ.get("LOCAL_RANK", "0"))  # Lightning reads it when it is imported
    return list(request["arguments"])


def import_everything() -> None:
    """Import what any verb may import."""
    from lightning_suite import verbs
    from lightning_suite.errors import SuiteError
    from lightning_suite.plugins import find
    from lightning_suite.plugins.resolve import resolve

    parts = ["cli", "evaluation", "loading", "training"]
    for part in (*(f"lightning_suite.{part}" for part in parts), *map(verbs.module, verbs.names())):
        importlib.import_module(part)
    for plugin in find.readable():
        for what in ("module", "data", *plugin.commands):
            with suppress(SuiteError):  # something that it needs is not installed
                resolve(plugin, what)
    gc.collect()
    gc.freeze()  # so that a fork does not copy what it never changes


def leave(status: list[int]) -> None:
    """End this process with a status once nothing is left to do but to free its memory."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            status[0] = 120  # as Python says it
    os._exit(status[0])


if __name__ == "__main__":
    connection = socket.socket(fileno=int(sys.argv[1]))
    ended = [1]  # with a traceback
    atexit.register(leave, ended)  # before everything that is imported, and therefore called after it
    import_everything()
    words = serve(connection)

    from lightning_suite.cli import main

    ended[0] = main(words)

"""Runs a module of the core in a process of its own: a hang, a crash or ``os._exit`` ends that process alone.

Such a module is run as ``python -m MODULE``, imports a plugin, and answers with one line of JSON.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

KILLED = "had to be killed"

GLANCE = 0.05
"""Seconds between two looks whether the process has ended: others that it started may keep its output open."""


class Ending(NamedTuple):
    """What a process left behind.

    Attributes:
        output: its standard output.
        description: how it ended: ``with status 1: the last line of its standard error``, ``by SIGSEGV``, or that it
            had to be killed.
    """

    output: str
    description: str

    @property
    def answer(self) -> dict[str, Any] | None:
        """Return what the module answered; None when it did not come to that."""
        lines = [line for line in self.output.splitlines() if line.startswith("{") and line.endswith("}")]
        return json.loads(lines[-1]) if lines else None


def environment() -> dict[str, str]:
    """Return the environment of a process that finds the same modules as this one, and none in the current folder."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"}


def run(module: str, arguments: list[str], seconds: float) -> Ending:
    """Run ``python -m module arguments`` with the import path of this process and return what it left behind.

    It is killed after some seconds, and what it has started when it ends.

    Example:
        >>> run("platform", [], 60).description
        'with status 0'
    """
    import subprocess  # here, because the light verbs import this module and need no process

    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    ends = time.monotonic() + seconds
    try:
        while process.poll() is None and time.monotonic() < ends:
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=GLANCE)
        had_ended = process.poll() is not None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    try:
        output, errors = process.communicate(timeout=1)  # all of it, whatever was read above
    except subprocess.TimeoutExpired as rest:  # a process that left the group keeps the output open
        output, errors = rest.output or b"", rest.stderr or b""
    text = output.decode(errors="replace")
    if not had_ended:
        return Ending(text, KILLED)
    status = process.returncode
    description = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
    last = (errors.decode(errors="replace").strip().splitlines() or [""])[-1]
    return Ending(text, f"{description}{': ' if last else ''}{last}")


def answer(work: Callable[[], dict[str, Any]]) -> None:
    """Print what some work returns as a line of JSON, apart from what is printed meanwhile, and end this process.

    What the work has changed of Python (hooks, threads, standard files) cannot delay or change the end.
    """
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as file:
        os.dup2(2, 1)  # what a plugin prints must not mix with the answer: it goes to the error stream
        dumps, leave = json.dumps, os._exit
        file.write(f"{dumps(work())}\n")
        file.flush()
        leave(0)

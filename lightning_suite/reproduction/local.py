"""Runs and studies as processes of this machine.

A process holds the lock of its folder, also when the one that started it is gone. Who comes later waits until it ends,
and takes over what it has done.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import final

from lightning_suite.reproduction.executors import Executor, Making
from lightning_suite.reproduction.jobs import (
    LOG,
    Job,
    finished_run,
    is_done,
    last_words,
    mark_as_done,
    shown,
    words_of,
)
from lightning_suite.reproduction.plan import Fit

LOCK = ".lock"
PROGRAM = (sys.executable, "-m", "lightning_suite")
BETWEEN = 0.1
GRACE = 60.0
"""Seconds that a training has to save its state when all are ended."""


def _locked(folder: Path) -> int | None:
    """Return the descriptor of the locked folder; None while another process holds it, -1 where there are no locks.

    The lock is the open file's, which the started process inherits, so that it lasts as long as that one.
    """
    try:
        import fcntl
    except ImportError:
        return -1
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except OSError:  # a file system without locks
        os.close(lock)
        return -1
    return lock


@final
class Local(Executor):
    """Starts processes.

    Args:
        at_once: how many.
    """

    def __init__(self, at_once: int) -> None:
        super().__init__(at_once, BETWEEN)
        self._program = PROGRAM
        self._started: list[_Process] = []

    def start(self, job: Job) -> "_Process | None":
        """Start a process; None while another one holds the folder."""
        job.folder.mkdir(parents=True, exist_ok=True)
        lock = _locked(job.folder)
        if lock is None:
            return None
        if is_done(job) or (isinstance(job, Fit) and finished_run(job) is not None):
            return _Process(job, None, lock)  # by the process that held the folder, or by one that was killed since
        environment = dict(os.environ)
        if self.at_once > 1:
            environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // self.at_once)))
        words = [*self._program, "--quiet", *words_of(job)]
        with (job.folder / LOG).open("ab") as log:
            begins = log.tell()
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=(lock,) if lock >= 0 else (),
            )
        self._started.append(_Process(job, process, lock, begins))
        return self._started[-1]

    def leave(self) -> None:
        """Let all save their state and end."""
        for process in self._started:
            process.end()
        until = time.monotonic() + GRACE
        for process in self._started:
            process.wait(until - time.monotonic())
        self._started.clear()


@final
class _Process(Making):
    """A process that makes a run or study, and the lock of its folder."""

    def __init__(self, job: Job, process: "subprocess.Popen[bytes] | None", lock: int, begins: int = 0) -> None:
        super().__init__(job)
        self._begins = begins
        self._process = process
        self._lock = lock

    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def state(self) -> str:
        return shown(self.job)

    def outcome(self) -> str:
        """Mark what is finished, and let the folder go; return why it is not, else nothing."""
        status = 0 if self._process is None else self._process.returncode
        if status == 0:
            reason = mark_as_done(self.job)
        else:
            reason = last_words(self.job.folder / LOG, self._begins) or f"it ended with status {status}"
        self._release()
        return reason

    def end(self) -> None:
        """Ask it to save its state and end."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended; after so many seconds it is killed."""
        if self._process is not None:
            try:
                self._process.wait(max(0.1, seconds))
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._release()

    def _release(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = -1

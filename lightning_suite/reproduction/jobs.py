"""Runs and studies as processes of their own: what is finished is kept, what was interrupted goes on.

A process holds the lock of its folder, also when the one that started it is gone. Who comes later waits until it ends,
and takes over what it has done; a training that was killed goes on from its last checkpoint.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lightning_suite import progress
from lightning_suite.errors import RunError
from lightning_suite.files import write_text
from lightning_suite.reproduction.plan import Fit, Study
from lightning_suite.run import Run, machine, versions
from lightning_suite.tables import one_line

DONE, LOG, LOCK = "done.json", "log.txt", ".lock"
PROGRAM = (sys.executable, "-m", "lightning_suite")
BETWEEN = 0.1
"""Seconds between two looks at the processes."""
GRACE = 60.0
"""Seconds that a training has to save its state when all are ended."""

Job = Fit | Study


def is_done(job: Job) -> bool:
    """Return whether a run or study is finished, and there."""
    if not (job.folder / DONE).is_file():
        return False
    return not isinstance(job, Fit) or _finished(job) is not None


def run_all(jobs: Sequence[Job], at_once: int, description: str) -> dict[Job, str]:
    """Make all runs or studies that are not finished; return why some failed.

    Args:
        jobs: what is to be made.
        at_once: the number of processes.
        description: what the progress bar says.
    """
    failed: dict[Job, str] = {}
    waiting = [job for job in jobs if not is_done(job)]
    running: list[_Process] = []
    unit = "runs" if jobs and isinstance(jobs[0], Fit) else "studies"
    if not waiting:
        return failed
    with progress.progress(description, len(jobs), unit=unit, done=len(jobs) - len(waiting)) as advance:
        try:
            while waiting or running:
                for job in list(waiting):
                    if len(running) == at_once:
                        break
                    if (process := _Process.start(job, at_once)) is not None:
                        waiting.remove(job)
                        running.append(process)
                advance.stage(", ".join(_shown(process.job) for process in running) or "another process makes the rest")
                for process in [process for process in running if process.has_ended()]:
                    running.remove(process)
                    if reason := process.outcome():
                        failed[process.job] = reason
                        progress.say(f"failed: {_shown(process.job)}: {reason}")
                    advance()
                time.sleep(BETWEEN)
        except BaseException:
            _end(running)
            raise
    return failed


def record_of(job: Job) -> dict[str, Any]:
    """Return run.json of a finished run, or where a finished study was made; nothing of another."""
    if isinstance(job, Study):
        return dict(json.loads((job.folder / DONE).read_text(encoding="utf-8"))) if is_done(job) else {}
    run = _finished(job)
    return run.record if run is not None else {}


class _Process:
    """A process that makes a run or study, and the lock of its folder."""

    def __init__(self, job: Job, process: "subprocess.Popen[bytes] | None", lock: int | None, begins: int = 0) -> None:
        self.job = job
        self._begins = begins
        self._process = process
        self._lock = lock

    @classmethod
    def start(cls, job: Job, at_once: int) -> "_Process | None":
        """Start it; None while another process holds the folder."""
        job.folder.mkdir(parents=True, exist_ok=True)
        lock = _locked(job.folder)
        if lock is None:
            return None
        if is_done(job) or (isinstance(job, Fit) and _finished(job) is not None):
            return cls(job, None, lock)  # by the process that held the folder, or by one that was killed since
        environment = dict(os.environ)
        if at_once > 1:
            environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // at_once)))
        words = [*PROGRAM, "--quiet", *_words(job)]
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
        return cls(job, process, lock, begins)

    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def outcome(self) -> str:
        """Mark what is finished, and let the folder go; return why it is not, else nothing."""
        status = 0 if self._process is None else self._process.returncode
        reason = (
            "" if status == 0 else _last_words(self.job.folder / LOG, self._begins) or f"it ended with status {status}"
        )
        if isinstance(self.job, Fit) and not reason:
            run = _finished(self.job)
            if run is None:
                reason = "the run is not finished"
            else:
                _link(self.job.run, run.folder)
        if not reason:
            done: dict[str, Any] = {"words": self.job.words}
            if isinstance(self.job, Study):
                done |= {"machine": machine(), "versions": versions()}
            write_text(self.job.folder / DONE, json.dumps(done, ensure_ascii=False) + "\n")
        self.release()
        return reason

    def end(self) -> None:
        """Ask it to save its state and end."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        if self._process is not None:
            try:
                self._process.wait(max(0.1, seconds))
            except subprocess.TimeoutExpired:
                self._process.kill()
        self.release()

    def release(self) -> None:
        if self._lock is not None and self._lock >= 0:
            os.close(self._lock)
        self._lock = None


def _words(job: Job) -> list[str]:
    """Return the words behind ``suite``: of a run that has begun, those that go on with it."""
    if isinstance(job, Study):
        return list(job.words)
    begun = [run for run in _runs(job) if run.last.is_file()] or list(_runs(job))
    if begun:
        return ["fit", "--resume", str(begun[-1].folder)]
    return [*job.words, "--runs", str(job.folder)]


def _runs(fit: Fit) -> Iterator[Run]:
    for config in sorted(fit.folder.glob("*/*/config.yaml")):
        yield Run.in_folder(config.parent)


def _finished(fit: Fit) -> Run | None:
    for run in _runs(fit):
        with contextlib.suppress(RunError):
            if run.record.get("status") == "finished" and run.last.is_file():
                return run
    return None


def _link(link: Path, folder: Path) -> None:
    """Let ``link`` lead to a run folder, whose own name has the time in it."""
    with contextlib.suppress(FileNotFoundError):
        link.unlink()
    link.symlink_to(folder.relative_to(link.parent), target_is_directory=True)


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


def _end(running: Sequence[_Process]) -> None:
    for process in running:
        process.end()
    until = time.monotonic() + GRACE
    for process in running:
        process.wait(until - time.monotonic())


def _last_words(log: Path, begins: int) -> str:
    """Return the end of what a process said, which begins at a byte of the log."""
    said = log.read_bytes()[begins:].decode(errors="replace")
    lines = [line for line in said.splitlines() if line.strip()]
    return one_line(" ".join(lines[-3:]), 300)


def _shown(job: Job) -> str:
    name = job.folder.parent.name if isinstance(job, Fit) else job.folder.name
    return f"{name.rpartition('-')[0]}, seed {job.words[-1]}" if isinstance(job, Fit) else name.rpartition("-")[0]

"""Runs and studies on disk: which are finished, what to type to make one or go on with it, and what it said.

A run that was killed goes on from its last checkpoint; of a study that was, everything is made again.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lightning_suite.errors import RunError
from lightning_suite.files import write_text
from lightning_suite.reproduction.plan import Fit, Study
from lightning_suite.run import Run, machine, versions
from lightning_suite.tables import one_line

DONE, LOG = "done.json", "log.txt"

Job = Fit | Study


def is_done(job: Job) -> bool:
    """Return whether a run or study is finished, and there."""
    if not (job.folder / DONE).is_file():
        return False
    return not isinstance(job, Fit) or finished_run(job) is not None


def finished_run(fit: Fit) -> Run | None:
    """Return the finished run of a training, also of one that nobody has marked as done; None: there is none."""
    for run in _runs(fit):
        with contextlib.suppress(RunError):
            if run.record.get("status") == "finished" and run.last.is_file():
                return run
    return None


def record_of(job: Job) -> dict[str, Any]:
    """Return run.json of a finished run, or where a finished study was made; nothing of another."""
    if isinstance(job, Study):
        return dict(json.loads((job.folder / DONE).read_text(encoding="utf-8"))) if is_done(job) else {}
    run = finished_run(job)
    return run.record if run is not None else {}


def words_of(job: Job) -> list[str]:
    """Return the words behind ``suite``: of a run that has begun, those that go on with it."""
    if isinstance(job, Study):
        return list(job.words)
    begun = [run for run in _runs(job) if run.last.is_file()] or list(_runs(job))
    if begun:
        return ["fit", "--resume", str(begun[-1].folder)]
    return [*job.words, "--runs", str(job.folder)]


def mark_as_done(job: Job) -> str:
    """Mark what was made as done; return why it is not, else nothing."""
    done: dict[str, Any] = {"words": job.words}
    if isinstance(job, Study):
        done |= {"machine": machine(), "versions": versions()}
    elif (run := finished_run(job)) is not None:
        _link(job.run, run.folder)
    else:
        return "the run is not finished"
    write_text(job.folder / DONE, json.dumps(done, ensure_ascii=False) + "\n")
    return ""


def last_words(log: Path, begins: int = 0) -> str:
    """Return the end of what a process said, which begins at a byte of the log."""
    said = log.read_bytes()[begins:].decode(errors="replace") if log.is_file() else ""
    lines = [line for line in said.splitlines() if line.strip()]
    return one_line(" ".join(lines[-3:]), 300)


def shown(job: Job) -> str:
    """Return a short name of a run or study."""
    name = job.folder.parent.name if isinstance(job, Fit) else job.folder.name
    return f"{name.rpartition('-')[0]}, seed {job.words[-1]}" if isinstance(job, Fit) else name.rpartition("-")[0]


def _runs(fit: Fit) -> Iterator[Run]:
    for config in sorted(fit.folder.glob("*/*/config.yaml")):
        yield Run.in_folder(config.parent)


def _link(link: Path, folder: Path) -> None:
    """Let ``link`` lead to a run folder, whose own name has the time in it."""
    with contextlib.suppress(FileNotFoundError):
        link.unlink()
    link.symlink_to(folder.relative_to(link.parent), target_is_directory=True)

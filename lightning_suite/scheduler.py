"""Jobs of SLURM's: which one this is, the run that it began, and how it is queued again."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lightning_suite.errors import RunError
from lightning_suite.run import Run


def job() -> str | None:
    """Return the id of the job that this process belongs to, that of an array with its task; None: of no job.

    A job that is queued again keeps its id.
    """
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID") or None


def run_of_job(root: str | Path, command: Sequence[str]) -> Run | None:
    """Return the run that this job began with the same command, or None.

    Args:
        root: the folder of all runs.
        command: what was typed: a job may train several times.
    """
    mine = {"id": job(), "command": list(command)}
    if mine["id"] is None:
        return None
    found = []
    for config in Path(root).expanduser().glob("*/*/config.yaml"):
        run = Run.at(config.parent)
        try:
            record = run.record
        except RunError:  # damaged, so it does not say whose it is
            continue
        if record.get("job") == mine:
            found.append((str(record.get("started")), run))
    return max(found, key=lambda pair: (pair[0], pair[1].folder))[1] if found else None


def requeue() -> None:
    """Queue this job again: it is ended, and begins anew with the same id."""
    name = job()
    if name is None:
        return
    try:
        status: object = subprocess.run(["scontrol", "requeue", name], check=False).returncode
    except OSError as error:
        status = error.strerror
    if status != 0:
        print(f"scontrol requeue {name} failed ({status}): the job is not queued again", file=sys.stderr)

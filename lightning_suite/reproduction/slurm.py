"""Runs and studies as jobs of SLURM's, by submitit, which writes the scripts, submits them and asks for their states.

A job makes one run or study, on the machine that it is given, as ``local`` does here. The folder has to be seen by all
machines under the same name. A job goes on when the program that submitted it is gone; the same command finds it again
by its number, which stands in the folder of the run. A training whose time is up is saved, queued again and goes on.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, final

from lightning_suite import progress
from lightning_suite.errors import RunError, UsageError
from lightning_suite.files import write_text
from lightning_suite.needs import needs
from lightning_suite.reproduction.executors import Executor, Making, run_all
from lightning_suite.reproduction.jobs import Job, is_done, last_words, shown
from lightning_suite.reproduction.local import GRACE, Local
from lightning_suite.reproduction.plan import Study

MINUTES = 24 * 60
BETWEEN = 2.0
LOOK_EVERY = 30
"""Seconds between two questions to SLURM; results are looked for in the folder meanwhile."""
REQUEUED_AT_MOST = 1000
SUBMITTED = "slurm.txt"
"""The file with the number of the job, in the folder of a run or study."""


@dataclass(frozen=True)
class Request:
    """What a job asks SLURM for.

    Attributes:
        partition: where it runs.
        account: whose time it takes.
        time: minutes, after which it is queued again.
        cpus_per_task: the number of cores.
        gpus_per_node: the number of GPUs.
        mem: memory, such as 16GB.
        additional_parameters: other options of sbatch by name.
    """

    partition: str | None = None
    account: str | None = None
    time: int | None = None
    cpus_per_task: int | None = None
    gpus_per_node: int | None = None
    mem: str | None = None
    additional_parameters: Mapping[str, str] = field(default_factory=dict)


@final
class Slurm(Executor):
    """Submits jobs.

    Args:
        at_once: how many are in the queue.
        folder: of scripts and logs.
        name: of the jobs.
        request: what each asks for.

    Raises:
        UsageError: submitit is not installed, or there is no SLURM here.
    """

    def __init__(self, at_once: int, folder: Path, name: str, request: Request) -> None:
        super().__init__(at_once, BETWEEN)
        with needs("--cluster slurm", "lightning-suite[cluster]", instead="leave it out, and give --jobs N"):
            from submitit.slurm import slurm
        if missing := [command for command in ("sbatch", "srun", "sacct") if shutil.which(command) is None]:
            raise UsageError(
                f"--cluster slurm: expected SLURM's commands on the PATH, found no {' and no '.join(missing)}.\n"
                "Run this where jobs are submitted, or leave --cluster out: --jobs N makes N runs at once here"
            )
        slurm.SlurmJob.watcher = slurm.SlurmInfoWatcher(delay_s=LOOK_EVERY)
        self._job_class = slurm.SlurmJob
        self._submitting = slurm.SlurmExecutor(folder, max_num_timeout=REQUEUED_AT_MOST)
        asked = {name: value for name, value in asdict(request).items() if value}
        asked = {"time": MINUTES, "job_name": name, "signal_delay_s": int(GRACE) + 30, "stderr_to_stdout": True} | asked
        self._submitting.update_parameters(**asked)
        self._submitted: list[_Submitted] = []

    def start(self, job: Job) -> Making:
        """Submit a job, or find the one that an earlier program has submitted.

        Raises:
            RunError: sbatch refuses it.
        """
        job.folder.mkdir(parents=True, exist_ok=True)
        submitted = self._earlier(job)
        if submitted is None:
            try:
                submitted = self._submitting.submit(_OnNode(job))
            except RuntimeError as error:  # submitit's, with what sbatch has said
                raise RunError(f"sbatch refused a job: {error}".strip()) from error
            write_text(job.folder / SUBMITTED, submitted.job_id)
        self._submitted.append(_Submitted(job, submitted))
        return self._submitted[-1]

    def leave(self) -> None:
        """Say how to end the jobs, which go on."""
        if left := [submitted.number for submitted in self._submitted if not submitted.has_ended()]:
            progress.say(
                f"SLURM goes on with {len(left)} jobs, and the same command takes them over; "
                f"to end them: scancel {' '.join(left)}"
            )

    def _earlier(self, job: Job) -> Any:
        """Return the job that makes a run or study and was submitted earlier; None: there is none, or it has ended."""
        try:
            number = (job.folder / SUBMITTED).read_text(encoding="utf-8").strip()
        except OSError:
            return None
        submitted = self._job_class(self._submitting.folder, number)
        known = submitted.get_info(mode="force").get("State")
        return submitted if known and not submitted.watcher.is_done(number, mode="cache") else None


@final
class _Submitted(Making):
    """A job of SLURM's that makes a run or study."""

    def __init__(self, job: Job, submitted: Any) -> None:
        super().__init__(job)
        self._submitted = submitted

    @property
    def number(self) -> str:
        return str(self._submitted.job_id)

    def has_ended(self) -> bool:
        return bool(self._submitted.done())

    def state(self) -> str:
        return str(self._submitted.state).lower().replace("unknown", "submitted")

    def outcome(self) -> str:
        if is_done(self.job):
            return ""
        failure = self._submitted.exception()  # waits for a file system that is late
        if is_done(self.job):
            return ""
        if failure is None:
            unseen = f"what it has written is not seen in {self.job.folder}: do all machines share it?"
            return self._submitted.result() or unseen
        log, result = self._submitted.paths.stdout, self._submitted.paths.result_pickle
        if result.is_file():  # what was raised, which may not stand in the log yet
            from submitit.core.utils import pickle_load

            said = pickle_load(result)[1].strip().rpartition("\n")[2]
        else:
            said = last_words(log) or "it wrote nothing"
        return f"job {self.number} of SLURM's ended, {self.state()}: {said} ({log})"


@final
class _OnNode:
    """Makes a run or study where SLURM has started the job; submitit calls it there."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._here = Local(1)

    def __call__(self) -> str:
        """Return why it has failed, else nothing."""
        os.environ.pop("SLURM_NTASKS", None)  # else Lightning expects that srun has started a process for each device
        os.environ.setdefault("OMP_NUM_THREADS", os.environ.get("SLURM_CPUS_PER_TASK", "1"))
        return run_all([self._job], self._here, shown(self._job)).get(self._job, "")

    def checkpoint(self) -> Any:
        """Save the training, for its time is up, and return what is queued again.

        Raises:
            RunError: it is a study, which would begin anew.
        """
        from submitit.helpers import DelayedSubmission

        self._here.leave()
        if isinstance(self._job, Study):
            raise RunError("its time was up, and a study cannot go on in its middle: give it more --minutes")
        return DelayedSubmission(self)

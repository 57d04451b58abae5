"""Where runs and studies are made: here, or on a cluster. What is finished is kept, and a failure harms no other."""

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence

from lightning_suite import progress
from lightning_suite.reproduction.jobs import Job, is_done, shown
from lightning_suite.reproduction.plan import Fit


def run_all(jobs: Sequence[Job], executor: "Executor", description: str) -> dict[Job, str]:
    """Make all runs or studies that are not finished; return why some failed.

    Args:
        jobs: what is to be made.
        executor: makes them.
        description: what the progress bar says.
    """
    failed: dict[Job, str] = {}
    waiting = [job for job in jobs if not is_done(job)]
    running: list[Making] = []
    unit = "runs" if jobs and isinstance(jobs[0], Fit) else "studies"
    if not waiting:
        return failed
    with progress.progress(description, len(jobs), unit=unit, done=len(jobs) - len(waiting)) as advance:
        try:
            while waiting or running:
                for job in list(waiting):
                    if len(running) == executor.at_once:
                        break
                    if (making := executor.start(job)) is not None:
                        waiting.remove(job)
                        running.append(making)
                advance.stage(_states(running) or "another process makes the rest")
                for making in [making for making in running if making.has_ended()]:
                    running.remove(making)
                    if reason := making.outcome():
                        failed[making.job] = reason
                        progress.say(f"failed: {shown(making.job)}: {reason}")
                    advance()
                time.sleep(executor.between)
        except BaseException:
            executor.leave()
            raise
    return failed


def _states(running: "Sequence[Making]") -> str:
    counts = Counter(making.state() for making in running)
    return ", ".join(state if count == 1 else f"{count} {state}" for state, count in counts.items())


class Making(ABC):
    """A run or study that is being made.

    Attributes:
        job: which one.
    """

    def __init__(self, job: Job) -> None:
        self.job = job

    @abstractmethod
    def has_ended(self) -> bool:
        """Return whether it is over, well or badly."""

    @abstractmethod
    def state(self) -> str:
        """Return what the progress bar says of it."""

    @abstractmethod
    def outcome(self) -> str:
        """Return why what has ended is not done; nothing where it is."""


class Executor(ABC):
    """Makes runs and studies.

    Args:
        at_once: how many.
        between: seconds between two looks at them.
    """

    def __init__(self, at_once: int, between: float) -> None:
        self.at_once = at_once
        self.between = between

    @abstractmethod
    def start(self, job: Job) -> Making | None:
        """Begin to make a run or study; None while another process makes it."""

    @abstractmethod
    def leave(self) -> None:
        """Do what has to be done before this program ends, while runs and studies are being made."""

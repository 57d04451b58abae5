"""Kill: a training that ``kill -9`` ends at any moment and that goes on ends as one that was never interrupted.

A moment is drawn in CPU seconds of the process, which do not depend on what else the machine does, from every stage of
its life: before its first checkpoint, in training and validation, and in the test, which draws pictures. Some trials
kill the training that goes on as well. Then weights and all other state of both checkpoints, metrics.csv, the metrics
of run.json and the pictures are compared with those of an uninterrupted training.
"""

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from trained import PLUGINS, THIRD_PARTY, TWO_PROCESSES, Job, differences, run_in, stage_of, typed

WAIT = 0.002
"""Seconds between two looks at the clock of a process."""


class Life:
    """An uninterrupted training, and the CPU seconds at which its stages began and ended."""

    def __init__(self, arguments: list[str], folder: Path, ranks: int) -> None:
        folder.mkdir()
        stages: dict[str, list[float]] = {}
        job = Job(arguments, folder, ranks)
        while job.is_running:
            stage, now = stage_of(run_in(folder)), job.cpu_seconds
            if now:
                first, _ = stages.setdefault(stage, [now, now])
                stages[stage] = [first, now]
            time.sleep(WAIT)
        for status, stdout, stderr in job.wait():
            assert status == 0, f"{stdout}\n{stderr}"
        run = run_in(folder)
        assert run is not None
        self.run = run
        self.stages = {stage: stages[stage] for stage in ("start", "training", "test")}


def kill_at(job: Job, moment: float, ranks: list[int]) -> None:
    """Kill some of the processes of a job when the first one has used so many CPU seconds."""
    while job.is_running and job.cpu_seconds < moment:
        time.sleep(WAIT)
    for rank in ranks:
        job.ranks[rank].kill()


def trial(life: Life, arguments: list[str], folder: Path, trust: Any, stage: str, ranks: int) -> tuple[str, list[str]]:
    """Kill a training, let it go on to its end; return at which stage it was killed, and what differs."""
    folder.mkdir()
    moments = [trust.random.uniform(*life.stages[stage])]
    if trust.random.random() < 0.3:
        moments.append(trust.random.uniform(life.stages["start"][1], life.stages["test"][1]))
    told = f"{folder.name}: killed after {' and '.join(f'{moment:.3f}' for moment in moments)} CPU s"
    killed_in = ""
    for moment in [*moments, None]:
        run = run_in(folder)
        job = Job(arguments if run is None else ["fit", f"--resume={run}"], folder, ranks)
        if moment is None:
            answers = job.wait()
            if any(answer.status for answer in answers):
                return killed_in, [f"{told}, in {killed_in}: {answers}"]
        else:
            victims = trust.random.choice([[0], [1], [0, 1]]) if ranks > 1 else [0]
            kill_at(job, moment, victims)
            told += f" (rank {victims})" if ranks > 1 else ""
            job.end()
            killed_in = killed_in or stage_of(run_in(folder))
    run = run_in(folder)
    assert run is not None
    found = differences(life.run, run)
    return killed_in, [f"{told}, in {killed_in}: {'; '.join(found[:5])}"] if found else []


def try_many(
    trust: Any, tmp_path: Path, plugin: str, arguments: list[str], trials: int, what: str, ranks: int = 1
) -> None:
    """Try so many kills and report the outcome."""
    words = typed(plugin, *arguments)
    trust.random.seed(f"{plugin} {what} {trust.seed}")
    life = Life(words, tmp_path / "uninterrupted", ranks)
    stages, failures = Counter[str](), []
    begin = list(PLUGINS).index(plugin)
    for number in range(trials):
        stage = ["test", "training", "training", "start", "training"][(begin + number) % 5]
        killed_in, failure = trial(life, words, tmp_path / f"trial{number}", trust, stage, ranks)
        stages[killed_in] += 1
        failures += failure
    note = ", ".join(f"{count} in {stage}" for stage, count in sorted(stages.items()))
    trust.outcome("Kill", f"{plugin}, {what}", trials=trials, held=trials - len(failures), note=note, failures=failures)


SMALL = ("dsa", "spectral", "digit_sums")
"""The plugins that ``make test`` tries: with gradients, without, and from elsewhere."""


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_training_killed_at_any_moment_ends_as_an_uninterrupted_one(plugin: str, trust: Any, tmp_path: Path) -> None:
    if plugin not in SMALL and not trust.is_full:
        pytest.skip("make trust tries it")
    try_many(trust, tmp_path, plugin, [], trust.size(small=1, full=50), "one process")


@pytest.mark.parametrize("plugin", ["dsa", "recnn"])
def test_it_does_so_with_workers_that_prepare_batches(plugin: str, trust: Any, tmp_path: Path) -> None:
    if not trust.is_full:
        pytest.skip("make trust tries it")
    try_many(trust, tmp_path, plugin, ["--data.num_workers=2"], 10, "two workers that prepare batches")


@pytest.mark.parametrize("plugin", PLUGINS)
def test_it_does_so_with_two_processes(plugin: str, trust: Any, tmp_path: Path) -> None:
    if not trust.is_full:
        pytest.skip("make trust tries it")
    try_many(trust, tmp_path, plugin, TWO_PROCESSES, 6, "two processes, one of them or both killed", ranks=2)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_fork_trains_as_a_process_of_its_own_does(plugin: str, trust: Any, suite: Any, tmp_path: Path) -> None:
    """Strings have other hashes in each Python, and with them sets another order; forks share theirs."""
    if not trust.is_full:
        pytest.skip("make trust tries it")
    for name in ("fork", "own"):
        (tmp_path / name).mkdir()
    Job(typed(plugin), tmp_path / "fork").wait()
    path = os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(THIRD_PARTY)]).strip(os.pathsep)
    answer = suite(*typed(plugin), cwd=tmp_path / "own", env={"PYTHONPATH": path})
    runs = [run_in(tmp_path / name) for name in ("fork", "own")]
    failures = differences(*runs) if all(runs) else [f"{answer}"]
    what = f"{plugin}, trained in a fork and in a Python of its own"
    trust.outcome("Kill", what, trials=1, held=int(not failures), failures=failures)

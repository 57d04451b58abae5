"""Processes: two of them train as one does, and when one is killed the other says so and the run goes on."""

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from forked import run_suite
from trained import PLUGINS, THIRD_PARTY, TWO_PROCESSES, Job, differences, run_in, typed, unequal

WITHIN = 60.0
"""Seconds for the others to end after one process was killed."""

MESSAGE = re.compile(
    r"process (\d) \(of 0 to 1; pid (\d+)\) (?:ended|was ended by SIGKILL \(does memory suffice\?\)) in epoch \d+, "
    r"after \d+ steps; the other cannot go on alone\n"
    r"suite fit --resume \S+ (?:goes on from its last checkpoint|begins again, it has no checkpoint yet)\n"
    r"with one process: .*--trainer.devices 1 --trainer.strategy auto\n"
)


def goes_on(run: Path, expected: Path, folder: Path) -> list[str]:
    """Return what is wrong with what two processes, and one process, make of an interrupted run."""
    found = []
    alone = Path(shutil.copytree(run, folder / "alone" / run.name))
    one = Job(["fit", f"--resume={alone}", "--trainer.devices=1", "--trainer.strategy=auto"], folder).wait()
    if one[0].status:
        found.append(f"one process did not go on: {one[0].stderr[-800:]}")
    two = Job(["fit", f"--resume={run}"], folder, ranks=2).wait()
    if any(answer.status for answer in two):
        return [*found, f"two processes did not go on: {two}"]
    return found + differences(expected, run)[:5]


def try_to_kill_one(plugin: str, expected: Path, folder: Path, trust: Any) -> list[str]:
    """Kill one of two processes in training; return what is wrong with the other's message and with what goes on."""
    folder.mkdir()
    job = Job(typed(plugin, *TWO_PROCESSES), folder, ranks=2)
    job.until(lambda: list(folder.glob("runs/*/*/checkpoints/last.ckpt")))
    time.sleep(trust.random.uniform(0, 0.3))
    victim = trust.random.choice([0, 1])
    if not job.ranks[victim].is_running or not list(folder.glob("runs/*/*/run.json")):
        return [f"{folder.name}: it had ended already"]
    job.ranks[victim].kill()
    began = time.monotonic()
    status, _, stderr = job.ranks[1 - victim].wait(2 * WITHIN)
    found = []
    message = MESSAGE.search(stderr)
    if status != 1 or message is None or int(message[1]) != victim or int(message[2]) != job.ranks[victim].pid:
        found.append(f"the message of status {status} was: {stderr[-1000:]}")
    if (seconds := time.monotonic() - began) > WITHIN:
        found.append(f"it ended after {seconds:.0f} s")
    run = run_in(folder)
    assert run is not None
    found += goes_on(run, expected, folder)
    return [f"{folder.name}, process {victim} killed: {'; '.join(found)}"] if found else []


@pytest.mark.parametrize("plugin", PLUGINS)
def test_one_of_two_killed_is_told_and_the_run_goes_on(plugin: str, trust: Any, tmp_path: Path) -> None:
    if plugin != "digit_sums" and not trust.is_full:
        pytest.skip("make trust tries it with the other plugins too")
    trust.random.seed(f"{plugin} {trust.seed}")
    whole = tmp_path / "uninterrupted"
    whole.mkdir()
    assert all(answer.status == 0 for answer in Job(typed(plugin, *TWO_PROCESSES), whole, ranks=2).wait())
    expected = run_in(whole)
    assert expected is not None
    trials = trust.size(small=1, full=3)
    failures = []
    for number in range(trials):
        failures += try_to_kill_one(plugin, expected, tmp_path / f"trial{number}", trust)
    what = f"{plugin}, one of two processes killed: told within a minute, goes on with two and with one"
    trust.outcome("Processes", what, trials=trials, held=trials - len(failures), failures=failures)


def test_a_process_that_lightning_started_is_told_with_its_signal(trust: Any, tmp_path: Path) -> None:
    trials = trust.size(small=1, full=3)
    failures = []
    for number in range(trials):
        folder = tmp_path / f"trial{number}"
        folder.mkdir()
        job = Job(typed("digit_sums", *TWO_PROCESSES, epochs=400), folder)
        job.until(lambda folder=folder: list(folder.glob("runs/*/*/checkpoints/last.ckpt")))  # type: ignore[misc]
        (child,) = Path(f"/proc/{job.ranks[0].pid}/task/{job.ranks[0].pid}/children").read_text().split()
        os.kill(int(child), signal.SIGKILL)
        (answer,) = job.wait(WITHIN)
        if answer.status != 1 or f"process 1 (of 0 to 1; pid {child}) was ended by SIGKILL" not in answer.stderr:
            failures.append(f"{answer}")
    what = "the process that Lightning starts beside the first one killed: told with its signal"
    trust.outcome("Processes", what, trials=trials, held=trials - len(failures), failures=failures)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_two_processes_end_where_one_does(plugin: str, trust: Any, tmp_path: Path) -> None:
    if not trust.is_full:
        pytest.skip("test_contract.py and test_third_party.py try it")
    name = typed(plugin)[1].removeprefix("--plugin=")
    words = ["check", name, "--only", "ddp_equals_one_process"]
    path = os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(THIRD_PARTY)]).strip(os.pathsep)
    status, stdout, stderr = run_suite(words, cwd=tmp_path, env={"PYTHONPATH": path}, timeout=600)
    note = re.search(r"ddp_equals_one_process\s+(.*)", stdout)
    what = f"{plugin}, two processes end within 1e-5 of one with batches twice as large"
    failures = [] if status == 0 and re.search(r"^1 passed\b", stdout, re.MULTILINE) else [f"{stdout}\n{stderr}"]
    trust.outcome("Processes", what, trials=1, held=1 - len(failures), note=note[1] if note else "", failures=failures)


IN_SHARES = ["--data.name=circles", "--data.samples=200000", "--model.n_clusters=2"]
IN_SHARES += ["--model.route=landmarks", "--model.landmarks=4000", "--data.batch_size=8192"]


@pytest.mark.parametrize("victim", [0, 1])
def test_one_of_two_killed_while_both_solve_for_their_shares_ends_the_other(
    victim: int, trust: Any, tmp_path: Path
) -> None:
    if not trust.is_full:
        pytest.skip("make trust tries it")
    arguments = ["fit", "--plugin=spectral", "--trainer.accelerator=cpu", *TWO_PROCESSES, *IN_SHARES]
    job = Job(arguments, tmp_path, ranks=2)
    job.until(lambda: "landmarks" in "".join(job.ranks[0].output), timeout=240)  # which k-means places for seconds
    job.ranks[victim].kill()
    began = time.monotonic()
    status, _, stderr = job.ranks[1 - victim].wait(2 * WITHIN)
    seconds, pid = time.monotonic() - began, job.ranks[victim].pid
    failures = []
    if status != 1 or f"process {victim} (of 0 to 1; pid {pid}) ended in epoch 1" not in stderr:
        failures.append(f"the message of status {status} was: {stderr[-1000:]}")
    if seconds > WITHIN:
        failures.append(f"it ended after {seconds:.0f} s")
    what = f"spectral in shares, process {victim} of two killed while both solve: the other is told within a minute"
    trust.outcome("Processes", what, trials=1, held=1 - len(failures), failures=failures)


ITERATED = ["--data.name=moons", "--data.samples=20000", "--data.noise=0.1", "--model.n_clusters=2"]


@pytest.mark.parametrize("victim", [0, 1])
def test_one_of_two_killed_while_both_iterate_the_eigenvectors_ends_the_other(
    victim: int, trust: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = [str(Path(__file__).resolve().parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    monkeypatch.setenv("KILLED_RANK", f"{victim}")
    arguments = ["fit", "--plugin=killed_iterating:plugin", "--trainer.accelerator=cpu", *TWO_PROCESSES, *ITERATED]
    job = Job(arguments, tmp_path, ranks=2)
    killed = job.ranks[victim].wait()
    began = time.monotonic()
    status, _, stderr = job.ranks[1 - victim].wait(2 * WITHIN)
    seconds, pid = time.monotonic() - began, job.ranks[victim].pid
    failures = []
    if killed.status != -signal.SIGKILL:
        failures.append(f"it was not killed in the iteration, but ended with {killed}")
    message = MESSAGE.search(stderr)
    if status != 1 or message is None or (int(message[1]), int(message[2])) != (victim, pid):
        failures.append(f"the message of status {status} was: {stderr[-1000:]}")
    if seconds > WITHIN:
        failures.append(f"it ended after {seconds:.0f} s")
    what = f"spectral, process {victim} of two killed as both iterate eigenvectors: the other is told within a minute"
    trust.outcome("Processes", what, trials=1, held=int(not failures), note=f"{seconds:.0f} s", failures=failures)


BY_ROWS = ["--data.name=circles", "--data.samples=20000", "--data.noise=0.16", "--model.n_clusters=3"]
BY_ROWS += ["--model.weights=self-tuning", "--data.batch_size=8192", "--trainer.accelerator=cpu"]


def test_two_processes_cluster_points_by_rows_as_one_does(trust: Any, tmp_path: Path) -> None:
    """Of 20,000 points each holds half of the graph: labels, table and cut are the same to the last bit."""
    found = []
    for ranks, trainer in ((1, []), (2, TWO_PROCESSES)):
        folder = tmp_path / f"of {ranks}"
        folder.mkdir()
        answers = Job(["fit", "--plugin=spectral", *BY_ROWS, *trainer], folder, ranks=ranks).wait()
        assert [answer.status for answer in answers] == [0] * ranks, answers
        run = run_in(folder)
        assert run is not None
        checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
        found.append({name: checkpoint[name] for name in ("state_dict", "clusters")})
        metrics = json.loads((run / "run.json").read_text(encoding="utf-8"))["metrics"]
        found[-1]["metrics"] = {name: value for name, value in metrics.items() if name.startswith(("val", "train"))}
        assert len(found[-1]["state_dict"]["network.labels"]) == 20_000
    failures = unequal(*found, "run")
    what = "spectral, 20,000 points by rows of their graph: two processes find what one does, bit for bit"
    trust.outcome("Processes", what, trials=1, held=1 - bool(failures), failures=failures)

"""Jobs of SLURM's, whose commands are stood in for: what runs is submitit, and what it starts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fake_slurm
import pytest

from lightning_suite.errors import RunError, UsageError
from lightning_suite.reproduction import jobs, local, slurm
from lightning_suite.reproduction.executors import run_all
from lightning_suite.reproduction.plan import Fit, Study

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SLURM is on Linux alone")
STAND_IN = """
import json, os, pathlib, sys, time

words = sys.argv[2:]
with open("said.txt", "a") as file:
    file.write(" ".join([os.environ["SLURM_JOB_ID"], os.environ["OMP_NUM_THREADS"], *words]) + chr(10))
if "bad" in words:
    sys.exit("there is no data")
if words[0] != "fit":
    time.sleep(60)
folder = pathlib.Path(words[2]) if "--resume" in words else pathlib.Path(words[-1], "tiny", "2026-run")
(folder / "checkpoints").mkdir(parents=True, exist_ok=True)
(folder / "config.yaml").write_text("plugin: tiny")
(folder / "checkpoints" / "last.ckpt").write_text("")
if "slow" in words:
    time.sleep(60)
(folder / "run.json").write_text(json.dumps({"status": "finished", "ntasks": os.environ.get("SLURM_NTASKS")}))
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a SLURM whose commands are on the PATH; the current folder has a stand-in for ``suite``."""
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(local, "PROGRAM", (sys.executable, "-S", str(tmp_path / "stand_in.py")))
    monkeypatch.setattr(local, "BETWEEN", 0.02)
    with fake_slurm.installed(tmp_path / "fake", monkeypatch) as folder:
        yield folder


def executor(at_once: int = 4, **asked: object) -> slurm.Slurm:
    return slurm.Slurm(at_once, Path("slurm"), "suite-tiny", slurm.Request(**asked))  # type: ignore[arg-type]


def fit(name: str, *words: str) -> Fit:
    return Fit(("fit", *words, "--seed", "0"), Path("fits") / f"{name}-1a" / "seed-0", name)


def said() -> list[str]:
    return Path("said.txt").read_text().splitlines() if Path("said.txt").exists() else []


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it has not come"
        time.sleep(0.02)


def test_jobs_are_made_on_the_cluster_and_a_failure_stops_no_other(cluster: Path) -> None:
    first, second = fit("first", "bad"), fit("second")
    asked = executor(1, partition="gpu", time=60, gpus_per_node=2, additional_parameters={"constraint": "a100"})
    assert run_all([first, second], asked, "test") == {first: "there is no data"}
    assert not jobs.is_done(first)
    assert jobs.is_done(second)
    assert "ntasks" in jobs.record_of(second)
    assert jobs.record_of(second)["ntasks"] is None  # Lightning starts processes for several devices by itself
    assert said() == [
        "1 3 fit bad --seed 0 --runs fits/first-1a/seed-0",
        "2 3 fit --seed 0 --runs fits/second-1a/seed-0",
    ]
    script = (cluster / "2.sh").read_text()
    for line in ("partition=gpu", "time=60", "gpus-per-node=2", "constraint=a100", "job-name=suite-tiny"):
        assert f"#SBATCH --{line}\n" in script
    assert Path("slurm/2_0_log.out").is_file()
    assert run_all([second], executor(), "test") == {}
    assert len(said()) == 2


def test_what_is_in_the_queue_is_taken_over_and_its_state_is_shown(
    cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (cluster / "hold").touch()
    job = fit("first")
    before = executor()
    assert before.start(job).state() in ("pending", "submitted")
    before.leave()
    assert "scancel 1" in capsys.readouterr().err
    making = executor().start(job)  # as a program that was started after the first was killed
    until(lambda: making.state() == "pending")
    assert not making.has_ended()
    (cluster / "hold").unlink()
    assert run_all([job], executor(), "test") == {}
    until(lambda: making.has_ended() and making.state() == "completed")
    assert making.outcome() == ""
    assert [line.split()[0] for line in said()] == ["1"]


def test_a_job_that_was_cancelled_is_explained_and_made_again(cluster: Path) -> None:
    job = fit("first", "slow")
    making = executor().start(job)
    until(said)
    assert not making.has_ended()
    subprocess.run(["scancel", "1"], check=True)
    until(making.has_ended)
    assert making.outcome().startswith("job 1 of SLURM's ended, cancelled by 0: ")
    again = executor().start(job)
    until(lambda: len(said()) == 2)
    assert said()[1] == f"2 3 fit --resume {job.folder}/tiny/2026-run"
    assert not again.has_ended()


@pytest.mark.parametrize("kind", ["training", "study"])
def test_a_training_whose_time_is_up_is_queued_again(cluster: Path, kind: str) -> None:
    folder = Path("studies/look-1a")
    job = fit("first", "slow") if kind == "training" else Study(("look", "--output", str(folder)), folder, ())
    making = executor().start(job)
    until(said)
    os.kill(int((cluster / "1.step").read_text()), signal.SIGUSR2)
    if kind == "training":
        assert run_all([job], executor(), "test") == {}
        assert [line.split()[0] for line in said()] == ["1", "1"]
        assert "fit --resume" in said()[1]
    else:
        until(making.has_ended)
        Path("slurm/1_0_log.out").unlink()  # the reason is known before it stands there
        assert "its time was up, and a study cannot go on in its middle: give it more --minutes" in making.outcome()


def test_what_sbatch_says_is_shown(cluster: Path) -> None:
    with pytest.raises(RunError, match="invalid partition specified: none"):
        run_all([fit("first")], executor(partition="none"), "test")


def test_without_slurm_or_submitit_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("submitit", reason="the extra 'cluster' is not installed")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="found no sbatch and no srun and no sacct"):
        executor()
    monkeypatch.setitem(sys.modules, "submitit.slurm", None)
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UsageError, match=r"--cluster slurm needs .* pip install 'lightning-suite\[cluster\]'"):
        executor()

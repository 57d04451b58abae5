"""Processes: what is done is kept, what failed harms no other, and who comes second waits.

The program that they run stands in for ``suite``: it writes a run as fit does, and ends as its words say.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lightning_suite.reproduction import jobs, local
from lightning_suite.reproduction.executors import Making, run_all
from lightning_suite.reproduction.plan import Fit, Study

STAND_IN = """
import json, pathlib, sys, time

words = sys.argv[2:]
with open("said.txt", "a") as file:
    file.write(" ".join(words) + chr(10))
if "bad" in words:
    sys.exit("there is no data")
if words[0] != "fit":
    pathlib.Path(words[words.index("--output") + 1], "x.csv").write_text("value" + chr(10) + "3" + chr(10))
    sys.exit()
folder = pathlib.Path(words[2]) if "--resume" in words else pathlib.Path(words[-1], "tiny", "2026-run")
(folder / "checkpoints").mkdir(parents=True, exist_ok=True)
(folder / "config.yaml").write_text("plugin: tiny")
(folder / "checkpoints" / "last.ckpt").write_text("")
if "slow" in words and "--resume" not in words:
    time.sleep(60)
(folder / "run.json").write_text(json.dumps({"status": "finished", "metrics": {"test_auc": 0.5}}))
"""


@pytest.fixture(autouse=True)
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(local, "PROGRAM", (sys.executable, "-S", str(tmp_path / "stand_in.py")))
    monkeypatch.setattr(local, "BETWEEN", 0.01)


def fit(name: str, *words: str) -> Fit:
    return Fit(("fit", *words, "--seed", "0"), Path("fits") / f"{name}-1a" / "seed-0", name)


def said() -> list[str]:
    return Path("said.txt").read_text().splitlines()


def test_what_is_finished_is_not_made_again() -> None:
    job = fit("first")
    assert run_all([job], local.Local(1), "test") == {}
    assert jobs.is_done(job)
    assert jobs.record_of(job)["metrics"] == {"test_auc": 0.5}
    assert (job.run / "config.yaml").is_file()
    assert run_all([job], local.Local(1), "test") == {}
    assert said() == ["fit --seed 0 --runs fits/first-1a/seed-0"]


def test_a_failure_is_explained_and_does_not_stop_the_others() -> None:
    first, second = fit("first", "bad"), fit("second")
    assert run_all([first, second], local.Local(2), "test") == {first: "there is no data"}
    assert not jobs.is_done(first)
    assert jobs.is_done(second)


def test_a_run_that_was_begun_goes_on() -> None:
    job = fit("first")
    folder = job.folder / "tiny" / "2026-before"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "last.ckpt").write_text("")
    (folder / "config.yaml").write_text("plugin: tiny")
    assert run_all([job], local.Local(1), "test") == {}
    assert said() == [f"fit --resume {folder}"]
    assert job.run.resolve() == folder.resolve()


def test_a_run_whose_folder_was_emptied_is_made_again() -> None:
    job = fit("first")
    run_all([job], local.Local(1), "test")
    (job.run / "run.json").unlink()
    assert not jobs.is_done(job)
    assert run_all([job], local.Local(1), "test") == {}
    assert len(said()) == 2


def test_a_study_writes_into_its_own_folder() -> None:
    folder = Path("studies/look-1a")
    job = Study(("look", "--output", str(folder)), folder, ())
    assert run_all([job], local.Local(1), "test") == {}
    assert (folder / "x.csv").is_file()
    assert jobs.is_done(job)


def test_who_comes_second_waits_for_the_one_whose_parent_is_gone() -> None:
    job = fit("first")
    job.folder.mkdir(parents=True)
    lock = local._locked(job.folder)
    assert lock is not None
    holder = subprocess.Popen(
        [sys.executable, "-S", "-c", "import time; time.sleep(0.5); print(time.time())"],
        pass_fds=(lock,),
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(lock)  # as if this process had been killed: the one it started has the lock alone
    assert local.Local(1).start(job) is None
    assert run_all([job], local.Local(1), "test") == {}
    assert holder.communicate()[0]
    assert (job.folder / "done.json").stat().st_size > 0
    assert json.loads((job.folder / "done.json").read_text())["words"][0] == "fit"


def test_an_interruption_ends_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    executor = local.Local(2)
    start, started = executor.start, []

    def noted(job: jobs.Job) -> Making | None:
        if started:
            raise KeyboardInterrupt
        started.append(start(job) or pytest.fail("it was held"))
        return started[0]

    monkeypatch.setattr(executor, "start", noted)
    with pytest.raises(KeyboardInterrupt):
        run_all([fit("first", "slow"), fit("second")], executor, "test")
    assert started[0].has_ended()

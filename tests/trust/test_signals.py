"""Signals: whichever comes, and whenever, the command says in a few lines how to go on, and nothing is lost."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import forked
import pytest

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.timeout(1800)  # for full size

HERE = Path(__file__).resolve().parent
PATH = {"PYTHONPATH": f"{HERE}:{HERE.parent / 'lightning_suite'}", "SLURM_JOB_ID": None, "SIGNAL_AT": None}
SLURM = {
    "SLURM_JOB_ID": "17",
    "SLURM_JOB_NAME": "night",
    "SLURM_NTASKS": "1",
    "SLURM_NTASKS_PER_NODE": "1",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
    "SLURM_NODELIST": "node1",
    "SLURM_JOB_NODELIST": "node1",
    "SLURM_NNODES": "1",
}
FIT = ["fit", "--plugin", "signalled:plugin", "--trainer.max_epochs", "3", "--runs", "runs", "--quiet"]
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")

DURING_TRAINING = [
    *(f"training {count}" for count in (1, 8, 18)),
    *(f"validation {count}" for count in (1, 9)),
    *(f"checkpoint {count}" for count in (1, 2, 4)),
    *(f"fsync {count}" for count in (1, 2, 3, 5, 9)),
    *(f"test {count}" for count in (1, 6)),
]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a training ends with that no signal reaches."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    status, _, error = forked.run_suite(FIT, cwd=folder, env=PATH)
    assert status == 0, error
    return result(only_run(folder))


def only_run(folder: Path) -> Path:
    (run,) = (folder / "runs" / "signalled").iterdir()
    return run


def result(run: Path) -> dict[str, Any]:
    """What a run ends with."""
    record = json.loads((run / "run.json").read_text())
    weights = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return {
        "status": record["status"],
        "metrics": record["metrics"],
        "rows": (run / "metrics.csv").read_text(),
        "weights": {name: tensor.tolist() for name, tensor in weights.items()},
    }


def complaint(folder: Path, moment: str, name: str, expected: Mapping[str, Any], env: Mapping[str, str]) -> str:
    """Return what is wrong when a training gets a signal at a moment; empty when all is as promised."""
    number = getattr(signal, name)
    surroundings = {**PATH, **env, "SIGNAL_AT": f"{moment} {number}"}
    status, _, error = forked.run_suite(FIT, cwd=folder, env=surroundings)
    wrong = []
    if status != 128 + number:
        wrong.append(f"status {status}")
    said = [line for line in error.splitlines() if line.strip()]
    run = next(iter((folder / "runs" / "signalled").glob("*")), None)
    if (
        len(said) > 6
        or "interrupted" not in error
        or (run and f"suite fit --resume {run.relative_to(folder)}" not in error)
    ):
        wrong.append("another message")
    now = json.loads((run / "run.json").read_text())["status"] if run else "interrupted"
    if now != ("trained" if moment.startswith("test") else "interrupted"):  # trained: what is left is the test
        wrong.append(f"run.json says {now}")
    if left := [path.name for path in folder.rglob("*.partial*")]:
        wrong.append(f"{left} left behind")
    words = ["fit", "--resume", str(run), "--quiet"] if run else FIT
    status, _, again = forked.run_suite(words, cwd=folder, env={**PATH, **env})
    if status:
        wrong.append(f"cannot go on: {again[-500:]}")
    elif result(only_run(folder)) != expected:
        wrong.append("goes on to another result")
    return f"{name} at {moment}: {'; '.join(wrong)}\n{error}" if wrong else ""


def chosen(trust: Any, moments: list[str], small: int) -> list[tuple[str, str]]:
    """Moments with signals: all, or some in which each occurs as often as the others."""
    if trust.is_full:
        return [(moment, name) for moment in moments for name in SIGNALS]
    moments, names = trust.random.sample(moments, min(small, len(moments))), list(SIGNALS)
    trust.random.shuffle(names)
    return [(moment, names[number % len(names)]) for number, moment in enumerate(moments)]


def row(trust: Any, what: str, wrong: list[str]) -> None:
    failures = [text for text in wrong if text]
    trust.outcome("Signals", what, trials=len(wrong), held=len(wrong) - len(failures), failures=failures)


def folders(tmp_path: Path) -> Any:
    """New folders, one after the other."""
    number = 0
    while True:
        number += 1
        made = tmp_path / str(number)
        made.mkdir()
        yield made


def test_during_a_training(uninterrupted: dict[str, Any], tmp_path: Path, trust: Any) -> None:
    new = folders(tmp_path)
    pairs = chosen(trust, DURING_TRAINING, 6)
    row(
        trust,
        "suite fit: training, validation, checkpoint, test",
        [complaint(next(new), moment, name, uninterrupted, {}) for moment, name in pairs],
    )


def test_in_a_job_of_slurm(uninterrupted: dict[str, Any], tmp_path: Path, trust: Any) -> None:
    new = folders(tmp_path)
    pairs = [(moment, name) for moment, name in chosen(trust, DURING_TRAINING, 11) if "USR" not in name]
    pairs = pairs if trust.is_full else pairs[:2]
    row(
        trust,
        "suite fit in a job of SLURM's",
        [complaint(next(new), moment, name, uninterrupted, SLURM) for moment, name in pairs],
    )


def test_before_a_training(uninterrupted: dict[str, Any], tmp_path: Path, trust: Any) -> None:
    """Nothing is written, and the same command begins."""
    new = folders(tmp_path)
    pairs = chosen(trust, ["import 1", "setup 1"], 2)
    row(
        trust,
        "suite fit: while the plugin is imported and set up",
        [complaint(next(new), moment, name, uninterrupted, {}) for moment, name in pairs],
    )


def test_while_everything_is_imported(tmp_path: Path, trust: Any) -> None:
    """At any moment after `suite` has begun, a new process ends in words."""
    wrong = []
    paths = filter(None, [PATH["PYTHONPATH"], os.environ.get("PYTHONPATH")])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    for _ in range(trust.size(small=1, full=15)):
        name, delay = trust.random.choice(SIGNALS), trust.random.uniform(0.05, 2.0)
        code = (
            "import sys\n"
            "from lightning_suite import cli\n"
            "run = cli._run\n"
            "def announced(words):\n"
            "    print('begun', flush=True)\n"
            "    return run(words)\n"
            "cli._run = announced\n"
            "sys.exit(cli.main(sys.argv[1:]))\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code, *FIT],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(getattr(signal, name))
        _, error = process.communicate(timeout=120)
        status = 128 + getattr(signal, name)
        if process.returncode != status or "interrupted" not in error or len(error.strip().splitlines()) > 6:
            wrong.append(f"{name} after {delay:.2f} s: status {process.returncode}\n{error}")
        else:
            wrong.append("")
    row(trust, "suite fit: while torch and Lightning are imported", wrong)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run to predict with."""
    folder = tmp_path_factory.mktemp("run")
    status, _, error = forked.run_suite(FIT, cwd=folder, env=PATH)
    assert status == 0, error
    return only_run(folder)


def test_during_a_prediction(run: Path, tmp_path: Path, trust: Any) -> None:
    wrong = []
    words = ["predict", str(run), "--output", "out.csv", "--quiet"]
    for moment, name in chosen(trust, ["setup 1", "predict 1", "predict 6", "fsync 1"], 2):
        number = getattr(signal, name)
        env = {**PATH, "SIGNAL_AT": f"{moment} {number}"}
        status, _, error = forked.run_suite(words, cwd=tmp_path, env=env)
        left = [path.name for path in tmp_path.iterdir()]
        held = status == 128 + number and left == [] and "interrupted" in error and len(error.splitlines()) <= 6
        wrong.append("" if held else f"{name} at {moment}: status {status}, {left}\n{error}")
    row(trust, "suite predict", wrong)


def test_at_random_moments(tmp_path: Path, trust: Any) -> None:
    """A training of dsa's gets a signal from outside, goes on, and ends as one that got none."""
    if not trust.is_full:
        pytest.skip("at full size only: make trust")
    words = ["fit", "--plugin", "dsa", "--recipe", "check", "--trainer.max_epochs", "3", "--runs", "runs", "--quiet"]
    new = folders(tmp_path)
    clean = next(new)
    began = time.monotonic()
    status, _, error = forked.run_suite(words, cwd=clean)
    assert status == 0, error
    lasted = time.monotonic() - began
    expected = result(next((clean / "runs" / "dsa").iterdir()))
    wrong = []
    for _ in range(20):
        folder, name = next(new), trust.random.choice(SIGNALS)
        delay = trust.random.uniform(0.1, lasted)
        wrong.append(_random_moment(folder, words, name, delay, expected))
    row(trust, "suite fit, dsa: at a random moment", wrong)


def _random_moment(folder: Path, words: list[str], name: str, delay: float, expected: dict[str, Any]) -> str:
    started = forked.start_suite(words, cwd=folder)
    time.sleep(delay)
    started.kill(getattr(signal, name))
    status, _, error = started.wait()
    run = next((folder / "runs" / "dsa").glob("*"), None) if (folder / "runs" / "dsa").is_dir() else None
    if status != 0:
        if status not in (128 + getattr(signal, name), -getattr(signal, name)):  # it may come before `suite` begins
            return f"{name} after {delay:.2f} s: status {status}\n{error}"
        again = ["fit", "--resume", str(run), "--quiet"] if run else words
        status, _, error = forked.run_suite(again, cwd=folder)
        if status:
            return f"{name} after {delay:.2f} s: cannot go on\n{error}"
    run = next((folder / "runs" / "dsa").iterdir())
    return "" if result(run) == expected else f"{name} after {delay:.2f} s: goes on to another result"

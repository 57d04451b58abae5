"""The script for a machine with a GPU rehearses here: every stage is gone through but what it would launch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import on_gpu
from lightning_suite import ops
from lightning_suite.plugins import find


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    out = tmp_path_factory.mktemp("on_gpu") / "results.json"
    assert on_gpu.main(["--cpu", "--out", str(out)]) == 0
    results = json.loads(out.read_text())
    assert results["rehearsal"]
    stages: dict[str, dict[str, object]] = results["stages"]
    return stages


def test_every_stage_is_gone_through(rehearsed: dict[str, dict[str, object]]) -> None:
    assert list(rehearsed) == list(on_gpu.STAGES)
    assert not [name for name, stage in rehearsed.items() if "error" in stage]


def test_every_op_is_timed_beside_its_reference(rehearsed: dict[str, dict[str, object]]) -> None:
    times = rehearsed["times"]["milliseconds"]
    assert isinstance(times, dict)
    assert set(times) == set(ops.names())
    assert all(taken > 0 for forms in times.values() for modes in (forms["reference"],) for taken in modes.values())


def test_every_plugin_would_be_trained(rehearsed: dict[str, dict[str, object]]) -> None:
    assert set(find.names()) <= set(rehearsed["training"])


def test_what_a_program_says_and_how_it_ends_is_kept(tmp_path: Path) -> None:
    trial = on_gpu.Trial("cpu", 60, tmp_path / "out.json")
    trial.rehearsal = False
    found = trial.run([sys.executable, "-c", "print('said'); raise SystemExit(3)"], 0.5)
    assert (found["ok"], found["said"]) == (False, ["said"])
    assert not trial.run([sys.executable, "-c", "import time; time.sleep(9)"], 0.01)["ok"]  # 0.6 s
    assert not trial.run(["there-is-no-such-program"], 0.5)["ok"]


def test_a_stage_that_fails_is_written_down_and_the_next_goes_on(tmp_path: Path) -> None:
    trial = on_gpu.Trial("cpu", 60, tmp_path / "out.json")

    def fails(_: on_gpu.Trial) -> dict[str, object]:
        raise ValueError("no such thing")

    trial.stage("one", fails)
    trial.stage("two", lambda _: {"ok": True})
    stages = json.loads((tmp_path / "out.json").read_text())["stages"]
    assert stages["one"]["error"] == "ValueError: no such thing"
    assert stages["two"]["ok"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_how_to_rehearse() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.on_gpu"],
        cwd=Path(on_gpu.ROOT),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "--cpu rehearses without one" in done.stderr

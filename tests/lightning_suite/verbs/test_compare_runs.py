"""The verb that says what differs between runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lightning_suite.errors import UsageError
from lightning_suite.options import Settings
from lightning_suite.run import Run
from lightning_suite.verbs import compare_runs as verb


def add(root: Path, seed: int, auc: float, width: int = 4, **changes: object) -> str:
    """Return the path of a new run folder, as fit would have written it."""
    run = Run.create(root, "jets", "small")
    settings = Settings(plugin="jets", recipe="small", seed=seed, model={"width": width}, data={"path": "x" * 90})
    (run.folder / "config.yaml").write_text(settings.as_yaml())
    record = {"plugin": "jets", "seed": seed, "git_commit": "1" * 40, "data_fingerprint": "d", "status": "finished"}
    run.write_record({**record, "versions": {"torch": "2"}, "metrics": {"test_auc": auc}, **changes})
    torch.save({"state_dict": {"w": torch.tensor([auc])}}, run.last)
    return str(run.folder)


def test_it_says_what_differs_and_judges_it_by_the_seeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [add(tmp_path, seed, auc) for seed, auc in enumerate((0.90, 0.91, 0.92))]
    runs += [add(tmp_path, seed, auc, width=8) for seed, auc in enumerate((0.95, 0.96, 0.97))]
    assert verb.run(runs) == 0
    output = capsys.readouterr().out
    lines = [line.split() for line in output.splitlines()]
    assert ["model.width", "4", "4", "4", "8", "8", "8"] in lines
    assert ["seed", "0", "1", "2", "0", "1", "2"] in lines
    assert "0.9100 ± 0.0100 (3)  0.9600 ± 0.0100 (3)  higher (p = 0.0036)" in output
    assert "no difference in: code, data, versions, machine, course\n" in output


def test_a_single_run_each_is_not_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verb.run([add(tmp_path, 0, 0.9), add(tmp_path, 0, 0.9 + 1e-12, width=8)])
    output = capsys.readouterr().out
    assert "0.9  0.900000000001  not judged" in output
    assert "nothing says how much seeds scatter" in output


def test_metrics_of_a_repeated_seed_are_shown_run_by_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verb.run([add(tmp_path, 0, 0.9), add(tmp_path, 0, 0.9 + 1e-12), add(tmp_path, 1, 0.8)])
    output = capsys.readouterr().out
    assert "metrics, run by run" in output
    assert ["test_auc", "0.9", "0.900000000001", "0.8"] in [line.split() for line in output.splitlines()]
    verb.run([add(tmp_path, 0, 0.9), add(tmp_path, 0, 0.9), add(tmp_path, 1, 0.8)])
    assert "run by run" not in capsys.readouterr().out


def test_runs_that_should_be_equal_and_are_not_end_it_with_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, again = add(tmp_path, 0, 0.9), add(tmp_path, 0, 0.9)
    assert verb.run([first, again, "--expect-equal"]) == 0
    assert "no difference in: settings, code, data, versions, machine, course, metrics, weights\n" in (
        capsys.readouterr().out
    )
    torch.save({"state_dict": {"w": torch.tensor([0.8])}}, Run.at(again).last)
    assert verb.run([first, again]) == 0
    assert "no difference in: settings, code, data, versions, machine, course, metrics\n" in capsys.readouterr().out
    assert verb.run([first, again, "--weights"]) == 0
    assert "last.ckpt, 1 of 1 tensors, first w" in capsys.readouterr().out
    assert verb.run([first, again, "--expect-equal"]) == 1
    assert verb.run([first, again, "--expect-equal", "--only", "metrics", "--only", "settings"]) == 0
    assert verb.run([first, again, "--expect-equal", "--only", "weights"]) == 1


def test_json_has_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [add(tmp_path, 0, 0.9), add(tmp_path, 1, 0.91), add(tmp_path, 0, float("nan"), width=8)]
    assert verb.run([*runs, "--json", "--expect-equal"]) == 1
    output = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert output["runs"] == runs
    assert output["equal"] is False
    assert {"part": "settings", "name": "model.width", "values": [4, 4, 8]} in output["differences"]
    assert output["groups"] == [[0, 1], [2]]
    assert output["metrics"] == [
        {
            "metric": "test_auc",
            "values": [[0.9, 0.91], [None]],
            "p_values": [None, None],
            "verdicts": ["", "not judged"],
        }
    ]


def test_long_values_are_shortened_only_where_they_still_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commits = [f"{'1' * 30}{middle}{'1' * 30}" for middle in "ab"]
    verb.run([add(tmp_path, 0, 0.9, git_commit=commit) for commit in commits])
    output = capsys.readouterr().out
    assert all(commit in output for commit in commits)
    verb.run([add(tmp_path, 0, 0.9, git_commit=letter * 90) for letter in "ab"])
    assert "a" * 60 not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "setings"], r"there is no part 'setings'[\s\S]*Did you mean 'settings'"),
        (["--only", "code"], "expected two runs or more, got 1"),
    ],
)
def test_mistakes_are_explained(words: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        verb.run([add(tmp_path, 0, 0.9), *words])


def test_without_weights_it_imports_no_torch(tmp_path: Path) -> None:
    probe = "import sys; from lightning_suite.cli import main; main(sys.argv[1:]); print('torch' in sys.modules)"
    words = [sys.executable, "-c", probe, "compare-runs", add(tmp_path, 0, 0.9), add(tmp_path, 1, 0.8)]
    output = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert output.endswith("False\n")
    assert "seed" in output

"""The table of all runs: quick, ordered, and never ended by what is wrong with one of them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.options import Settings
from lightning_suite.run import Run
from lightning_suite.verbs import runs as verb


def add(root: Path, plugin: str, seed: int, mode: str = "max", **metrics: float) -> Path:
    run = Run.create(root, plugin, "small")
    settings = Settings(plugin=plugin, recipe="small", seed=seed, data={"path": "x"})
    (run.folder / "config.yaml").write_text(settings.as_yaml())
    best = {"monitor": "val_auc" if "val_auc" in metrics else "val_loss", "mode": mode}
    started = f"2026-11-29T12:00:{seed:02}+00:00"
    run.write_record({"plugin": plugin, "status": "finished", "started": started, "best": best, "metrics": metrics})
    run.write_record({"epochs": 3, "fit_seconds": 75.0})
    return run.folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "runs"
    add(root, "jets", 1, val_auc=0.90, test_auc=0.91)
    add(root, "jets", 2, val_auc=0.95, test_auc=0.93)
    add(root, "jets", 3, val_auc=0.93, test_auc=0.92, test_loss=0.2)
    add(root, "words", 4, mode="min", val_loss=0.5, test_loss=0.6)
    return root


def table(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    return [line.split() for line in capsys.readouterr().out.split("\n\n")[0].splitlines()]


def seeds(capsys: pytest.CaptureFixture[str]) -> list[int]:
    return [int(row[3]) for row in table(capsys)[2:]]


def test_every_run_is_a_row_the_newest_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verb.run([str(folder)]) == 0
    head, _, first, *_ = table(capsys)
    assert head == ["run", "plugin", "recipe", "seed", "status", "epochs", "time", "chosen", "by", "tested"]
    assert first[0].startswith("words/")
    assert first[1:] == [
        *["words", "small", "4", "finished", "3", "1", "min", "15", "s", "val_loss", "0.5000", "test_loss", "0.6000"]
    ]
    verb.run([str(folder)])
    assert seeds(capsys) == [4, 3, 2, 1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--sort", "test_auc"], [2, 3, 1, 4]),
        (["--sort", "test_auc", "--reverse"], [1, 3, 2, 4]),
        (["--sort", "test_loss"], [3, 4, 1, 2]),
        (["--sort", "seed"], [1, 2, 3, 4]),
        (["--sort", "started", "--reverse"], [1, 2, 3, 4]),
        (["--plugin", "jets"], [3, 2, 1]),
        (["--plugin", "words"], [4]),
    ],
    ids=str,
)
def test_runs_are_ordered_and_chosen(
    words: list[str], expected: list[int], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verb.run([str(folder), *words]) == 0
    assert seeds(capsys) == expected


def test_the_metric_to_sort_by_is_a_column(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verb.run([str(folder), "--plugin", "jets", "--sort", "test_auc"])
    head, _, *rows = table(capsys)
    assert head[-1] == "test_auc"
    assert [row[-1] for row in rows] == ["0.9300", "0.9200", "0.9100"]


def test_the_smallest_is_best_where_a_run_was_chosen_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed, value in ((1, 0.3), (2, 0.1), (3, 0.2)):
        add(tmp_path, "jets", seed, mode="min", val_auc=value, test_auc=value)
    verb.run([str(tmp_path), "--sort", "test_auc"])
    assert seeds(capsys) == [2, 3, 1]


def test_a_metric_of_no_run_is_a_mistake(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no metric 'test_acu'[\s\S]*Did you mean 'test_auc'"):
        verb.run([str(folder), "--sort", "test_acu"])


def test_a_plugin_of_no_run_is_a_mistake(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"'jest'[\s\S]*are of: jets, words\nDid you mean 'jets'"):
        verb.run([str(folder), "--plugin", "jest"])


def test_what_is_no_run_is_named_at_the_end(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = add(folder, "words", 5)
    (bad / "run.json").write_text('{"a": \x1b')
    for number in range(12):
        (folder / f"notes{number:02}").mkdir()
    assert verb.run([str(folder)]) == 0
    output = capsys.readouterr().out
    _, _, left_out = output.split("\n\n")
    lines = left_out.splitlines()
    assert lines[0] == "left out:"
    assert lines[1].startswith(f"  {bad}: run.json is damaged: ")
    assert "notes09 and 2 more (--json names all): hold no run" in lines[2]
    assert "\x1b" not in output


def test_json_has_everything(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = add(folder, "words", 5, val_loss=float("nan"), test_loss=1.0)
    (folder / "notes").mkdir()
    assert verb.run([str(folder), "--json", "--sort", "test_auc"]) == 0
    output = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert [run["seed"] for run in output["runs"]] == [2, 3, 1, 4, 5]
    assert output["runs"][0]["metrics"] == {"val_auc": 0.95, "test_auc": 0.93}
    assert output["runs"][0]["run.json"]["epochs"] == 3
    assert output["runs"][-1]["run"] == str(bad)
    assert output["runs"][-1]["metrics"] == {"val_loss": None, "test_loss": 1.0}
    assert output["left_out"] == [{"folder": str(folder / "notes"), "reason": "holds no run"}]


def test_without_runs_it_says_how_to_make_one(tmp_path: Path, suite: Any) -> None:
    status, output, _ = suite("runs", tmp_path)
    assert (status, output) == (0, f"no run is below {tmp_path}. suite fit --plugin NAME writes one\n")
    status, _, message = suite("runs")
    assert status == 2
    assert "there is no folder runs" in message


def test_runs_are_listed_without_a_heavy_import_and_without_reading_all_their_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        add(tmp_path, "jets", seed, val_auc=0.9, test_auc=0.9)
    probe = (
        "import json, sys; from lightning_suite.cli import main; status = main(sys.argv[1:]); "
        "print(json.dumps([status, sorted(sys.modules)]))"
    )
    words = [sys.executable, "-c", probe, "runs", str(tmp_path), "--sort", "test_auc"]
    *rows, last = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    status, modules = json.loads(last)
    assert status == 0
    assert sum(row.startswith("jets/") for row in rows) == 3
    assert not {"torch", "lightning", "pytorch_lightning", "numpy", "jsonargparse", "rich"} & set(modules)
    assert len(modules) <= 250
    monkeypatch.setattr(Run, "stored", lambda run: pytest.fail("all settings of a run were read"))
    assert verb.run([str(tmp_path)]) == 0
    assert seeds(capsys) == [2, 1, 0]


def test_what_to_type_next_is_to_go_on_with_a_run_that_ended_too_early(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verb.run([str(folder), "--plugin", "words"])
    (words,) = (folder / "words").iterdir()
    assert capsys.readouterr().out.endswith(f"\n\nnext: suite test {words}\n")
    stopped = Run.at(add(folder, "jets", 9))
    stopped.write_record({"status": "interrupted"})
    verb.run([str(folder), "--sort", "seed", "--reverse"])
    assert "--resume" not in capsys.readouterr().out  # it has no checkpoint to go on from
    stopped.last.touch()
    verb.run([str(folder), "--sort", "seed", "--reverse"])
    assert capsys.readouterr().out.endswith(
        f"\n\nnext: suite fit --resume {stopped.folder}\n      suite test {words}\n"
        "      suite compare-runs RUN RUN ...\n"
    )

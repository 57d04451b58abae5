"""A table from its declaration to Markdown, CSV and JSON; the trainings are stood in for.

That real ones go on after a kill is tried in tests/trust/test_reproduce.py.
"""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lightning_suite.errors import UsageError
from lightning_suite.plugins import find
from lightning_suite.reproduction import declared, jobs
from lightning_suite.reproduction.plan import Planner
from lightning_suite.verbs import reproduce

TINY = Path(__file__).parent.parent / "tiny.py"
STAND_IN = """
import json, pathlib, sys

words = sys.argv[2:]
value = lambda name: words[words.index(name) + 1]
if words[0] == "gather":
    pathlib.Path(value("--output")).mkdir()
    pathlib.Path(value("--output"), "points.csv").write_text("1")
    sys.exit()
if words[0] == "look":
    out = pathlib.Path(value("--output"))
    (out / "look.csv").write_text("width,loss" + chr(10) + "8,0.25" + chr(10))
    (out / "look.png").write_bytes(b"png")
    sys.exit()
if "--model.hidden" in words and value("--model.hidden") == "13":
    sys.exit("no room for 13")
folder = pathlib.Path(value("--runs"), "tiny", "2026-run")
(folder / "checkpoints").mkdir(parents=True)
(folder / "config.yaml").write_text("plugin: tiny")
(folder / "checkpoints" / "last.ckpt").write_text("")
loss = 0.5 + 0.01 * int(value("--seed")) + (0.1 if "--data.points" in words else 0)
record = {"status": "finished", "metrics": {"test_loss": loss}, "epochs": 4, "fit_seconds": 8.0 * len(words)}
record["machine"] = {"system": "Linux", "processor": "P", "cores": 2, "threads": 1, "accelerators": []}
(folder / "run.json").write_text(json.dumps(record))
"""
TABLE = {
    "title": "Losses of widths",
    "place": "Table 1",
    "cost": {"minutes": 2, "disk": 3},
    "seeds": 2,
    "metric": "test_loss",
    "digits": 2,
    "margin": 0.02,
    "verdict": "within 0.02",
    "deviations": {"data": {"ours": "a plane", "paper": "pictures"}},
    "columns": {
        "plane": {},
        "larger": {"options": {"data.points": 192}},
        "looked at": {"study": "look {run} --output {output}", "numbers": "look.csv", "take": "loss"},
        "seconds": {"metric": "seconds_per_epoch", "relative_to": "narrow"},
    },
    "rows": {"wide": {"options": {"model.hidden": 16}}, "worst": {"options": {"model.hidden": 13}}},
    "cells": {
        "narrow": {"plane": 0.5, "larger": 0.5, "looked at": {"where": {"width": 8}}, "seconds": 1},
        "wide": {"plane": {"paper": 0.6, "interval": [0.58, 0.62]}, "seconds": None},
        "worst": {"plane": 0.7},
        "another paper's": {"plane": {"paper": 0.4, "cannot": "it is another paper's network"}},
    },
    "pictures": {"the loss": {"study": "look {run} --output {output}", "files": ["look.png"]}},
    "quick": {"why": "one epoch", "cost": {"minutes": 0.5}, "options": {"trainer.max_epochs": 1}},
}


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The plugin of two layers with a table, by its path; its trainings and its verb are stood in for."""
    more = "    reproductions='tiny:tables',\n    commands={'look': 'tiny:x'},\n"
    (tmp_path / "tiny.py").write_text(TINY.read_text().replace("    renamed=", f"{more}    renamed="))
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "widths.yaml").write_text(yaml.safe_dump(TABLE, sort_keys=False))
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(jobs, "PROGRAM", (sys.executable, "-S", str(tmp_path / "stand_in.py")))
    monkeypatch.setattr(jobs, "BETWEEN", 0.01)
    declared._read.cache_clear()
    before = sys.modules.pop("tiny", None)
    yield f"{tmp_path / 'tiny.py'}:plugin"
    sys.modules.pop("tiny", None)
    if before is not None:
        sys.modules["tiny"] = before


def test_a_table_is_made_written_and_kept(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert reproduce.run([f"{tiny}:widths"]) == 1  # one row fails
    printed = capsys.readouterr().out
    assert "plan: 8 runs and 2 studies, 0 of them kept from before; about 4 min 00 s on two cores, 6 MB" in printed
    assert "1 of 9 cannot be made" in printed
    folder = Path("reproductions/tiny/widths")
    with (folder / "table.csv").open() as file:
        rows = {(row["row"], row["column"]): row for row in csv.DictReader(file)}
    assert [rows["narrow", column]["verdict"] for column in ("plane", "larger", "looked at")] == [
        "reproduced",
        "above",
        "",
    ]
    assert rows["narrow", "plane"]["values"] == "0.5 0.51"
    assert rows["narrow", "larger"]["difference"] == "0.105"
    assert rows["narrow", "looked at"]["ours"] == "0.25"
    assert rows["wide", "plane"]["verdict"] == "below"
    assert rows["worst", "plane"]["verdict"] == "cannot"
    assert "no room for 13" in rows["worst", "plane"]["why"]
    assert rows["another paper's", "plane"]["why"] == "it is another paper's network"
    assert float(rows["wide", "seconds"]["ours"]) > 1
    assert rows["wide", "plane"]["command"] == f"suite fit --plugin {tiny} --model.hidden 16 --seed 0"
    text = (folder / "table.md").read_text()
    assert "| narrow | 0.51 ± 0.01 | 0.50 | reproduced | 0.60 ± 0.01 | 0.50 | above (+0.10) | 0.25" in text
    assert "![look](look.png)" in text
    assert "- machine: Linux, P, 2 cores, 1 thread" in text
    assert f"    suite fit --plugin {tiny} --seed 0\n    suite look reproductions/tiny/fits/signature-" in text
    assert (folder / "look.png").read_bytes() == b"png"
    values = json.loads((folder / "table.json").read_text())
    assert values["cells"][0]["runs"][0].startswith("fits/signature-")
    assert values["cells"][0]["deviations"][0]["ours"] == "a plane"

    assert reproduce.run([f"{tiny}:widths"]) == 1
    assert "plan: 8 runs and 2 studies, 8 of them kept from before" in capsys.readouterr().out
    assert (folder / "table.md").read_text() == text


def test_quick_and_typed_options_are_not_comparable(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    reproduce.run([f"{tiny}:widths", "--quick", "--json"])
    cells = json.loads(capsys.readouterr().out.partition("\n{")[2].join(["{", ""]))["cells"]
    assert (cells[0]["verdict"], cells[0]["why"]) == ("not comparable", "quick")
    reproduce.run([f"{tiny}:widths", "--seeds", "1", "--trainer.precision", "64-true", "--data.workers", "0"])
    assert "options (not comparable): ours --trainer.precision 64-true --data.workers 0" in capsys.readouterr().out


def test_data_is_made_first(tiny: str, tmp_path: Path) -> None:
    changes = {"makes": {"points": "gather --output {output}"}}
    file = tmp_path / "tables" / "widths.yaml"
    file.write_text(yaml.safe_dump(TABLE | changes, sort_keys=False))
    declared._read.cache_clear()
    reproduce.run([f"{tiny}:widths", "--seeds", "1"])
    (made,) = Path("reproductions/tiny/studies").glob("gather-*")
    assert (made / "data" / "points.csv").read_text() == "1"
    assert f"    suite gather --output {made}/data" in Path("reproductions/tiny/widths/table.md").read_text()


def test_a_plan_runs_nothing(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert reproduce.run([f"{tiny}:widths", "--plan", "--seeds", "3"]) == 0
    assert "plan: 12 runs and 3 studies" in capsys.readouterr().out
    assert not Path("reproductions/tiny/fits").exists()


def test_a_list_says_what_each_costs(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert reproduce.run(["--plugin", tiny]) == 0
    printed = capsys.readouterr().out
    assert f"{tiny}:widths" in printed
    assert "2 min 00 s, 3 MB; --quick 30 s" in printed
    assert "Table 1: Losses of widths (8 cells)" in printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["widths"], "expected NAME:TABLE, without --plugin, got 'widths'"),
        (["--quick"], "NAME:TABLE comes first"),
        (["TINY:width"], "there is no table 'width'"),
        (["TINY:widths", "--seeds", "0"], "--seeds: expected at least 1, got 0"),
        (["TINY:widths", "--model.hiden", "3"], "hiden"),
        (["TINY:widths", "9"], "expected options of suite fit"),
    ],
)
def test_mistakes_are_explained(tiny: str, words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        reproduce.run([words[0].replace("TINY", tiny), *words[1:]])


def test_keys_are_those_of_the_effective_settings_and_contents(tiny: str, tmp_path: Path) -> None:
    plugin = find.get(tiny)

    def key(*typed: str, **options: object) -> str:
        training = declared.Training(options={name.replace("_", ".", 1): value for name, value in options.items()})
        return Planner(tiny, plugin, typed, tmp_path / "runs").fit(training, 0).key

    assert key() == key(model_hidden=8) == key("--model.hidden", "8") == key(trainer_enable_progress_bar=False)
    assert key() != key(model_hidden=9) != key(model_hidden=10)


def test_what_is_needed_and_not_given_cannot_be_made(tiny: str, tmp_path: Path) -> None:
    training = declared.Training(options={"data.points": "{data.batch_size}"})
    cells = [declared.Cell(row, "x", training if row == "a" else declared.Training(), ("m",)) for row in "ab"]
    table = declared.Table(
        "t", tmp_path, "", "", "", 1, 1, 1, {"data.batch_size": "a number"}, {}, {}, tuple(cells), ()
    )
    plugin = find.get(tiny)
    plan = Planner(tiny, plugin, [], tmp_path / "runs").plan(table, [0])
    assert plan.cannot == {("a", "x"): "--data.batch_size is missing: a number"}
    plan = Planner(tiny, plugin, ["--data.batch_size", "64"], tmp_path / "runs").plan(table, [0])
    assert [fit.words[3:-2] for fit in plan.fits] == [("--data.points", "64"), ()]
    assert plan.deviations == ()

"""A table from its declaration to Markdown, CSV and JSON; the trainings are stood in for.

That real ones go on after a kill is tried in tests/trust/test_reproduce.py.
"""

import csv
import json
from pathlib import Path

import pytest
import yaml

from lightning_suite.errors import UsageError
from lightning_suite.plugins import find
from lightning_suite.reproduction import declared
from lightning_suite.reproduction.plan import Planner
from lightning_suite.verbs import reproduce


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
    assert "options (not comparable): --trainer.precision 64-true --data.workers 0" in capsys.readouterr().out


def test_data_is_made_first(tiny: str, tmp_path: Path) -> None:
    file = tmp_path / "tables" / "widths.yaml"
    changes = {"makes": {"points": "gather --output {output}"}}
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | changes, sort_keys=False))
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

"""What a table is written as: a column as one name, no negative zero, pictures as links."""

from pathlib import Path

from lightning_suite.reproduction.parts import Cell, Picture, Table, Training
from lightning_suite.reproduction.plan import Plan
from lightning_suite.reproduction.results import Drawn
from lightning_suite.reproduction.verdicts import Result
from lightning_suite.reproduction.written import Outcome, as_csv, as_markdown, as_text, write_all


def outcome(tmp_path: Path) -> Outcome:
    (tmp_path / "saliency.png").write_bytes(b"png")
    (tmp_path / "saliency.csv").write_text("x\n")
    values = {("a", "AUC"): -0.0001, ("b", "AUC"): 0.9, ("a", "loss"): 0.5}
    cells = [Cell(row, column, Training(), ("m",), digits=2) for row, column in values]
    picture = Picture("where it looks", Training(), ("saliency",), ("w/saliency.png",))
    table = Table("t", tmp_path, "Scores", "Table 9", "", 1, 1, 1, {}, {}, {}, tuple(cells), (picture,))
    results = [
        Result(cell, (value,), (0,), "", "", (f"suite fit --x {cell.column}",))
        for cell, value in zip(cells, values.values(), strict=True)
    ]
    drawn = [Drawn(picture, (tmp_path / "saliency.png",), ("suite saliency",), "")]
    return Outcome("plugin x", Plan(table, (0,), {}, {}), results, drawn, ["Linux"], "suite reproduce x:t")


def test_cells_of_a_column_have_one_name_and_no_zero_is_negative(tmp_path: Path) -> None:
    text = as_markdown(outcome(tmp_path))
    assert "| a | 0.00 | 0.50 |\n| b | 0.90 | – |" in text
    assert "column AUC:\n\n    suite fit --x AUC" in text
    assert "a, loss:\n\n    suite fit --x loss" in text
    assert "![w-saliency](w-saliency.png)" in text


def test_every_form_says_the_same(tmp_path: Path) -> None:
    made = outcome(tmp_path)
    files = write_all(made, tmp_path / "out")
    assert sorted(file.name for file in files) == ["table.csv", "table.json", "table.md", "w-saliency.png"]
    assert (tmp_path / "out" / "w-saliency.csv").read_text() == "x\n"
    assert as_csv(made).splitlines()[2].startswith("b,AUC,0.9,,1,0.9,,,,,,,suite fit --x AUC")
    assert "where it looks: w-saliency.png" in as_text(made)
    assert not made.has_failed

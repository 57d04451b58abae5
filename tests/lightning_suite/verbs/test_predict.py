"""Predictions of files, of standard input and of texts; what is there is not replaced without a word."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_suite.errors import DataError, UsageError
from lightning_suite.options import parse
from lightning_suite.plugins import find
from lightning_suite.recipes import recipe_of
from lightning_suite.run import Run
from lightning_suite.training import fit
from lightning_suite.verbs import predict

SENTENCES = "a gorgeous film\na dull one\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run of one epoch of a plugin that predicts sentences."""
    plugin = find.get("dsa")
    typed = ["--trainer.max_epochs=1", "--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu"]
    settings = parse(plugin, typed, start=recipe_of(plugin, "check"))
    return str(fit(plugin, settings, root=tmp_path_factory.mktemp("runs"))[0].folder)


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a text standard input."""

    def pipe(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    return pipe


@pytest.fixture
def rows(run: str, tmp_path: Path) -> list[str]:
    """What the file of the two sentences is predicted to be."""
    (tmp_path / "two.txt").write_text(SENTENCES)
    predict.run([run, str(tmp_path / "two.txt"), "--output", str(tmp_path / "two.csv")])
    return (tmp_path / "two.csv").read_text().splitlines()


def test_standard_input_and_typed_texts_are_predicted_as_a_file_is(
    run: str, rows: list[str], piped: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    piped(SENTENCES)
    assert predict.run([run, "-"]) == 0
    assert capsys.readouterr().out.splitlines() == rows
    first, second = SENTENCES.splitlines()
    assert predict.run([run, "--text", first, "--text", second]) == 0
    assert capsys.readouterr().out.splitlines() == rows
    assert rows[0].startswith("sentence,label,")


def test_a_file_is_answered_on_standard_output_where_that_is_asked(
    run: str, rows: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    words = [run, str(tmp_path / "two.txt"), "--output", "-"]
    assert predict.run(words) == 0
    assert capsys.readouterr().out.splitlines() == rows
    predict.run([*words, "--json"])
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["sentence"] for answer in answers] == SENTENCES.splitlines()


def test_json_has_a_line_for_each_input(run: str, rows: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    predict.run([run, "--text", "a gorgeous\nfilm", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["sentence"] == "a gorgeous film"
    assert [answer["label"], str(answer["probability"])] == rows[1].split(",")[1:3]


def test_standard_input_may_have_another_format_and_go_to_a_file(
    run: str, rows: list[str], piped: Callable[[str], None], tmp_path: Path
) -> None:
    piped("text\na gorgeous film\na dull one\n")
    predict.run([run, "-", "--as", ".csv", "--output", str(tmp_path / "again.csv")])
    assert (tmp_path / "again.csv").read_text().splitlines() == rows
    piped('{"text": "a gorgeous film"}\n')
    predict.run([run, "-", "--output", str(tmp_path / "one.csv")])
    header, one = (line.split(",") for line in (tmp_path / "one.csv").read_text().splitlines())
    assert (header, one[:2]) == (rows[0].split(","), rows[1].split(",")[:2])
    # A product of one row may add in another order than one of two.
    numbers, expected = ([float(cell) for cell in cells[2:]] for cells in (one, rows[1].split(",")))
    assert numbers == pytest.approx(expected, abs=1e-6)


def test_predictions_that_are_there_stay(run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one.txt").write_text("a film\n")
    for name in ("predictions.csv", "predictions-2.csv", "predictions-3.csv"):
        assert not (Run.at(run).folder / name).exists()
        predict.run([run, str(tmp_path / "one.txt")])
        assert capsys.readouterr().out == f"1 prediction: {run}/{name}\n"


def test_a_named_file_is_replaced_with_a_word(run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one.txt").write_text("a film\n")
    words = [run, str(tmp_path / "one.txt"), "--output", str(tmp_path / "out.csv")]
    predict.run(words)
    predict.run(words)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"{lines[0]}, in place of what was there"


def test_a_refusal_names_the_input_as_it_was_typed(run: str, piped: Callable[[str], None]) -> None:
    piped('{"sentence": "a film"}\n{"sentence": \n')
    with pytest.raises(DataError, match=r"^standard input:2: "):
        predict.run([run, "-"])


def test_what_goes_wrong_with_typed_texts_names_them(run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(done: Run, path: str, *_: object) -> int:
        raise DataError("expected points, got texts", path)

    monkeypatch.setattr("lightning_suite.evaluation.predict", refuse)
    with pytest.raises(DataError, match=r"^--text: expected points, got texts$"):
        predict.run([run, "--text", "a film"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["i.txt", "--text", "x"], "give --text or INPUT, i.txt; not both"),
        (["i.txt", "--json"], r"for a file, give --output FILE\.jsonl"),
        (["-", "--embed"], r"give --output FILE\.npy"),
        (["--text", " "], "the input is empty"),
    ],
)
def test_contradictions_are_refused(words: list[str], message: str, run: str) -> None:
    with pytest.raises(UsageError, match=message):
        predict.run([run, *words])

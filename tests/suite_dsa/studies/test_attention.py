"""Attention maps of a trained encoder, as people see them and as numbers."""

import csv
import struct
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lightning_suite import load
from lightning_suite.errors import DataError, UsageError
from suite_dsa.studies.attention import attention

pytest.importorskip("matplotlib", reason="matplotlib, of the extra 'dsa', is not installed")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_map_of_a_sentence_is_a_picture_and_its_numbers(
    checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    attention(str(checkpoint), "the plot is warm")
    numbers = rows(checkpoint.parent / "figures" / "attention.csv")
    assert [row["word"] for row in numbers if row["head"] == "1"] == ["the", "plot", "is", "warm"]
    for head in "12":
        assert sum(float(row["weight"]) for row in numbers if row["head"] == head) == pytest.approx(1)
    assert (checkpoint.parent / "figures" / "attention.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert "the plot is warm" in printed
    assert "head 2" in printed


def test_a_second_call_leaves_the_picture_of_the_first(checkpoint: Path) -> None:
    for sentence in ("a dull film", "what a cast"):
        attention(str(checkpoint), sentence)
    figures = checkpoint.parent / "figures"
    words = [[row["word"] for row in rows(figures / f"{name}.csv")] for name in ("attention", "attention-2")]
    assert [set(found) for found in words] == [{"a", "dull", "film"}, {"what", "a", "cast"}]
    assert (figures / "attention-2.png").is_file()


def test_the_map_agrees_with_the_module(checkpoint: Path, tmp_path: Path) -> None:
    attention(str(checkpoint), "a dull film", output=str(tmp_path / "map.png"))
    _, weights = load(checkpoint).attention("a dull film")
    numbers = torch.tensor([float(row["weight"]) for row in rows(tmp_path / "map.csv")]).view(3, 2)
    torch.testing.assert_close(weights, numbers)


def test_the_lines_of_a_file_are_sentences_of_one_picture(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("the plot is warm\n\na dull film\nnever shown\n")
    attention(str(checkpoint), str(tmp_path / "text.txt"), sentences=2)
    numbers = rows(checkpoint.parent / "figures" / "attention.csv")
    assert [row["word"] for row in numbers if row["head"] == "1"] == ["the", "plot", "is", "warm", "a", "dull", "film"]
    assert {row["sentence"] for row in numbers} == {"1", "2"}


def test_only_chosen_heads_are_shown(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    attention(str(checkpoint), "a good film", heads="2")
    assert {row["head"] for row in rows(checkpoint.parent / "figures" / "attention.csv")} == {"2"}
    assert "head 1" not in capsys.readouterr().out
    with pytest.raises(UsageError, match="--heads 1,3: expected numbers from 1 to 2"):
        attention(str(checkpoint), "a good film", heads="1,3")


def test_a_second_run_is_shown_below_the_first(
    make_checkpoint: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    dynamic, static = make_checkpoint("one", heads=1), make_checkpoint("other", attention="static")
    attention(str(dynamic), "a good film", beside=str(static))
    numbers = rows(dynamic.parent / "figures" / "attention.csv")
    assert [(row["attention"], row["head"]) for row in numbers[:3]] == [
        ("dynamic", "1"),
        ("static", "1"),
        ("static", "2"),
    ]
    expected = [weights[2, head] for weights in (load(static).attention("a good film")[1],) for head in (0, 1)]
    assert [float(row["weight"]) for row in numbers[-2:]] == pytest.approx([float(weight) for weight in expected])
    printed = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()]
    assert printed[1:4] == ["dynamic", "static 1", "static 2"]


def test_two_runs_of_one_kind_are_told_apart_by_their_folders(make_checkpoint: Callable[..., Path]) -> None:
    one, other = make_checkpoint("one"), make_checkpoint("other", iterations=3)
    attention(str(one), "a good film", beside=str(other), heads="1")
    numbers = rows(one.parent / "figures" / "attention.csv")
    assert [row["attention"] for row in numbers[:2]] == ["one", "other"]


def test_runs_that_see_different_words_are_not_compared(make_checkpoint: Callable[..., Path]) -> None:
    one, other = make_checkpoint("one"), make_checkpoint("other", tokenizer="sst")
    with pytest.raises(UsageError, match=r"different words, by --data\.tokenizer ptb and sst"):
        attention(str(one), "a good film", beside=str(other))


def test_a_long_sentence_takes_several_lines_of_the_picture(checkpoint: Path, tmp_path: Path) -> None:
    attention(str(checkpoint), "the plot is warm . " * 9 + "the end", output=str(tmp_path / "map.png"))
    width, height = struct.unpack(">2I", (tmp_path / "map.png").read_bytes()[16:24])
    assert len(rows(tmp_path / "map.csv")) == 2 * (9 * 5 + 2)
    assert width < 4 * height < 4 * width


@pytest.mark.parametrize(("words", "columns"), [("\x1b[31mred", "80"), ("\u65e5\u672c good", "20"), ("a" * 300, "9")])
def test_any_text_is_shown_on_any_terminal(
    make_checkpoint: Callable[..., Path],
    tmp_path: Path,
    words: str,
    columns: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    with warnings.catch_warnings():  # of a sign without a glyph
        warnings.simplefilter("error")
        attention(str(make_checkpoint(tokenizer="whitespace")), words, output=str(tmp_path / "x.png"))
    assert "\x1b" not in capsys.readouterr().out


def test_an_empty_sentence_is_a_mistake(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the sentence is empty"):
        attention(str(checkpoint), " \n ")
    (tmp_path / "blank.txt").write_text("\n \n")
    with pytest.raises(DataError, match=r"blank\.txt: expected a sentence a line, got only blank lines"):
        attention(str(checkpoint), str(tmp_path / "blank.txt"))


def test_a_picture_that_is_no_png_is_refused_before_anything_is_computed(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.png"):
        attention(str(checkpoint), "good", output=str(tmp_path / "x.foo"))

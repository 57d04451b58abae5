"""Weight vectors of a trained encoder as points, and how far they scatter."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_suite import load
from lightning_suite.errors import DataError, UsageError
from suite_dsa.studies.vectors import vectors

pytest.importorskip("matplotlib", reason="matplotlib, of the extra 'dsa', is not installed")

TEXT = "the plot is warm\na dull film\n\nwhat a cast !\nthe music is thin\n"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_weight_vectors_of_many_sentences_are_points_of_every_head(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    vectors(str(checkpoint), str(tmp_path / "text.txt"))
    figures = checkpoint.parent / "figures"
    points = rows(figures / "vectors.csv")
    assert [row["head"] for row in points] == ["1"] * 4 + ["2"] * 4
    assert (figures / "vectors.png").read_bytes().startswith(b"\x89PNG")
    first = torch.tensor([float(row["component_1"]) for row in points[:4]])
    of_head = rows(figures / "vectors_heads.csv")[0]
    centred = load(checkpoint).weight_vectors([line for line in TEXT.splitlines() if line])
    centred = centred[:, 0] - centred[:, 0].mean(dim=0)
    assert float(of_head["variance_1"]) == pytest.approx(float(first.square().sum() / centred.square().sum()), abs=1e-5)
    encoder = load(checkpoint)
    likeliest = encoder.classifier(torch.as_tensor(encoder.encode([points[0]["sentence"]]))).argmax()
    assert points[0]["predicted"] == points[4]["predicted"] == encoder.labels[likeliest]
    assert f"{float(of_head['spread']):.3f}" in capsys.readouterr().out


@pytest.mark.parametrize("chosen", [{"heads": "2"}, {"head": 2}])
def test_only_chosen_heads_are_drawn(checkpoint: Path, tmp_path: Path, chosen: dict[str, Any]) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    vectors(str(checkpoint), str(tmp_path / "text.txt"), output=str(tmp_path / "x.png"), **chosen)
    assert {row["head"] for row in rows(tmp_path / "x.csv")} == {"2"}
    assert [row["head"] for row in rows(tmp_path / "x_heads.csv")] == ["2"]


def test_a_single_head_is_not_compared_with_others(
    make_checkpoint: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    vectors(str(make_checkpoint(heads=1)), str(tmp_path / "text.txt"), output=str(tmp_path / "x.png"))
    printed = capsys.readouterr().out
    assert "alignment" in printed and "beside_heads" not in printed and "nan" not in printed


def test_a_missing_head_and_a_short_file_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("one\ntwo\n")
    with pytest.raises(UsageError, match="--heads 3: expected numbers from 1 to 2"):
        vectors(str(checkpoint), str(tmp_path / "text.txt"), heads="3")
    with pytest.raises(DataError, match=r"text\.txt: expected at least 3 sentences, one a line, got 2"):
        vectors(str(checkpoint), str(tmp_path / "text.txt"))


def test_too_few_sentences_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--sentences -4: expected at least 3"):
        vectors(str(checkpoint), str(tmp_path / "unread.txt"), sentences=-4)


def test_broken_text_is_refused_with_its_line(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"one\ntwo \xff\nthree\n")
    with pytest.raises(DataError, match=r"in\.txt:2: byte 0xff is not UTF-8"):
        vectors(str(checkpoint), str(tmp_path / "in.txt"), output=str(tmp_path / "x.png"))


@pytest.mark.parametrize("changes", [{"attention": "static"}, {"iterations": 1}])
def test_weight_vectors_that_are_the_same_for_all_sentences_are_not_plotted(
    changes: dict[str, Any], make_checkpoint: Callable[..., Path]
) -> None:
    with pytest.raises(UsageError, match="no weight vectors that differ between sentences"):
        vectors(str(make_checkpoint(**changes)), "unread.txt")

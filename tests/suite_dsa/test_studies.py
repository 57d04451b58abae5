"""Attention maps and weight vectors of a trained encoder, as people see them and as numbers."""

import csv
import struct
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_suite.errors import DataError, UsageError
from lightning_suite.options import Settings
from lightning_suite.recipes import recipe_of
from lightning_suite.run import Run
from lightning_suite.training import fit
from suite_dsa import plugin, studies

pytest.importorskip("matplotlib", reason="matplotlib, of the extra 'dsa', is not installed")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    values = recipe_of(plugin, "check")
    model = dict(values["model"]) | {"heads": 2}
    trainer = {"max_epochs": 1, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    settings = Settings(plugin="dsa", model=model, data=dict(values["data"]), trainer=trainer)
    return fit(plugin, settings, root=tmp_path_factory.mktemp("runs"))[0]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_map_of_a_sentence_is_a_picture_and_its_numbers(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    studies.attention(str(run.folder), "the plot is warm")
    numbers = rows(run.folder / "figures" / "attention.csv")
    assert [row["word"] for row in numbers if row["head"] == "1"] == ["the", "plot", "is", "warm"]
    for head in "12":
        assert sum(float(row["weight"]) for row in numbers if row["head"] == head) == pytest.approx(1)
    assert (run.folder / "figures" / "attention.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert "the plot is warm" in printed
    assert "head 2" in printed


def test_the_map_agrees_with_the_module(run: Run, tmp_path: Path) -> None:
    from lightning_suite import load

    studies.attention(str(run.folder), "a dull film", output=str(tmp_path / "map.png"))
    ((_, weights),) = load(run).attention(["a dull film"])
    numbers = torch.tensor([float(row["weight"]) for row in rows(tmp_path / "map.csv")]).view(3, 2)
    torch.testing.assert_close(weights, numbers)


def test_a_long_sentence_takes_several_lines_of_the_picture(run: Run, tmp_path: Path) -> None:
    studies.attention(str(run.folder), "the plot is warm . " * 9 + "the end", output=str(tmp_path / "map.png"))
    width, height = struct.unpack(">2I", (tmp_path / "map.png").read_bytes()[16:24])
    assert len(rows(tmp_path / "map.csv")) == 2 * (9 * 5 + 2)
    assert width < 2 * height < 4 * width


def test_an_empty_sentence_is_a_mistake(run: Run) -> None:
    with pytest.raises(UsageError, match="the sentence is empty"):
        studies.attention(str(run.folder), " \n ")


def test_weight_vectors_of_many_sentences_are_points(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("the plot is warm\na dull film\n\nwhat a cast !\nthe music is thin\n")
    studies.vectors(str(run.folder), str(tmp_path / "text.txt"), head=2)
    assert len(rows(run.folder / "figures" / "vectors.csv")) == 4
    assert (run.folder / "figures" / "vectors.png").read_bytes().startswith(b"\x89PNG")


def test_a_missing_head_and_a_short_file_are_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("one\ntwo\n")
    with pytest.raises(UsageError, match="--head 3: expected a number from 1 to 2"):
        studies.vectors(str(run.folder), str(tmp_path / "text.txt"), head=3)
    with pytest.raises(DataError, match=r"text\.txt: expected at least 3 sentences, one a line, got 2"):
        studies.vectors(str(run.folder), str(tmp_path / "text.txt"))


def test_the_most_attended_word_is_shaded_full() -> None:
    text = studies.shaded(["a", "bcd"], torch.tensor([[0.1], [0.9]]))
    assert text.splitlines()[1].startswith("head 1    ███")


def test_a_picture_that_is_no_png_is_refused_before_anything_is_computed(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.png"):
        studies.attention(str(run.folder), "good", output=str(tmp_path / "x.foo"))


def test_too_few_sentences_are_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--sentences -4: expected at least 3"):
        studies.vectors(str(run.folder), str(tmp_path / "unread.txt"), sentences=-4)


def test_broken_text_is_refused_with_its_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"one\ntwo \xff\nthree\n")
    with pytest.raises(DataError, match=r"in\.txt:2: byte 0xff is not UTF-8"):
        studies.vectors(str(run.folder), str(tmp_path / "in.txt"), output=str(tmp_path / "x.png"))


def test_a_sign_without_a_glyph_is_no_warning(run: Run, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        studies.attention(str(run.folder), "\u65e5\u672c good", output=str(tmp_path / "x.png"))


@pytest.mark.parametrize("changes", [{"attention": "static"}, {"iterations": 1}])
def test_weight_vectors_that_are_the_same_for_all_sentences_are_not_plotted(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    values = recipe_of(plugin, "check")
    trainer = {"max_epochs": 1, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    model = dict(values["model"]) | changes
    trained = fit(
        plugin, Settings(plugin="dsa", model=model, data=dict(values["data"]), trainer=trainer), root=tmp_path
    )[0]
    with pytest.raises(UsageError, match="no weight vectors that differ between sentences"):
        studies.vectors(str(trained.folder), "unread.txt")

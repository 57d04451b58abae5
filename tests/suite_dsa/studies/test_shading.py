"""Attention maps as text."""

import pytest
import torch
from rich.cells import cell_len

from suite_dsa.studies.shading import shaded


def test_the_most_attended_word_is_shaded_full() -> None:
    text = shaded(["a", "bcd"], torch.tensor([[0.1], [0.9]]))
    assert text.splitlines()[1].startswith("head 1    ███")


@pytest.mark.parametrize("width", [10, 14, 20, 33, 60])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    words = ["an", "extraordinarily", "long", "and", "winding", "sentence", "about", "日本", "films"]
    weights = torch.softmax(torch.arange(float(len(words)))[:, None] * torch.tensor([0.1, -0.2]), dim=0)
    text = shaded(words, weights, width=width)
    # The label and a shortest line of words need 16 columns; the closing line names a word in full.
    assert max(cell_len(line) for line in text.splitlines() if "'" not in line) <= max(width, 16)
    assert "extraordinarily" in text or width < 33


def test_a_folded_sentence_loses_no_word_and_keeps_its_heads() -> None:
    words = [f"w{number}" for number in range(30)]
    weights = torch.full((30, 2), 1 / 30)
    lines = shaded(words, weights, width=40).splitlines()
    assert [word for line in lines if not line.startswith("head") for word in line.split()] == words
    bars = [line[8:] for line in lines if line.startswith("head 2")]
    assert [len(word) for word in words] == [len(bar) for line in bars[:-1] for bar in line.split()]
    assert bars[-1] == "'w0' 0.03"


def test_bars_are_as_wide_as_wide_words() -> None:
    _, bars = shaded(["日本", "x"], torch.tensor([[0.5], [0.5]])).splitlines()
    assert bars.startswith("head 1  ████ █  ")


def test_no_colour_is_needed() -> None:
    assert "\x1b" not in shaded(["a\x1b[31m", "b"], torch.tensor([[0.5], [0.5]]))

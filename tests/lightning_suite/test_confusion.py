"""The confusion matrix people look at."""

import csv
from pathlib import Path

import pytest

from lightning_suite.confusion import write_confusion

pytest.importorskip("matplotlib", reason="matplotlib, of the extra 'dsa', is not installed")


def test_the_picture_has_its_numbers_beside_it(tmp_path: Path) -> None:
    write_confusion(tmp_path / "confusion.png", ["bad", "good"], [[3, 1], [0, 0]])
    assert (tmp_path / "confusion.png").read_bytes().startswith(b"\x89PNG")
    with (tmp_path / "confusion.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["true \\ predicted", "bad", "good"], ["bad", "3", "1"], ["good", "0", "0"]]

"""Pictures of the sizes of clusters."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from suite_spectral.pictures.cluster_sizes import write_sizes

pytest.importorskip("matplotlib", reason="matplotlib, of the extra 'spectral', is not installed")

Rows = Callable[[Path], list[dict[str, str]]]
LABELS = torch.tensor([0, 0, 0, 0, 1, 1])


def test_sizes_stand_beside_the_most_frequent_class(tmp_path: Path, rows_of: Rows) -> None:
    classes = torch.tensor([1, 1, 0, -1, 0, 0])  # that of the fourth is not known
    write_sizes(tmp_path / "sizes.png", LABELS, 3, classes, ["ham", "spam"])
    found = rows_of(tmp_path / "sizes.csv")
    assert [tuple(row.values()) for row in found] == [
        ("0", "4", "spam", "2"),
        ("1", "2", "ham", "2"),
        ("2", "0", "", "0"),
    ]
    assert (tmp_path / "sizes.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("classes", [None, torch.full((6,), -1)])
def test_without_known_classes_sizes_stand_alone(tmp_path: Path, rows_of: Rows, classes: torch.Tensor | None) -> None:
    write_sizes(tmp_path / "sizes.png", LABELS, 2, classes)
    assert [tuple(row.values()) for row in rows_of(tmp_path / "sizes.csv")] == [("0", "4", "", ""), ("1", "2", "", "")]

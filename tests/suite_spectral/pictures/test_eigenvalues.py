"""Pictures of eigenvalues."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from suite_spectral.pictures.eigenvalues import write_eigenvalues

pytest.importorskip("matplotlib", reason="matplotlib, of the extra 'spectral', is not installed")

Rows = Callable[[Path], list[dict[str, str]]]
PNG = b"\x89PNG"


def test_eigenvalues_are_written_with_their_gaps_and_sums(tmp_path: Path, rows_of: Rows) -> None:
    values = torch.tensor([0.0, 0.1, 0.4, 0.5], dtype=torch.float64)
    write_eigenvalues(tmp_path / "e.png", values, 3, 2)
    found = rows_of(tmp_path / "e.csv")
    assert [float(row["gap_to_next"]) for row in found[:-1]] == pytest.approx([0.1, 0.3, 0.1])
    assert [float(row["relative_gap"]) for row in found[:-1]] == pytest.approx([1, 0.75, 0.2])
    assert float(found[-1]["sum"]) == pytest.approx(1.0)
    assert (tmp_path / "e.png").read_bytes().startswith(PNG)


def test_as_many_eigenvalues_as_clusters_can_be_drawn(tmp_path: Path) -> None:
    values = torch.tensor([0.0, 0.0, 0.4], dtype=torch.float64)
    write_eigenvalues(tmp_path / "e.png", values, 3, 2)
    assert (tmp_path / "e.png").read_bytes().startswith(PNG)

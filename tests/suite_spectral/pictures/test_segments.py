"""Pictures of segments."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from suite_spectral.pictures.segments import write_segments
from suite_spectral.segments import segments_of

pytest.importorskip("matplotlib", reason="matplotlib, of the extra 'spectral', is not installed")

Rows = Callable[[Path], list[dict[str, str]]]
PNG = b"\x89PNG"


@pytest.mark.parametrize("channels", [1, 3])
def test_segments_are_drawn_with_their_numbers(tmp_path: Path, channels: int, rows_of: Rows) -> None:
    image = torch.full((20, 30, channels), 0.5)
    labels = torch.zeros(20, 30, dtype=torch.int64)
    labels[:, 20:] = 1
    write_segments(tmp_path / "s.png", image, labels, segments_of(image, labels))
    found = rows_of(tmp_path / "s.csv")
    assert [row["pixels"] for row in found] == ["400", "200"]
    assert [float(row["blue"]) for row in found] == pytest.approx([0.5, 0.5])
    assert (tmp_path / "s.png").read_bytes().startswith(PNG)

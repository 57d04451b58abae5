import csv
from pathlib import Path

import pytest
import torch

from digit_sums import studies
from digit_sums.module import DigitSum


class Exact(torch.nn.Module):
    """Stands in for a network that has learnt the sum."""

    def forward(self, digits: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        return torch.stack([part.sum() for part in digits.split(offsets.diff().tolist())]).float()


def test_a_network_that_has_learnt_the_sum_is_right_at_every_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = DigitSum()
    module.network = Exact()
    checkpoint = tmp_path / "some.ckpt"
    checkpoint.touch()
    monkeypatch.setattr(studies, "load", lambda run: module)
    studies.sizes(str(checkpoint), largest=20, step=10, sets=7)
    with (tmp_path / "figures" / "sizes.csv").open(newline="") as file:
        assert [["size", "accuracy"], ["10", "1.0"], ["20", "1.0"]] == list(csv.reader(file))
    assert (tmp_path / "figures" / "sizes.png").stat().st_size > 1000
    assert "1.000 with 20" in capsys.readouterr().out

"""An altered entry of a checkpoint is named."""

from pathlib import Path

import pytest
import torch

from lightning_suite.checkpoint_entries import refuse_misfits
from lightning_suite.errors import RunError


def test_weights_that_are_no_tensors_are_named() -> None:
    with pytest.raises(RunError, match=r"state_dict.network.weight: expected a tensor, got \{'a': 1\}"):
        refuse_misfits({"state_dict": {"network.weight": {"a": 1}}}, {}, Path("last.ckpt"))
    refuse_misfits({"state_dict": {"head._extra_state": {"a": 1}, "w": torch.ones(1)}}, {}, Path("last.ckpt"))

"""What save_hyperparameters() puts into a checkpoint is kept as far as it can be read back without running code."""

from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_suite.checkpoint import SafeCheckpointIO, read
from lightning_suite.hyper_parameters import SafeHyperParameters


class Unpicklable:
    def __reduce__(self) -> Any:
        raise RuntimeError("not me")


def test_what_is_plain_is_kept_and_the_rest_is_left_out(tmp_path: Path) -> None:
    plain = {"width": 3, "rates": [0.1, 0.2], "nested": {"a": (1, None)}, "mean": torch.ones(2), "name": "x"}
    objects = {
        "network": torch.nn.Linear(2, 1),
        "key": lambda row: row,
        "optimizer": torch.optim.SGD,
        "path": Path("x"),
        "odd": Unpicklable(),
    }
    SafeCheckpointIO().save_checkpoint({"epoch": 1, "hyper_parameters": plain | objects}, tmp_path / "last.ckpt")
    kept = read(tmp_path / "last.ckpt")["hyper_parameters"]
    assert kept.keys() == plain.keys()
    assert (kept["width"], kept["nested"], kept["mean"].tolist()) == (3, {"a": (1, None)}, [1, 1])


def test_what_is_left_out_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    keep = SafeHyperParameters()
    checkpoint = {"hyper_parameters": {"width": 3, "network": torch.nn.ReLU(), "key": len}}
    with caplog.at_level("INFO"):
        assert keep(checkpoint) == keep(checkpoint) == {"hyper_parameters": {"width": 3}}
    assert [record.message.count("network, key") for record in caplog.records] == [1]
    assert len(checkpoint["hyper_parameters"]) == 3

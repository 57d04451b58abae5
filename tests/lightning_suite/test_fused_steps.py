"""Adam takes its step in one pass wherever Lightning lets it, and learns the same."""

from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from lightning_suite.fused_steps import fused_if_possible

STEPS = 5


class Line(LightningModule):
    """A line through points, learnt by Adam."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.line, self.fused = nn.Linear(3, 1), fused

    def training_step(self, points: Tensor, index: int) -> Tensor:
        return (self.line(points) - points.sum(1, keepdim=True)).square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        fused = fused_if_possible(self) if self.fused else None
        return torch.optim.AdamW(self.parameters(), lr=0.1, fused=fused)


def learnt(fused: bool, **settings: Any) -> tuple[LightningModule, bool]:
    torch.manual_seed(0)
    module = Line(fused)
    trainer = Trainer(
        accelerator="cpu",
        max_steps=STEPS,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **settings,
    )
    points = torch.randn(4 * STEPS, 3, generator=torch.Generator().manual_seed(1))
    trainer.fit(module, DataLoader(points, batch_size=4))  # type: ignore[arg-type]
    return module, bool(trainer.optimizers[0].param_groups[0]["fused"])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, True),
        ({"gradient_clip_val": 0.1}, True),
        ({"precision": "bf16-mixed"}, True),
        ({"precision": "bf16-mixed", "gradient_clip_val": 0.1}, False),  # Lightning would refuse
    ],
    ids=str,
)
def test_a_step_is_fused_unless_lightning_would_refuse_and_learns_the_same(
    settings: dict[str, Any], expected: bool
) -> None:
    (ours, fused), (theirs, _) = learnt(True, **settings), learnt(False, **settings)

    assert fused is expected
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_without_a_trainer_torch_chooses() -> None:
    assert fused_if_possible(Line(True)) is None

"""How the weights are learnt: the paper's optimizers, and its rule that halves the learning rate."""

from collections.abc import Mapping
from typing import Any

import torch
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import nn


def paper_optimizer(
    weights: Mapping[str, nn.Parameter], settings: Mapping[str, Any], fused: bool | None = None
) -> OptimizerLRSchedulerConfig:
    """Return the optimizer of the weights that learn, and the rule that halves its learning rate (appendices A and B).

    Word vectors that learn are not decayed: optimizers that divide by the size of a gradient would take the decay of a
    word that does not occur for a step as long as any.

    Args:
        weights: the parameters by their names.
        settings: the hyperparameters of `suite_dsa.module.SentenceClassifier`.
        fused: whether Adam reads each weight once a step (`lightning_suite.fused_steps`); Adadelta has no such form.
    """
    learning = {name: weight for name, weight in weights.items() if weight.requires_grad}
    of_words = [weight for name, weight in learning.items() if "changes." in name]
    groups: list[dict[str, Any]] = [{"params": [weight for name, weight in learning.items() if "changes." not in name]}]
    if of_words:
        groups.append({"params": of_words, "weight_decay": 0.0})
    own = {"weight_decay": settings["weight_decay"]}
    if settings["learning_rate"] is not None:
        own["lr"] = settings["learning_rate"]
    optimizer: torch.optim.Optimizer
    if settings["optimizer"] == "adam":
        optimizer = torch.optim.Adam(groups, **own, fused=fused)
    else:
        optimizer = torch.optim.Adadelta(groups, **own)
    # torch halves after *more* than `patience` epochs without a lower loss.
    halving = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        factor=0.5,
        patience=settings["halve_patience"] - 1,
        threshold=settings["halve_threshold"],
        threshold_mode="abs",
    )
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": halving, "monitor": "train_loss"}}

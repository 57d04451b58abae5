"""What learns, and what is decayed."""

import torch
from torch import nn

from suite_dsa.optimization import paper_optimizer

SETTINGS = {
    "optimizer": "adam",
    "learning_rate": None,
    "weight_decay": 0.1,
    "halve_patience": 2,
    "halve_threshold": 0.0,
}


def test_word_vectors_are_not_decayed_and_frozen_weights_do_not_learn() -> None:
    weights = {name: nn.Parameter(torch.ones(1)) for name in ("encoder.weight", "changes.weight", "classifier.weight")}
    weights["classifier.weight"].requires_grad_(False)

    groups = paper_optimizer(weights, SETTINGS)["optimizer"].param_groups

    assert [[id(weight) for weight in group["params"]] for group in groups] == [
        [id(weights["encoder.weight"])],
        [id(weights["changes.weight"])],
    ]
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0]

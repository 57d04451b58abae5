"""What learns, what is decayed, and the average of the weights."""

import torch
from torch import nn

from suite_dsa.optimization import average_, paper_optimizer

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


def test_what_batch_normalisation_remembers_is_averaged_too() -> None:
    average, learner = nn.BatchNorm1d(1), nn.BatchNorm1d(1)
    learner.running_mean.fill_(8.0)
    learner.num_batches_tracked.fill_(3)

    average_(average, learner, 0.25)

    assert (average.running_mean.item(), average.num_batches_tracked.item()) == (2.0, 3)

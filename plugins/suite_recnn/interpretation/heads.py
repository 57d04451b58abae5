"""Dense layers on top of an embedding, and how they are trained: as the taggers are, without Lightning around them."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_lightning.utilities.seed import isolate_rng
from torch import nn

from suite_recnn import tagging
from suite_recnn.forests import ForestData
from suite_recnn.interpretation.subject import BATCH
from suite_recnn.module import JetTagger
from suite_recnn.outputs import cross_entropy
from suite_recnn.schedule import warm_cosine
from suite_recnn.tagging import Estimate

CLIP = 1.0
"""The largest norm of a step's gradient, as in the recipes."""


def dense_layers(widths: Sequence[int]) -> nn.Sequential:
    """Return dense layers with relu between them, which end in a logit, initialised by He's rule.

    Example:
        >>> [layer.out_features for layer in dense_layers([70, 70, 70]) if isinstance(layer, nn.Linear)]
        [70, 70, 1]
    """
    layers: list[nn.Module] = []
    for before, after in pairwise([*widths, 1]):
        layers += [nn.Linear(before, after), nn.ReLU()]
        nn.init.kaiming_uniform_(layers[-2].weight, nonlinearity="relu")  # type: ignore[arg-type]
        nn.init.zeros_(layers[-2].bias)  # type: ignore[arg-type]
    return nn.Sequential(*layers[:-1], nn.Flatten(0))


def best_auc(
    make: Callable[[], nn.Module],
    inputs: Callable[[str, NDArray[np.int64]], Any],
    parts: Mapping[str, ForestData],
    tagger: JetTagger,
    *,
    batch_size: int = 64,
    epochs: int = 20,
    seed: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> Estimate:
    """Train a model as the tagger was, and return the test AUC of the epoch with the best validation AUC.

    Args:
        make: makes the model, from inputs to logits, (jet,).
        inputs: of the jets of a part with these numbers.
        parts: the jets, for their labels and weights.
        tagger: whose learning rate and weight decay are taken.
        batch_size: of the training.
        epochs: of the training.
        seed: of the model and of the order of the jets.
        advance: is called after each epoch.
    """
    train = parts["train"]
    assert train.labels is not None
    labels, weights = torch.from_numpy(train.labels), train.weights
    with isolate_rng():
        torch.manual_seed(seed)
        model = make()
    generator = torch.Generator().manual_seed(seed)
    steps = epochs * math.ceil(len(train) / batch_size)
    rates = {"lr": tagger.hparams["learning_rate"], "weight_decay": tagger.hparams["weight_decay"]}
    optimizer = torch.optim.AdamW(model.parameters(), **rates, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(warm_cosine, steps=steps))

    def scores(part: str) -> NDArray[np.float64]:
        rows = np.arange(len(parts[part]))
        with torch.no_grad():
            blocks = [model(inputs(part, rows[begin : begin + BATCH])) for begin in range(0, len(rows), BATCH)]
        found: NDArray[np.float64] = torch.cat(blocks).double().numpy()
        return found

    def auc(part: str) -> Estimate:
        jets = parts[part]
        assert jets.labels is not None
        return tagging.auc(scores(part), jets.labels, jets.weights)

    best, kept = -math.inf, model.state_dict()
    for _ in range(epochs):
        order = torch.randperm(len(train), generator=generator)
        for begin in range(0, len(train), batch_size):
            rows = order[begin : begin + batch_size]
            counted = None if weights is None else torch.from_numpy(weights[rows.numpy()])
            logits = model(inputs("train", rows.numpy()))
            loss = cross_entropy(logits, labels[rows], counted)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            schedule.step()
        if (value := auc("validation").value) > best:
            best, kept = value, copy.deepcopy(model.state_dict())
        advance()
    model.load_state_dict(kept)
    return auc("test")

"""Running averages of weights, which are validated, tested and kept in place of the weights that learn.

The average of about the last 1 / (1 - decay) steps is often better than the last weights, and changes less from one
validation to the next (Polyak and Juditsky, 1992). A module that has one holds the network twice: as what is used, with
the average, and as what learns.
"""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

_MARK = "is_running_average"


def decay_at(step: int, decay: float) -> float:
    """Return the share of the average that stays at a step: at first it is small, so that new weights soon pass.

    Args:
        step: the number of steps taken before.
        decay: the share in the long run.

    Example:
        >>> decay_at(0, 0.998), decay_at(10_000, 0.998)
        (0.1, 0.998)
    """
    return min(decay, (1 + step) / (10 + step))


def hold_average_(module: nn.Module) -> None:
    """Have a network hold an average: no gradient reaches its weights, and they count as no parameters of their own.

    Args:
        module: the network that is to hold the average; changed in place.

    Example:
        >>> network = nn.Linear(2, 1)
        >>> hold_average_(network)
        >>> [is_average(weights) for weights in network.parameters()]
        [True, True]
    """
    for weights in module.parameters():
        weights.requires_grad_(False)
        setattr(weights, _MARK, True)


def is_average(weights: Tensor) -> bool:
    """Return whether weights are a running average of others of the same module."""
    return getattr(weights, _MARK, False)


@torch.no_grad()
def average_(average: nn.Module, learner: nn.Module, decay: float) -> None:
    """Move the averaged weights towards those that learn; so too numbers that batch normalisation remembers.

    Args:
        average: the network that holds the average; changed in place.
        learner: a network like it.
        decay: the share of the average that stays.

    Example:
        >>> average, learner = nn.Linear(1, 1), nn.Linear(1, 1)
        >>> _ = average.weight.data.fill_(0.0), learner.weight.data.fill_(8.0)
        >>> average_(average, learner, 0.75)
        >>> average.weight.item()
        2.0
    """
    both = list(zip(_state(average), _state(learner), strict=True))
    if floating := [pair for pair in both if pair[0].is_floating_point()]:
        olds, news = (list(tensors) for tensors in zip(*floating, strict=True))
        get_ema_multi_avg_fn(decay)(olds, news, None)  # type: ignore[no-untyped-call]
    for old, new in both:
        if not old.is_floating_point():
            old.copy_(new)  # numbers of steps


def _state(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]

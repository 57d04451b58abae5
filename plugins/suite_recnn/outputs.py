"""What the logits of a network mean: probabilities, the class a jet is taken for, and the loss.

Two classes share one logit, that of signal, (jet,); more have one each, (jet, class).
"""

import torch
from torch import Tensor
from torch.nn import functional


def probabilities(logits: Tensor) -> Tensor:
    """Return the probability of signal, (jet,), or of each class, (jet, class).

    Example:
        >>> probabilities(torch.tensor([0.0])).tolist(), probabilities(torch.zeros(1, 4)).tolist()
        ([0.5], [[0.25, 0.25, 0.25, 0.25]])
    """
    return logits.sigmoid() if logits.ndim == 1 else logits.softmax(dim=1)


def predicted(logits: Tensor) -> Tensor:
    """Return the number of the likeliest class of each jet, (jet,) int64; of two, signal is 1.

    Example:
        >>> predicted(torch.tensor([-1.0, 2.0])).tolist(), predicted(torch.eye(3)).tolist()
        ([0, 1], [0, 1, 2])
    """
    return (logits.sigmoid() > 0.5).long() if logits.ndim == 1 else logits.argmax(dim=1)


def cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the mean cross-entropy of a batch; with weights w_i it is sum_i w_i l_i / sum_i abs(w_i).

    The sum of the weights' sizes is the sum of the weights where none is below 0. Where some are, theirs push the
    network the other way, as they shall, while the sum of a batch, which may be near 0, does not blow up its step.

    Args:
        logits: (jet,) or (jet, class).
        labels: (jet,) 1 for signal and 0 for background, or the number of the class.
        weights: (jet,) how much each jet counts; None: all alike.

    Example:
        >>> logits, labels = torch.tensor([0.0, 3.0]), torch.tensor([1.0, 1.0])
        >>> round(cross_entropy(logits, labels, torch.tensor([2.0, 0.0])).item(), 4)
        0.6931
    """
    reduction = "mean" if weights is None else "none"
    if logits.ndim == 1:
        losses = functional.binary_cross_entropy_with_logits(logits, labels, reduction=reduction)
    else:
        losses = functional.cross_entropy(logits, labels.long(), reduction=reduction)
    if weights is None:
        return losses
    return (weights * losses).sum() / total(weights)


def total(weights: Tensor) -> Tensor:
    """Return the sum of the sizes of a batch's weights, and a tiny number where all are 0."""
    return weights.abs().sum().clamp_min(torch.finfo(weights.dtype).tiny)

"""The initialisation: He's, times a factor for the dropout of a layer.

The appendix multiplies He's initialisation "by square root of the dropout rate of its layer". The idea is that of
Gehring et al. (2017, section 3.5), whose factor is the root of the probability of *retaining* a number: dropout raises
the variance of what it retains by 1 / p, and the factor takes it back. Read as the probability of dropping, a rate of
0.2 halves each layer's output once more, and the layers that see a word's neighbours hardly count at the start.
"""

import math
from typing import Literal

from torch import Tensor, nn

Reading = Literal["drop", "retain", "none"]
"""What the rate is read as: the probability of dropping, that of retaining; none: He's initialisation alone."""


def gain_of(dropout: float, reading: Reading) -> float:
    """Return the factor for the weights of a layer that drops numbers with a probability.

    A layer without dropout would start at zero and never learn if the rate were that of dropping: it has no factor.

    Example:
        >>> [round(gain_of(0.2, reading), 3) for reading in ("drop", "retain", "none")], gain_of(0.0, "drop")
        ([0.447, 0.894, 1.0], 1.0)
    """
    rate = {"drop": dropout or 1.0, "retain": 1 - dropout, "none": 1.0}[reading]
    return math.sqrt(rate)


def he_normal_(weight: Tensor, fan_in: int, gain: float = 1.0) -> None:
    """Fill a weight by He's initialisation for a layer of `fan_in` inputs, times a factor."""
    nn.init.normal_(weight, std=math.sqrt(2 / fan_in) * gain)

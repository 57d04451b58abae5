"""Whether jets are like those that a network was trained on, by the median and the interquartile range of training.

Half of the training's nodes lie within one interquartile range of the median, in every feature, whatever its
distribution. So in jets like these half of the nodes do about as well: in 64 jets of any class the median of
abs(x - median) / range stays below 1.1, in single jets below 3.2. Energies have a median above 0, of which jets may
have a few times as much or little: in 64 jets of any class 0.7 to 1.6 times, in single jets 0.1 to 9.2 times. What lies
far beyond both was read in another unit, or is something else. Checkpoints of all releases have both numbers.
"""

from typing import final

from pytorch_lightning import Trainer
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor

from suite_recnn.forests import FEATURES, JetBatch

RANGES = 4.0
"""The number of interquartile ranges from the median within which half of the nodes must lie."""
TIMES = 20.0
"""How many times larger or smaller than in training the median transverse momentum of the nodes may be."""
NODES = 100
"""The least number of nodes that are judged: a jet or two."""
PT = FEATURES.index("pt")


def misfit(features: Tensor, center: Tensor, scale: Tensor) -> str | None:
    """Return in words how far nodes are from those of a training, and what would make them fit; None: they fit.

    Args:
        features: (node, feature), unscaled; those after `FEATURES` are not looked at.
        center: (feature,) the training's median.
        scale: (feature,) its interquartile range.

    Example:
        >>> import torch
        >>> center, scale = torch.full((8,), 7.0), torch.full((8,), 40.0)
        >>> misfit(10 + torch.rand(200, 8), center, scale) is None
        True
        >>> misfit(7000 + torch.rand(200, 8), center, scale).partition(": ")[2]
        'momenta times about 0.001 would fit. Are they in another unit (--data.unit)?'
    """
    if len(features) < NODES or not center[PT] > 0:  # it is 0 where nothing was trained
        return None
    count = len(FEATURES)
    middle = features[:, :count].median(dim=0).values
    times = float(middle[PT] / center[PT])
    if times > TIMES or 0 <= times < 1 / TIMES:
        factor = 1 / times if times else float("inf")
        return (
            f"the median pt of their nodes is {middle[PT]:.3g}, that of the training {center[PT]:.3g}: momenta times "
            f"about {_rounded(factor)} would fit. Are they in another unit (--data.unit)?"
        )
    ranges = ((features[:, :count] - center[:count]).abs() / scale[:count]).median(dim=0).values
    worst = int(ranges.argmax())
    if not ranges[worst] <= RANGES:
        return (
            f"half of their nodes are more than {ranges[worst]:.2g} interquartile ranges from the training's median "
            f"{FEATURES[worst]}, {center[worst]:.3g}; 1 is usual, and their median is {middle[worst]:.3g}"
        )
    return None


def _rounded(factor: float) -> str:
    """Return a factor with one digit, and as the power of 1,000 that it is about.

    Example:
        >>> _rounded(0.00076), _rounded(230.0)
        ('0.001', '200')
    """
    for power in (1e-6, 1e-3, 1e3, 1e6):
        if 0.4 < factor / power < 2.5:
            return f"{power:,g}"
    return f"{float(f'{factor:.1g}'):,g}"


@final
class FarInputs:
    """Warns once for each file whose jets are far from those of the training, by the first batch that is large enough.

    The network's score of such a jet looks as certain as any other, and means nothing.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def look_at(self, batch: JetBatch, center: Tensor, scale: Tensor, trainer: Trainer) -> None:
        """Compare a batch of a test or a prediction with the training."""
        data = getattr(trainer, "datamodule", None)
        file = str(getattr(data, "predict_path" if trainer.predicting else "path", None) or "jets")
        if file in self._seen or len(batch.features) < NODES:
            return
        self._seen.add(file)
        if words := misfit(batch.features, center, scale):
            rank_zero_warn(f"{file}: these jets are unlike those of the training: {words}")

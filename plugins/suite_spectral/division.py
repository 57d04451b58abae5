"""Which examples of a file are clustered, and which are held out."""

import numpy as np
from numpy.typing import NDArray
from pytorch_lightning.utilities import rank_zero_info

from lightning_suite.errors import UsageError
from suite_spectral.data_settings import DataSettings
from suite_spectral.sources.contents import ClassLabels

Indices = NDArray[np.int64]


def division(total: int, labels: ClassLabels | None, settings: DataSettings) -> tuple[Indices, Indices]:
    """Return the indices of what is clustered and of what is held out, both rising.

    Args:
        total: how many examples there are.
        labels: of them, where there are any.
        settings: of which ``noise_label``, ``limit``, ``test_fraction`` and ``split_seed`` count.

    Raises:
        UsageError: points are to be left out by their label, and none has it.

    Example:
        >>> [part.tolist() for part in division(5, None, DataSettings(test_fraction=0.4))]
        [[0, 1, 3], [2, 4]]
    """
    chosen = np.arange(total) if settings.noise_label is None else _without(str(settings.noise_label), labels)
    generator = np.random.default_rng(settings.split_seed)
    if settings.limit is not None and settings.limit < len(chosen):
        chosen = np.sort(generator.permutation(chosen)[: settings.limit])
    if not settings.test_fraction:
        return chosen, chosen[:0]
    count = max(1, round(settings.test_fraction * len(chosen)))
    order = generator.permutation(chosen)
    return np.sort(order[count:]), np.sort(order[:count])


def _without(label: str, labels: ClassLabels | None) -> Indices:
    """The indices of the points with any other label."""
    if labels is None:
        raise UsageError("--data.noise_label: there are no labels; --data.label_column says where they are")
    known = labels.names
    if label not in known:
        raise UsageError(
            f"--data.noise_label: no point has the label {label!r}; there are {', '.join(known[:10])}"
            f"{' ...' if len(known) > 10 else ''}"
        )
    others = np.flatnonzero(labels.numbers != known.index(label))
    rank_zero_info(f"data: left out: {len(labels.numbers) - len(others):,} points with the label {label!r}")
    return others

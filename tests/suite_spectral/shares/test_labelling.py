"""Labels of the points of several processes are those of one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from suite_spectral.clusters.loose_components import labels_with_loose as of_all
from suite_spectral.shares.labelling import labels_with_loose
from suite_spectral.shares.share import Share

Together = Callable[[int, Callable[[Any], Any]], list[Any]]
SIDE, LOOSE = 20, 10


@pytest.mark.parametrize("seed", range(4))
def test_loose_points_between_clusters_at_equal_distances_have_one_answer(seed: int, together: Together) -> None:
    random = np.random.default_rng(seed)
    n = SIDE**2
    places = random.permutation(n)  # on a grid, where a point has up to four nearest ones
    points = torch.from_numpy(np.column_stack(np.divmod(places, SIDE)).astype(np.float64))
    loose = np.sort(random.choice(n, LOOSE, replace=False))
    core = np.setdiff1d(np.arange(n), loose)
    components, labels = np.zeros(n, dtype=np.int64), random.integers(3, size=n)
    components[loose] = np.arange(1, 1 + LOOSE)

    expected = of_all(torch.from_numpy(labels[core]), torch.from_numpy(core), torch.from_numpy(components), points)

    def of_share(group: Any) -> torch.Tensor:
        share = Share.of(group, n)
        inside = core[(core >= share.rows.start) & (core < share.rows.stop)]
        here = inside - share.rows.start
        return torch.from_numpy(
            labels_with_loose(labels[inside], here, components[share.rows], points[share.rows], share)
        )

    for size in (1, 2, 3, 4):
        assert torch.equal(torch.cat(together(size, of_share)), expected), size

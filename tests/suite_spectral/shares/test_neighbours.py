from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from suite_spectral.graphs import neighbours
from suite_spectral.graphs.neighbours import nearest
from suite_spectral.settings import Settings
from suite_spectral.shares import neighbours as shared
from suite_spectral.shares.group import Group
from suite_spectral.shares.neighbours import neighbours_by_rows
from suite_spectral.solving.routes import solve

Together = Callable[[int, Callable[[Any], Any]], list[Any]]


@pytest.mark.parametrize(
    ("search", "dim", "weights"),
    [("tree", 2, "connectivity"), ("tree", 2, "self-tuning"), ("approximate", 9, "gaussian")],
)
@pytest.mark.parametrize("size", [2, 3])
def test_the_neighbours_are_those_that_one_process_finds(
    search: Any, dim: int, weights: Any, size: int, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (neighbours, shared):
        monkeypatch.setattr(module, "QUERIES", 100)
    points = torch.from_numpy(np.random.default_rng(0).random((730, dim)))
    settings = Settings(n_clusters=2, search=search, weights=weights)
    expected = nearest(points, 9, search=search, seed=4)
    found, *others = together(size, lambda group: neighbours_by_rows(points, settings, group, seed=4))
    assert others == [None] * (size - 1)
    assert torch.equal(found.indices, expected.indices)
    assert torch.equal(found.distances, expected.distances[:, :0] if weights == "connectivity" else expected.distances)
    labels = [solve(points, settings, seed=4, found=near).clustering.labels for near in (found, None)]
    assert torch.equal(*labels)


@pytest.mark.parametrize(
    "change", [{"n_neighbors": None}, {"affinity": "rbf"}, {"search": "blocked"}], ids=["rule", "all pairs", "blocks"]
)
def test_where_no_rows_can_be_shared_out_nothing_is_found(change: dict[str, Any], together: Together) -> None:
    settings = Settings(n_clusters=2, **change)
    assert together(2, lambda group: neighbours_by_rows(torch.rand(50, 2), settings, group)) == [None, None]


def test_one_process_looks_for_them_where_it_needs_them() -> None:
    assert neighbours_by_rows(torch.rand(50, 2), Settings(n_clusters=2), Group()) is None

"""Exported clusters: new points have the rows and distances that the module gives them, by every formula."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_suite.errors import UsageError
from lightning_suite.exporting import written
from lightning_suite.exporting.exportable import Kind
from suite_spectral.batches import Scaling
from suite_spectral.exporting import exportable
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.new_points.fitted import Fitted
from suite_spectral.settings import Settings
from suite_spectral.solving.routes import solve

# ONNX takes seconds a formula: `make trust` writes it of all, `make test` torch's graph, from which ONNX is made.
IS_FULL = os.environ.get("LIGHTNING_SUITE_TRUST") == "full"
FORMULAS: dict[str, dict[str, Any]] = {
    "neighbours": {"affinity": "nearest_neighbors", "weights": "gaussian", "n_neighbors": 5},
    "neighbours, self-tuning": {"affinity": "nearest_neighbors", "weights": "self-tuning", "n_neighbors": 8},
    "gaussian": {"affinity": "rbf", "sigma": 0.3, "rows": "njw"},
    "regularised": {"affinity": "rbf", "sigma": 2.0, "regularisation": 0.5, "rows": "plain"},
    "self-tuning": {"affinity": "self-tuning"},
    "cosine": {"affinity": "cosine"},
    "gaussian landmarks": {"affinity": "rbf", "sigma": 3.0, "route": "landmarks", "landmarks": 20},
    "sparse landmarks": {"affinity": "nearest_neighbors", "route": "landmarks", "landmarks": 20},
}
SCALING = Scaling(torch.tensor([1.0, 2.0]).double(), torch.tensor([3.0, 4.0]).double())


def fitted(settings: Callable[..., Settings], **changes: Any) -> Fitted:
    points = torch.randn(60, 2, generator=torch.Generator().manual_seed(0))
    points[30:] += 8
    points = points.abs() if changes["affinity"] == "cosine" else points
    found: Fitted = solve(points, settings(**changes)).fitted
    return found


@pytest.mark.parametrize("formula", FORMULAS)
def test_new_points_are_where_the_module_has_them(
    formula: str, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    kind: Kind = "onnx" if IS_FULL else "torch-export"
    scaling = SCALING if formula == "self-tuning" else None
    exported = exportable(fitted(settings, **FORMULAS[formula]), scaling, "")
    difference, examples = written(exported, kind, tmp_path / "model.pt2", examples=100)
    assert (difference < 5e-6, examples) == (True, 100)


def test_the_least_distance_is_that_of_the_cluster(settings: Callable[..., Settings]) -> None:
    clusters = fitted(settings, **FORMULAS["gaussian"])
    exported = exportable(clusters, SCALING, "")
    points = torch.tensor([[0.1, -0.2], [8.3, 7.9], [0.4, 0.4]])
    scaled = ((points.double() * SCALING.scale) + SCALING.center).float()
    rows, distances = exported.network(scaled)
    assert torch.equal(distances.argmin(1), clusters.assign(points))
    torch.testing.assert_close(rows, clusters.embed(points), rtol=1e-5, atol=1e-5)


def test_what_cannot_be_joined_by_numbers_alone_says_so(settings: Callable[..., Settings]) -> None:
    graph = SparseGraph(torch.block_diag(torch.ones(4, 4), torch.ones(3, 3)).double().to_sparse_csr())
    with pytest.raises(UsageError, match="affinity 'precomputed' has no export here"):
        exportable(solve(graph, settings(affinity="precomputed")).fitted, None, "")

"""Rows and regularisation of networks by modularity, on one drawn by a block model with a heavy tail of degrees."""

import warnings

import numpy as np
import pytest
import scipy.sparse
import torch
from sklearn.metrics import adjusted_rand_score

from lightning_suite.errors import UsageError
from suite_spectral.clusters import by_modularity
from suite_spectral.clusters.by_modularity import TRIED, most_modular
from suite_spectral.clusters.clustering import cluster
from suite_spectral.clusters.cuts import modularity
from suite_spectral.estimator import SpectralClustering
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.settings import Settings
from suite_spectral.solving.routes import solve


@pytest.fixture(scope="module")
def departments() -> tuple[SparseGraph, np.ndarray]:
    """Return a network of 30 groups, most of whose nodes have few edges, and the groups."""
    draw = np.random.default_rng(0)
    n, count = 600, 30
    groups = np.repeat(np.arange(count), n // count)
    pull = draw.pareto(1.2, n) + 0.1
    parts = [np.flatnonzero(groups == group) for group in range(count)] + [np.arange(n)]
    sizes = [7 * n // count] * count + [6 * n]
    edges = np.concatenate(
        [draw.choice(some, (size, 2), p=pull[some] / pull[some].sum()) for some, size in zip(parts, sizes, strict=True)]
    )
    edges = edges[edges[:, 0] != edges[:, 1]]
    half = scipy.sparse.coo_array((np.ones(len(edges)), tuple(edges.T)), shape=(n, n)).tocsr()
    weights = half + half.T
    weights.data[:] = 1
    return SparseGraph.from_scipy(weights), groups


def test_the_rule_finds_small_groups_that_the_default_rows_lose(departments: tuple[SparseGraph, np.ndarray]) -> None:
    graph, groups = departments
    scores = []
    for regularisation in (0.0, None):
        model = SpectralClustering(30, affinity="precomputed", regularisation=regularisation, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            scores.append(adjusted_rand_score(groups, model.fit(graph.scipy()).labels_))
    assert scores[1] > scores[0] + 0.1
    assert "njw rows, regularisation" in model.report_


def test_the_chosen_clusters_are_those_of_largest_modularity(departments: tuple[SparseGraph, np.ndarray]) -> None:
    graph, _ = departments
    settings = Settings(n_clusters=3, affinity="precomputed", regularisation=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        chosen, clustering = most_modular(graph, settings)
        tried = [
            cluster(graph, Settings(**{**vars(settings), "rows": r, "regularisation": t})).labels for r, t in TRIED
        ]
    values = [modularity(graph, labels, 3) for labels in tried]
    assert modularity(graph, clustering.labels, 3) == max(values) > min(values)
    assert (chosen.rows, chosen.regularisation) == TRIED[int(np.argmax(values))]


def test_only_the_chosen_clusters_are_warned_of(
    departments: tuple[SparseGraph, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(graph: SparseGraph, settings: Settings, **options: object) -> object:
        warnings.warn(f"{settings.rows} {settings.regularisation}", RuntimeWarning, stacklevel=1)
        return cluster(graph, Settings(n_clusters=3, affinity="precomputed", rows="njw", regularisation=0.1))

    monkeypatch.setattr(by_modularity, "cluster", said)
    with pytest.warns(RuntimeWarning) as record:
        chosen, _ = most_modular(departments[0], Settings(n_clusters=3, affinity="precomputed", regularisation=None))
    assert [str(warning.message) for warning in record] == ["random-walk 0.0"]  # of equals the first
    assert chosen.rows == "random-walk"


def test_modularity_is_for_given_graphs() -> None:
    with pytest.raises(UsageError, match="regularisation null is chosen by the modularity"):
        solve(torch.rand(20, 2), Settings(n_clusters=2, regularisation=None))


def test_the_choice_is_kept(departments: tuple[SparseGraph, np.ndarray]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        fitted = solve(departments[0], Settings(n_clusters=30, affinity="precomputed", regularisation=None)).fitted
    assert fitted.rows == fitted.chosen["rows"] == "njw"
    assert fitted.chosen["regularisation"] in {tau for _, tau in TRIED}

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, make_blobs, make_moons
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.labelling import Labelling, by_component, kmeans, scaled_rows
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.spectrum import Spectrum, spectrum
from suite_spectral.graphs.affinity import Average, OutOfSampleWeights
from suite_spectral.graphs.cosine import Cosine, CosineGraph
from suite_spectral.graphs.edge_weights import edge_scale
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.gaussian_affinity import GaussianWeights
from suite_spectral.graphs.graph import Graph
from suite_spectral.graphs.nearest_neighbours import NeighbourWeights
from suite_spectral.graphs.neighbour_graph import graph_of
from suite_spectral.graphs.neighbours import nearest
from suite_spectral.new_points.fitted import Fitted, cluster_groups, nearest_cluster
from suite_spectral.new_points.nystroem import Nystroem, new_rows, regularising, table_of
from suite_spectral.settings import RowScaling, Weights

MNIST = Path(__file__).parents[4] / "shared/data/spectral/mnist10k.npz"


def clustered(graph: Graph, k: int, rows: RowScaling = "random-walk") -> tuple[Spectrum, Tensor, Labelling]:
    laplacian = Laplacian(graph)
    found = spectrum(laplacian, k)
    return found, laplacian.root, by_component(graph, found, k, root=laplacian.root, rows=rows)


def fitted_with(
    weights: OutOfSampleWeights,
    table: Tensor,
    values: Tensor,
    centroids: Tensor,
    groups: Tensor,
    rows: RowScaling = "random-walk",
    added: Tensor | None = None,
) -> Fitted:
    """Clusters whose points are not known again: their labels are all -1."""
    nothing = torch.empty(0, dtype=torch.float64)
    extension = Nystroem(weights, table, values, nothing if added is None else added)
    return Fitted("nearest_neighbors", rows, groups[:0], centroids, groups, values, extension, {})


def predicted(fitted: Fitted, points: Tensor) -> Tensor:
    """The clusters by the formula alone, of points that were clustered too."""
    rows, votes = fitted.extension.rows_and_votes(points, fitted.rows)
    return nearest_cluster(rows, votes, fitted.centroids, fitted.groups)


def extended(
    graph: Graph, weights: OutOfSampleWeights, k: int, rows: RowScaling = "random-walk"
) -> tuple[Fitted, Labelling]:
    found, root, labelled = clustered(graph, k, rows)
    table = table_of(found.vectors[:, :k], root, labelled.labels, k)
    groups = cluster_groups(labelled.labels, found.components, k)
    return fitted_with(weights, table, found.values[:k], labelled.centroids, groups, rows), labelled


def of_neighbours(
    points: Tensor, k: int, weights: Weights = "connectivity", rows: RowScaling = "random-walk"
) -> tuple[Fitted, Labelling]:
    found = nearest(points, 9)
    scale = edge_scale(found, weights=weights)
    graph = graph_of(found, weights=weights, scale=scale, mutual="mean")
    return extended(graph, NeighbourWeights(points, 10, weights, scale), k, rows)


def moons(n: int, seed: int) -> tuple[Tensor, Tensor]:
    points, labels = make_moons(n, noise=0.05, random_state=seed)
    return torch.from_numpy(points), torch.from_numpy(labels)


def agreement(first: Tensor, second: Tensor) -> float:
    return float(adjusted_rand_score(first.numpy(), second.numpy()))


@pytest.mark.parametrize("weights", ["connectivity", "gaussian", "self-tuning"])
@pytest.mark.parametrize("rows", ["plain", "njw", "random-walk"])
def test_new_points_of_two_moons_join_their_moon(weights: Weights, rows: RowScaling) -> None:
    found, _ = of_neighbours(moons(600, 0)[0], 2, weights, rows)
    points, expected = moons(300, 1)
    assert agreement(predicted(found, points), expected) == 1


@pytest.mark.parametrize("rows", ["njw", "random-walk"])
def test_old_points_keep_their_labels(rows: RowScaling) -> None:
    points = torch.from_numpy(load_digits().data)
    found, labelled = of_neighbours(points, 10, rows=rows)
    assert agreement(predicted(found, points), labelled.labels) >= 0.98


def test_the_rows_of_a_dense_gaussian_graph_are_continued_exactly() -> None:
    points = torch.from_numpy(make_blobs(200, centers=3, random_state=0)[0])
    found, root, labelled = clustered(GaussianGraph(points, 4.0), 3)
    table = table_of(found.vectors[:, :3], root, labelled.labels, 3)
    one = fitted_with(
        GaussianWeights(points, 4.0), table, found.values[:3], labelled.centroids, torch.zeros(3).long(), "random-walk"
    )
    expected = scaled_rows(found.vectors[:, :3], root, "random-walk")
    torch.testing.assert_close(one.embed(points), expected, rtol=1e-3, atol=1e-6)
    assert torch.equal(predicted(one, points), labelled.labels)


def test_self_tuning_gaussian_weights_label_new_points() -> None:
    points, _ = moons(400, 0)
    scale = edge_scale(nearest(points, 7), weights="self-tuning")
    assert isinstance(scale, Tensor)
    found, _ = extended(GaussianGraph(points, scale), GaussianWeights(points, scale), 2)
    new, expected = moons(200, 1)
    assert agreement(predicted(found, new), expected) == 1


def topics(n: int, seed: int) -> tuple[Tensor, Tensor]:
    draw = np.random.default_rng(seed)
    labels = draw.integers(3, size=n)
    counts = draw.poisson(np.where(np.arange(60)[None] // 20 == labels[:, None], 1.0, 0.05))
    counts[:, 0] += 1  # a word that all have
    features = torch.from_numpy(counts / np.linalg.norm(counts, axis=1, keepdims=True))
    return features, torch.from_numpy(labels)


@pytest.mark.parametrize("layout", [torch.strided, torch.sparse_csr])
def test_a_cosine_graph_labels_new_points_without_keeping_the_old_ones(layout: torch.layout) -> None:
    features, _ = topics(400, 0)
    given = features if layout == torch.strided else features.to_sparse_csr()
    found, root, labelled = clustered(CosineGraph(given), 3)
    weights = Cosine().build(given).weights
    table = weights.reduce(CosineGraph(given), table_of(found.vectors[:, :3], root, labelled.labels, 3))
    assert table.shape == (60, 6)
    one = fitted_with(weights, table, found.values[:3], labelled.centroids, torch.zeros(3).long(), "random-walk")
    new, expected = topics(200, 1)
    assert agreement(predicted(one, new if layout == torch.strided else new.to_sparse_csr()), expected) >= 0.95


def test_a_text_of_unknown_words_has_a_label_still() -> None:
    features, _ = topics(100, 0)
    found = (
        Cosine().build(features).weights.average(torch.zeros(1, 60, dtype=torch.float64), torch.ones(60, 2).double())
    )
    assert found.values.tolist() == [[0, 0]]
    assert found.degrees.tolist() == [0]


def test_a_point_far_from_all_others_has_the_values_of_the_nearest() -> None:
    points, table = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([[3.0], [5.0]]).double()
    far = torch.tensor([[1e6]]).double()
    for weights_to_all in (GaussianWeights(points, 0.1), NeighbourWeights(points, 2, "gaussian", 0.1)):
        assert weights_to_all.average(far, table).values.tolist() == [[5.0]]


@pytest.mark.parametrize("budget", [1, 2**28])
def test_the_budget_changes_no_average(budget: int, monkeypatch: pytest.MonkeyPatch) -> None:
    points, _ = moons(50, 0)
    table = torch.rand(50, 3, generator=torch.Generator().manual_seed(0)).double()
    weights = torch.exp(-torch.cdist(points, points).square() / 0.5)
    expected = weights @ table / weights.sum(dim=1, keepdim=True)
    for name in ("gaussian_affinity", "nearest_neighbours"):
        monkeypatch.setattr(f"suite_spectral.graphs.{name}.BUDGET", budget)
    for weights_to_all in (GaussianWeights(points, 0.5), NeighbourWeights(points, 50, "gaussian", 0.5)):
        torch.testing.assert_close(weights_to_all.average(points, table).values, expected)


def test_an_eigenvalue_near_one_is_guarded() -> None:
    rows = new_rows(Average(torch.ones(1, 2), torch.ones(1)), torch.tensor([0.5, 1.0]), "random-walk")
    torch.testing.assert_close(rows, torch.tensor([[2.0, 10.0]]))


def test_plain_rows_of_new_points_are_scaled_by_their_degree() -> None:
    rows = new_rows(Average(torch.ones(1, 1), torch.tensor([9.0])), torch.zeros(1), "plain")
    assert rows.tolist() == [[3.0]]


def test_points_of_another_number_of_axes_are_refused() -> None:
    found, _ = of_neighbours(moons(100, 0)[0], 2)
    with pytest.raises(UsageError, match=r"got \(2,\)"):
        found.assign(torch.zeros(2))


def refit_agreement(points: Tensor, old: int, seed: int) -> tuple[float, float]:
    """Of the labels of new points with those of a refit on all, and likewise of the old points.

    The refit's k-means goes on from the old clusters: from its own starts it may settle in another of several optima
    that are as good, which says nothing of the new points.
    """
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(points)))
    first, second = order[:old], order[old:]
    found, labelled = of_neighbours(points[first], 10)
    near = nearest(points, 9)
    graph = graph_of(near, weights="connectivity", scale=None, mutual="mean")
    laplacian = Laplacian(graph)
    rows = scaled_rows(spectrum(laplacian, 10).vectors[:, :10], laplacian.root, "random-walk")
    start = torch.stack([rows[first][labelled.labels == cluster].mean(dim=0) for cluster in range(10)])
    refit = kmeans(rows, 10, start=start).labels
    return agreement(predicted(found, points[second]), refit[second]), agreement(labelled.labels, refit[first])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_new_digits_get_the_labels_of_a_refit(seed: int) -> None:
    new, _ = refit_agreement(torch.from_numpy(load_digits().data), 1400, seed)
    assert new >= 0.95


@pytest.mark.skipif(not MNIST.exists(), reason="../shared/data/spectral/mnist10k.npz is not there")
def test_new_images_of_digits_agree_with_a_refit_nearly_as_well_as_the_old_ones() -> None:
    points = torch.from_numpy(np.load(MNIST)["X"].astype(np.float32))
    new, old = refit_agreement(points, 8000, 0)
    assert new >= old - 0.05


def test_a_point_too_far_away_for_a_degree_still_has_a_row_of_unit_length() -> None:
    rows = new_rows(Average(torch.tensor([[3.0, 4.0]]), torch.zeros(1)), torch.zeros(2), "njw")
    torch.testing.assert_close(rows, torch.tensor([[0.6, 0.8]]))


@pytest.mark.parametrize("rows", ["plain", "njw", "random-walk"])
def test_the_rows_of_a_regularised_graph_are_continued_exactly(rows: RowScaling) -> None:
    points, _ = moons(120, 0)
    laplacian = Laplacian(GaussianGraph(points, 0.5), 0.7)
    found = spectrum(laplacian, 3)
    vectors = found.vectors[:, :3]
    functions = scaled_rows(vectors, laplacian.root, "random-walk")
    one = fitted_with(
        GaussianWeights(points, 0.5),
        table_of(vectors, laplacian.root, torch.zeros(120).long(), 1),
        found.values[:3],
        torch.zeros(1, 3),
        torch.zeros(1).long(),
        rows,
        regularising(laplacian.tau, functions),
    )
    expected = scaled_rows(vectors, laplacian.root, rows)
    torch.testing.assert_close(one.embed(points), expected, atol=1e-4, rtol=1e-3)


def test_without_regularisation_nothing_is_added() -> None:
    assert len(regularising(0.0, torch.ones(3, 2))) == 0

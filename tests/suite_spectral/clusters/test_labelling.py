import numpy as np
import pytest
import scipy.sparse
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.cuts import ncut
from suite_spectral.clusters.labelling import by_component, kmeans, scaled_rows, two_way
from suite_spectral.eigen.spectrum import Spectrum
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.graphs.neighbour_graph import neighbour_graph


def blocks(*sizes: int, bridges: float = 0.0) -> Tensor:
    """Cliques of these sizes, each joined to the next by one edge."""
    weights = torch.block_diag(*(torch.ones(size, size) for size in sizes)).double()
    ends = torch.tensor(sizes).cumsum(0)[:-1]
    weights[ends - 1, ends] = weights[ends, ends - 1] = bridges
    return weights


def together(*parts: Tensor) -> Tensor:
    return torch.block_diag(*parts)


def sparse(weights: Tensor) -> SparseGraph:
    return SparseGraph.from_scipy(scipy.sparse.csr_array(weights.numpy()))


def spectrum_of(weights: Tensor, count: int) -> Spectrum:
    """By LAPACK, which mixes what has the same eigenvalue as it pleases."""
    degrees = weights.sum(dim=1)
    root = torch.where(degrees > 0, degrees, 1).sqrt()
    laplacian = torch.diag((degrees > 0).double()) - weights / root[:, None] / root
    values, vectors = torch.linalg.eigh(laplacian)
    _, numbers = scipy.sparse.csgraph.connected_components(scipy.sparse.csr_array(weights.numpy()))
    return Spectrum(
        values[: count + 1], vectors[:, : count + 1], torch.zeros(count + 1), torch.from_numpy(numbers).long(), "dense"
    )


def same_partition(labels: Tensor, expected: list[int]) -> bool:
    return len({*zip(labels.tolist(), expected, strict=True)}) == len({*labels.tolist()}) == len({*expected})


@pytest.mark.parametrize("how", ["kmeans", "sign", "ncut"])
def test_two_cliques_are_the_two_clusters(how: str) -> None:
    weights = blocks(6, 9, bridges=0.1)
    labels = two_way(sparse(weights), spectrum_of(weights, 2), how)  # type: ignore[arg-type]
    assert labels.tolist() == [1] * 6 + [0] * 9


def test_the_median_makes_halves() -> None:
    weights = blocks(6, 9, bridges=0.1)
    labels = two_way(sparse(weights), spectrum_of(weights, 2), "median")
    assert labels.bincount().tolist() == [8, 7]


def test_no_threshold_has_less_normalised_cut_than_the_one_of_ncut() -> None:
    draw = np.random.default_rng(0)
    upper = np.triu(draw.random((40, 40)) ** 4)
    weights = torch.from_numpy(upper + upper.T)
    graph, found = sparse(weights), spectrum_of(weights, 2)
    best = ncut(graph, two_way(graph, found, "ncut"), 2)
    for how in ("sign", "median", "kmeans"):
        assert best <= ncut(graph, two_way(graph, found, how), 2) + 1e-12  # type: ignore[arg-type]


def test_another_way_of_two_clusters_is_refused() -> None:
    weights = blocks(3, 3, bridges=0.1)
    with pytest.raises(UsageError, match="'mean'"):
        two_way(sparse(weights), spectrum_of(weights, 2), "mean")  # type: ignore[arg-type]


@pytest.mark.parametrize("rows", ["plain", "njw", "random-walk"])
def test_components_are_clusters(rows: str) -> None:
    weights = together(blocks(5), blocks(8), blocks(4))
    labels = by_component(sparse(weights), spectrum_of(weights, 3), 3, rows=rows).labels  # type: ignore[arg-type]
    assert labels.tolist() == [1] * 5 + [0] * 8 + [2] * 4


@pytest.mark.parametrize("rows", ["plain", "njw", "random-walk"])
def test_the_most_loosely_connected_component_is_split(rows: str) -> None:
    weights = together(blocks(5, 5, bridges=0.5), blocks(8), blocks(6, 6, bridges=0.01))
    labels = by_component(sparse(weights), spectrum_of(weights, 4), 4, rows=rows).labels  # type: ignore[arg-type]
    assert same_partition(labels, [0] * 10 + [1] * 8 + [2] * 6 + [3] * 6)


@pytest.mark.parametrize("rows", ["plain", "njw", "random-walk"])
def test_equal_components_that_an_eigenvector_mixes_are_each_split(rows: str) -> None:
    one = blocks(5, 6, 7, bridges=0.1)
    weights = together(one, one)
    labels = by_component(sparse(weights), spectrum_of(weights, 6), 6, rows=rows).labels  # type: ignore[arg-type]
    part = [0] * 5 + [1] * 6 + [2] * 7
    assert same_partition(labels, part + [3 + label for label in part])


def test_a_rotation_of_the_null_space_changes_no_label() -> None:
    weights = together(blocks(5, 5, bridges=0.5), blocks(8), blocks(6, 6, bridges=0.01))
    found = spectrum_of(weights, 4)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))
    turned = found.vectors.clone()
    turned[:, :3] = turned[:, :3] @ turn
    expected = by_component(sparse(weights), found, 4).labels
    assert torch.equal(by_component(sparse(weights), found._replace(vectors=turned), 4).labels, expected)


def test_of_too_many_components_those_of_most_volume_are_clusters_and_the_rest_joins_the_nearest() -> None:
    weights = together(blocks(5), blocks(2), blocks(6), blocks(1))
    points = torch.cat([torch.zeros(5), torch.full((2,), 9.0), torch.full((6,), 10.0), torch.ones(1)])[:, None]
    labels = by_component(sparse(weights), spectrum_of(weights, 2), 2, points=points).labels
    assert labels.tolist() == [1] * 5 + [0] * 8 + [1]


def test_without_points_the_rest_joins_the_cluster_of_least_volume() -> None:
    weights = together(blocks(5), blocks(2), blocks(6), blocks(1))
    labels = by_component(sparse(weights), spectrum_of(weights, 2), 2).labels
    assert same_partition(labels, [0] * 7 + [1] * 6 + [0])


def test_a_point_without_edges_is_a_component() -> None:
    weights = together(blocks(5), torch.zeros(1, 1, dtype=torch.float64), blocks(4))
    labels = by_component(sparse(weights), spectrum_of(weights, 3), 3).labels
    assert labels.tolist() == [0] * 5 + [2] + [1] * 4


def test_the_centroids_are_the_means_of_the_scaled_rows() -> None:
    weights = together(blocks(5, 5, bridges=0.5), blocks(8))
    found = spectrum_of(weights, 3)
    labelled = by_component(sparse(weights), found, 3)
    rows = scaled_rows(found.vectors[:, :3], weights.sum(dim=1).sqrt(), "random-walk")
    for cluster in range(3):
        torch.testing.assert_close(labelled.centroids[cluster], rows[labelled.labels == cluster].mean(dim=0))


def test_a_connected_graph_is_clustered_as_a_whole() -> None:
    weights = blocks(5, 6, 7, bridges=0.1)
    found = spectrum_of(weights, 3)
    expected = kmeans(scaled_rows(found.vectors[:, :3], weights.sum(dim=1).sqrt(), "njw"), 3).labels
    assert torch.equal(by_component(sparse(weights), found, 3, rows="njw").labels, expected)


@pytest.mark.parametrize("how", ["sign", "ncut", "kmeans"])
def test_a_point_without_edges_is_the_other_one_of_two_clusters(how: str) -> None:
    weights = together(blocks(6), torch.zeros(1, 1, dtype=torch.float64))
    vectors = torch.zeros(7, 2, dtype=torch.float64)
    vectors[:6, 0], vectors[6, 1] = 6**-0.5, 1
    found = Spectrum(torch.zeros(2), vectors, torch.zeros(2), torch.tensor([0] * 6 + [1]), "none")
    assert two_way(sparse(weights), found, how).tolist() == [0] * 6 + [1]  # type: ignore[arg-type]


def test_no_threshold_lies_between_equal_entries() -> None:
    vectors = torch.tensor([[0.5, -0.1], [0.5, -0.1], [0.5, -0.1], [0.5, 0.3]], dtype=torch.float64)
    found = Spectrum(torch.zeros(2), vectors, torch.zeros(2), torch.zeros(4).long(), "none")
    weights = blocks(2, 2, bridges=0.01)  # the cheapest cut is in the middle of the three
    assert two_way(sparse(weights), found, "ncut", root=torch.ones(4)).tolist() == [0, 0, 0, 1]


def test_two_clusters_are_ordered_by_the_degrees_that_are_given() -> None:
    vectors = torch.tensor([[0.5, 0.1], [0.5, 0.2], [0.5, 0.3], [0.5, 0.4]], dtype=torch.float64)
    found = Spectrum(torch.zeros(2), vectors, torch.zeros(2), torch.zeros(4).long(), "none")
    root = torch.tensor([0.1, 10, 10, 1], dtype=torch.float64)
    assert two_way(sparse(blocks(4)), found, "median", root=root).tolist() == [0, 1, 1, 0]


def test_plain_rows_are_the_vectors() -> None:
    vectors = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(scaled_rows(vectors, torch.ones(5), "plain"), vectors)


def test_njw_rows_have_unit_length() -> None:
    vectors = torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.1, 0.0]])
    lengths = scaled_rows(vectors, torch.ones(3), "njw").norm(dim=1)
    torch.testing.assert_close(lengths, torch.tensor([1.0, 0.0, 1.0]))


def test_random_walk_rows_are_divided_by_the_root_of_the_degree() -> None:
    rows = scaled_rows(torch.tensor([[2.0], [6.0]]), torch.tensor([2.0, 3.0]), "random-walk")
    assert rows.tolist() == [[1.0], [2.0]]


def test_a_point_without_degree_has_a_row_of_zeros() -> None:
    rows = scaled_rows(torch.tensor([[2.0], [6.0]]), torch.tensor([0.0, 3.0]), "random-walk")
    assert rows.tolist() == [[0.0], [2.0]]


def test_rows_of_another_name_are_refused() -> None:
    with pytest.raises(UsageError, match="'unit'"):
        scaled_rows(torch.ones(2, 2), torch.ones(2), "unit")  # type: ignore[arg-type]


def test_kmeans_finds_far_blobs_and_numbers_them_by_size() -> None:
    draw = torch.Generator().manual_seed(0)
    rows = torch.randn(60, 2, generator=draw)
    rows[:10] += 50
    found = kmeans(rows, 2)
    assert found.labels.tolist() == [1] * 10 + [0] * 50
    torch.testing.assert_close(found.centroids[1], rows[:10].double().mean(dim=0))


def test_kmeans_gives_the_same_labels_for_the_same_seed_whatever_the_threads() -> None:
    from threadpoolctl import threadpool_limits

    rows = torch.rand(3000, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with threadpool_limits(1):
        first = kmeans(rows, 12, n_init=1, seed=3)
    with threadpool_limits(2):
        second = kmeans(rows, 12, n_init=1, seed=3)
    assert torch.equal(first.labels, second.labels)


def test_kmeans_of_fewer_distinct_rows_than_clusters_is_refused() -> None:
    with pytest.raises(UsageError, match="3 distinct rows for 3 clusters, got 2"):
        kmeans(torch.tensor([[0.0], [0.0], [1.0], [1.0]]), 3)


def test_kmeans_of_fewer_points_than_clusters_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 3 points for 3 clusters, got 2"):
        kmeans(torch.ones(2, 1), 3)


def test_kmeans_of_as_many_points_as_clusters_has_one_in_each() -> None:
    assert sorted(kmeans(torch.tensor([[0.0], [5.0], [9.0]]), 3).labels.tolist()) == [0, 1, 2]


def test_the_normalised_cut_decides_between_starts_of_about_the_same_inertia() -> None:
    draw = torch.Generator().manual_seed(0)
    rows = torch.rand(300, 2, generator=draw, dtype=torch.float64)
    graph = neighbour_graph(rows, 6)
    cuts = {}
    for decides, by in (("inertia", None), ("cut", graph)):
        cuts[decides] = [ncut(graph, kmeans(rows, 9, seed=seed, graph=by).labels, 9) for seed in range(6)]
    assert all(cut <= inertia for cut, inertia in zip(cuts["cut"], cuts["inertia"], strict=True))
    assert sum(cuts["cut"]) < 0.99 * sum(cuts["inertia"])

import warnings

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, make_blobs, make_circles, make_moons
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.labelling import by_component, kmeans, scaled_rows
from suite_spectral.eigen.landmarks import Landmarks, nystroem, place_landmarks, sparse_landmarks
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.gaussian_affinity import GaussianLandmarkWeights
from suite_spectral.graphs.landmark_graph import LandmarkGraph
from suite_spectral.new_points.by_landmarks import ByLandmarks, landmark_votes
from suite_spectral.settings import RowScaling


def circles(n: int = 2000, seed: int = 0) -> tuple[Tensor, Tensor]:
    points, labels = make_circles(n, noise=0.05, factor=0.5, random_state=seed)
    return torch.from_numpy(points), torch.from_numpy(labels)


def agreement(first: Tensor, second: Tensor) -> float:
    return float(adjusted_rand_score(first.numpy(), second.numpy()))


def rows_of(found: Landmarks, points: Tensor, rows: RowScaling) -> Tensor:
    votes = torch.zeros(len(found.table), 1, dtype=torch.float64)
    return ByLandmarks(found.weights, found.table, found.divisor, votes).embed(points, rows)


def mixed(n: int = 400) -> tuple[Tensor, LandmarkGraph]:
    points = torch.from_numpy(load_digits().data[:n])
    return points, LandmarkGraph(points, place_landmarks(points, 60))


def test_landmarks_are_as_many_as_asked_for() -> None:
    assert place_landmarks(circles()[0], 30).shape == (30, 2)


def test_random_landmarks_are_points() -> None:
    points, _ = circles()
    found = place_landmarks(points, 30, placing="random")
    assert {*map(tuple, found.tolist())} <= {*map(tuple, points.tolist())}


def test_more_landmarks_than_points_are_all_points() -> None:
    points, _ = circles(20)
    assert torch.equal(place_landmarks(points, 50), points)


def test_the_same_seed_places_the_same_landmarks() -> None:
    points, _ = circles()
    assert torch.equal(place_landmarks(points, 30, seed=4), place_landmarks(points, 30, seed=4))
    assert not torch.equal(place_landmarks(points, 30, seed=4), place_landmarks(points, 30, seed=5))


def test_no_landmark_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 1, got 0"):
        place_landmarks(circles()[0], 0)


def test_the_eigenvectors_of_sparse_landmarks_are_those_of_their_graph() -> None:
    _, graph = mixed()
    found = sparse_landmarks(graph, 8).spectrum
    dense = graph.multiply(torch.eye(400, dtype=torch.float64))
    expected = 1 - torch.linalg.eigvalsh(dense).flip(0)[:9]
    torch.testing.assert_close(found.values, expected, atol=1e-9, rtol=0)
    torch.testing.assert_close(found.vectors.T @ found.vectors, torch.eye(9).double(), atol=1e-9, rtol=0)
    residual = graph.multiply(found.vectors) - found.vectors * (1 - found.values)
    assert float(residual.norm(dim=0).max()) < 1e-9


def test_far_blobs_are_components_of_the_landmarks() -> None:
    points, labels = make_blobs(900, centers=[[0, 0], [100, 0], [0, 100]], random_state=0)
    graph = LandmarkGraph(torch.from_numpy(points), place_landmarks(torch.from_numpy(points), 60))
    found = sparse_landmarks(graph, 3).spectrum
    assert int(found.components.max()) == 2
    assert found.values[:3].tolist() == [0, 0, 0]
    assert agreement(by_component(graph, found, 3).labels, torch.from_numpy(labels)) == 1


@pytest.mark.parametrize("placing", ["kmeans", "random"])
def test_sparse_landmarks_tell_two_circles_apart(placing: str) -> None:
    points, expected = circles()
    graph = LandmarkGraph(points, place_landmarks(points, 150, placing=placing))  # type: ignore[arg-type]
    assert agreement(by_component(graph, sparse_landmarks(graph, 2).spectrum, 2).labels, expected) == 1


@pytest.mark.parametrize("make", [make_circles, make_moons])
def test_a_hundred_thousand_points_are_clustered_by_landmarks(make: object) -> None:
    shape = {"factor": 0.5} if make is make_circles else {}
    points, labels = make(100_000, noise=0.05, random_state=0, **shape)  # type: ignore[operator]
    graph = LandmarkGraph(torch.from_numpy(points), place_landmarks(torch.from_numpy(points), 500))
    found = by_component(graph, sparse_landmarks(graph, 2).spectrum, 2).labels
    assert agreement(found, torch.from_numpy(labels)) >= 0.999


@pytest.mark.parametrize("rows", ["plain", "njw", "random-walk"])
def test_old_points_have_their_rows_again_by_sparse_landmarks(rows: RowScaling) -> None:
    points, graph = mixed()
    found = sparse_landmarks(graph, 5)
    expected = scaled_rows(found.spectrum.vectors, found.root, rows)
    torch.testing.assert_close(rows_of(found, points, rows), expected)


@pytest.mark.parametrize("rows", ["plain", "njw", "random-walk"])
def test_old_points_have_their_rows_again_by_nystroem(rows: RowScaling) -> None:
    points, _ = circles(500)
    found = nystroem(points, GaussianLandmarkWeights(place_landmarks(points, 80), 0.3), 4)
    expected = scaled_rows(found.spectrum.vectors, found.root, rows)
    torch.testing.assert_close(rows_of(found, points, rows), expected, rtol=1e-6, atol=1e-9)


def test_new_points_of_two_circles_join_theirs() -> None:
    points, _ = circles()
    graph = LandmarkGraph(points, place_landmarks(points, 150))
    found = sparse_landmarks(graph, 2)
    centroids = kmeans(scaled_rows(found.spectrum.vectors[:, :2], found.root, "random-walk"), 2).centroids
    new, expected = circles(seed=1)
    rows = rows_of(found, new, "random-walk")[:, :2]
    assert agreement(torch.cdist(rows, centroids).argmin(dim=1), expected) == 1


def test_votes_of_landmarks_tell_the_cluster_of_new_points() -> None:
    points, expected = circles()
    graph = LandmarkGraph(points, place_landmarks(points, 150))
    votes = landmark_votes(graph, expected, 2)
    torch.testing.assert_close(votes.sum(dim=1), torch.ones(150).double())
    new, labels = circles(seed=1)
    assert agreement(graph.weights.sums(new, votes).argmax(dim=1), labels) == 1


def test_nystrom_with_all_points_as_landmarks_is_the_dense_graph() -> None:
    points = torch.from_numpy(make_blobs(120, n_features=5, centers=3, random_state=0)[0])
    laplacian = Laplacian(GaussianGraph(points, 4.0))
    dense = torch.eye(120).double() - laplacian.similarity(torch.eye(120).double())
    expected = torch.linalg.eigvalsh(dense)[:4]
    torch.testing.assert_close(
        nystroem(points, GaussianLandmarkWeights(points, 4.0), 3).spectrum.values, expected, atol=1e-5, rtol=0
    )


def test_nystrom_vectors_are_orthonormal() -> None:
    points, _ = circles(500)
    vectors = nystroem(points, GaussianLandmarkWeights(place_landmarks(points, 80), 0.3), 4).spectrum.vectors
    torch.testing.assert_close(vectors.T @ vectors, torch.eye(5).double(), atol=1e-6, rtol=0)


def test_nystrom_tells_two_circles_apart() -> None:
    points, expected = circles()
    found = nystroem(points, GaussianLandmarkWeights(place_landmarks(points, 150), 0.1), 2)
    rows = scaled_rows(found.spectrum.vectors[:, :2], found.root, "random-walk")
    assert agreement(kmeans(rows, 2).labels, expected) == 1


def test_the_size_of_the_blocks_changes_no_eigenvalue(monkeypatch: pytest.MonkeyPatch) -> None:
    points, _ = circles(300)
    places = place_landmarks(points, 40)
    expected = nystroem(points, GaussianLandmarkWeights(places, 0.3), 3).spectrum.values
    monkeypatch.setattr("suite_spectral.graphs.landmark_graph.BLOCK_VALUES", 500)
    torch.testing.assert_close(
        nystroem(points, GaussianLandmarkWeights(places, 0.3), 3).spectrum.values, expected, atol=1e-9, rtol=0
    )


def test_fewer_landmarks_than_clusters_are_refused() -> None:
    points, _ = circles(100)
    with pytest.raises(UsageError, match="at least 9 landmarks that points are near to, got 4"):
        sparse_landmarks(LandmarkGraph(points, place_landmarks(points, 4)), 9)
    with pytest.raises(UsageError, match="rank 9 or more, got 4"):
        nystroem(points, GaussianLandmarkWeights(place_landmarks(points, 4), 0.1), 9)


def test_points_that_are_all_the_same_are_one_mixture() -> None:
    graph = LandmarkGraph(torch.zeros(50, 2), torch.zeros(1, 2))
    assert sparse_landmarks(graph, 1).spectrum.values.tolist() == [0]
    assert np.allclose(graph.mixtures.sum(), 50**0.5)


def test_the_vectors_are_orthonormal_where_the_landmarks_are_hardly_connected() -> None:
    ends = [torch.linspace(begin, begin + 1, 60, dtype=torch.float64) for begin in (0, 6, 12)]
    landmarks = torch.tensor([0.2, 0.8, 6.2, 6.8, 12.2, 12.8], dtype=torch.float64)
    graph = LandmarkGraph(torch.cat(ends)[:, None], landmarks[:, None], nearest=5, sigma=0.5)
    found = sparse_landmarks(graph, 3).spectrum
    assert found.components.unique().tolist() == [0]
    torch.testing.assert_close(found.vectors.T @ found.vectors, torch.eye(4, dtype=torch.float64))


def test_few_distinct_points_are_no_reason_to_warn_of_landmarks() -> None:
    points = torch.tensor([[0.0, 0.0], [5.0, 5.0]]).repeat_interleave(100, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        landmarks = place_landmarks(points, 100)
    assert sorted(set(map(tuple, landmarks.tolist()))) == [(0.0, 0.0), (5.0, 5.0)]

import numpy as np
import pytest
import scipy.sparse
import torch
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from suite_spectral.estimator import SpectralClustering
from suite_spectral.graphs.neighbours import nearest, nearest_to
from suite_spectral.graphs.sparse_points import is_sparse, rows_of


def words(n: int = 120, dim: int = 5000, seed: int = 0) -> tuple[scipy.sparse.csr_array, np.ndarray]:
    """Counts of words of three vocabularies, few in each row, and whose row it is."""
    draw = np.random.default_rng(seed)
    classes = np.arange(n) % 3
    chosen = draw.integers(0, 60, size=(n, 20)) + 1000 * classes[:, None]
    return scipy.sparse.csr_array((np.ones(20 * n), (np.repeat(np.arange(n), 20), chosen.ravel())), (n, dim)), classes


def as_tensor(rows: scipy.sparse.csr_array) -> Tensor:
    return torch.from_numpy(rows.toarray()).to_sparse_csr()


def test_neighbours_of_sparse_points_are_those_of_dense_ones() -> None:
    points = scipy.sparse.random_array((150, 400), density=0.05, format="csr", rng=0)
    sparse, dense = as_tensor(points), torch.from_numpy(points.toarray())
    expected, actual = nearest(dense, 7), nearest(sparse, 7)
    assert torch.equal(expected.indices, actual.indices)
    torch.testing.assert_close(expected.distances, actual.distances)
    assert torch.equal(nearest_to(dense[:9], dense, 3).indices, nearest_to(as_tensor(points[:9]), sparse, 3).indices)


def test_near_points_far_from_the_origin_are_told_apart() -> None:
    draw = np.random.default_rng(0)
    points = scipy.sparse.csr_array(1e6 + draw.normal(size=(40, 5)))
    dense = torch.from_numpy(points.toarray())
    assert torch.equal(nearest(dense, 1).indices, nearest(as_tensor(points), 1).indices)


def test_among_duplicates_no_sparse_point_is_its_own_neighbour() -> None:
    found = nearest(torch.ones(12, 4).to_sparse_csr(), 3)
    assert bool((found.indices != torch.arange(12)[:, None]).all())
    assert float(found.distances.max()) == 0


def test_sparse_points_stay_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, classes = words()
    monkeypatch.setattr(scipy.sparse.csr_array, "toarray", None)
    monkeypatch.setattr(Tensor, "to_dense", None)
    clusters = SpectralClustering(3, random_state=0).fit(rows)
    assert adjusted_rand_score(classes, clusters.labels_) == 1
    assert np.array_equal(clusters.predict(rows), clusters.labels_)
    assert np.array_equal(clusters.predict(words(seed=1)[0]), clusters.labels_)


def test_sparse_and_dense_points_have_the_same_clusters() -> None:
    rows, _ = words()
    sparse, dense = SpectralClustering(3, random_state=0).fit(rows), SpectralClustering(3, random_state=0)
    dense.fit(rows.toarray())
    assert np.array_equal(sparse.labels_, dense.labels_)
    assert np.array_equal(dense.predict(rows[:7]), sparse.predict(rows[:7].toarray()))


@pytest.mark.parametrize(
    "options", [{"n_neighbors": None}, {"route": "landmarks", "landmarks": 30}, {"search": "tree"}]
)
def test_what_takes_dense_points_gets_them(options: dict[str, object]) -> None:
    rows, classes = words(dim=3100)
    labels = SpectralClustering(3, random_state=0, **options).fit(rows).labels_  # type: ignore[arg-type]
    assert adjusted_rand_score(classes, labels) > 0.9


def test_a_loose_group_of_sparse_points_joins_the_nearest_cluster() -> None:
    draw = np.random.default_rng(0)
    points = np.zeros((208, 50))
    points[:200, :2] = draw.normal(size=(200, 2)) + 4 * (np.arange(200) % 2)[:, None]
    points[200:, 0], points[200:, 7] = 60, draw.normal(size=8)
    with pytest.warns(RuntimeWarning, match="nearest cluster"):
        clusters = SpectralClustering(2, n_neighbors=7, random_state=0).fit(scipy.sparse.csr_array(points))
    assert len(set(clusters.labels_[200:])) == 1


def test_some_rows_of_sparse_points() -> None:
    rows = torch.eye(4).to_sparse_csr()
    some = rows_of(rows, torch.tensor([3, 1]))
    assert is_sparse(some)
    assert some.to_dense().argmax(dim=1).tolist() == [3, 1]

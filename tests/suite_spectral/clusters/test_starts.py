import numpy as np
import pytest

from suite_spectral.clusters import starts
from suite_spectral.clusters.lloyd import Floats
from suite_spectral.clusters.starts import best_start, orthogonal


def indicators(sizes: list[int], noise: float = 0.05) -> tuple[Floats, np.ndarray]:
    """Rows of eigenvectors of so many parts, which hang together a little, and the number of each one's part."""
    draw = np.random.default_rng(0)
    parts = np.repeat(np.arange(len(sizes)), sizes)
    turn, _ = np.linalg.qr(draw.standard_normal((len(sizes), len(sizes))))
    rows = turn[parts] * (1 + noise * draw.standard_normal((len(parts), len(sizes))))
    return rows / np.sqrt(np.array(sizes)[parts])[:, None], parts


def same(one: np.ndarray, other: np.ndarray) -> bool:
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len(np.unique(one)) == len(np.unique(other))


def test_orthogonal_rows_are_one_of_each_part() -> None:
    rows, parts = indicators([30] * 12)
    found = orthogonal(rows, 12)
    assert found is not None
    assert len({int(parts[(rows == row).all(axis=1)][0]) for row in found}) == 12


def test_the_constant_vector_need_not_be_among_the_columns() -> None:
    rows = np.array([[1.0, 0], [1.1, 0], [-0.5, 0.9], [-0.5, 0.8], [-0.5, -0.9], [-0.6, -0.9]])
    found = orthogonal(rows, 3)
    assert found is not None
    assert {int((rows == row).all(axis=1).argmax()) // 2 for row in found} == {0, 1, 2}


@pytest.mark.parametrize(("shape", "count"), [((2, 3), 3), ((9, 1), 3), ((9, 13), 3)])
def test_fewer_rows_or_columns_than_clusters_or_many_columns_have_no_orthogonal_ones(
    shape: tuple[int, int], count: int
) -> None:
    assert orthogonal(np.ones(shape), count) is None


def test_one_start_finds_forty_clusters() -> None:
    rows, parts = indicators([20] * 40)
    assert same(best_start(rows, 40, n_init=1, seed=0).labels, parts)


def test_clusters_of_few_points_are_in_the_sample_of_many() -> None:
    rows, parts = indicators([30_000, 3000, 5], noise=0.02)
    assert len(rows) > 6 * starts.SAMPLE
    for seed in range(8):
        assert same(best_start(rows, 3, n_init=1, seed=seed).labels, parts)


def test_more_starts_are_never_worse() -> None:
    rows = np.random.default_rng(0).standard_normal((400, 2))
    one, many = (best_start(rows, 9, n_init=n_init, seed=1).inertia for n_init in (1, 8))
    assert many < one


def test_of_starts_of_about_the_same_inertia_the_least_cost_wins() -> None:
    rows = np.random.default_rng(0).standard_normal((400, 2))
    asked: list[float] = []

    def cost(labels: np.ndarray) -> float:
        asked.append(float(labels[:50].sum()))
        return -asked[-1]

    found = best_start(rows, 9, n_init=8, seed=1, cost=cost)
    assert len(set(asked)) > 1
    assert found.labels[:50].sum() == max(asked)
    least = best_start(rows, 9, n_init=8, seed=1).inertia
    assert least <= found.inertia <= starts.NEAR * least


def test_the_cost_decides_between_starts_that_a_sample_has_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "SAMPLE", 100)
    monkeypatch.setattr(starts, "SAMPLE_PER_CLUSTER", 1)
    rows = np.random.default_rng(0).standard_normal((900, 2))
    costs: list[float] = []

    def cost(labels: np.ndarray) -> float:
        assert labels.shape == (900,)
        costs.append(float(np.bincount(labels).max()))
        return costs[-1]

    found = best_start(rows, 9, n_init=6, seed=0, cost=cost)
    assert len(costs) > 1
    assert np.bincount(found.labels).max() == min(costs)


def test_no_cost_is_asked_where_all_starts_come_to_the_same_clusters() -> None:
    rows, parts = indicators([30] * 4)

    def cost(labels: np.ndarray) -> float:
        raise AssertionError("there is nothing to decide")

    assert same(best_start(rows, 4, n_init=5, seed=0, cost=cost).labels, parts)


def test_no_more_starts_are_tried_after_some_that_are_far_from_the_least(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, parts = indicators([20] * 40)
    tried = []
    monkeypatch.setattr(starts, "spread", lambda some, count, *_: tried.append(0) or np.arange(count))
    assert same(best_start(rows, 40, n_init=50, seed=0).labels, parts)
    assert len(tried) == starts.FUTILE


def test_the_same_seed_gives_the_same_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "SAMPLE", 100)
    rows = np.random.default_rng(0).standard_normal((900, 2))
    first, second = (best_start(rows, 4, n_init=3, seed=5).labels for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_rows_of_zeros_are_one_cluster() -> None:
    found = best_start(np.zeros((6000, 2)), 1, n_init=2, seed=0)
    assert set(found.labels.tolist()) == {0}

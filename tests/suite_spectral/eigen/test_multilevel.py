import numpy as np
import pytest
import scipy.sparse
import torch
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from suite_spectral.eigen import hierarchy as hierarchy_module
from suite_spectral.eigen.hierarchy import COARSEST, Wanted, hierarchy
from suite_spectral.eigen.lobpcg import allowed_residual, distinct
from suite_spectral.eigen.multilevel import multilevel
from suite_spectral.eigen.vcycle import Level
from suite_spectral.shares.share import Share


def similarity(n: int, dim: int = 2, seed: int = 0) -> tuple[scipy.sparse.csr_array, torch.Tensor]:
    """S of the largest component of a graph of 8 neighbours of points in a cube, and the roots of the degrees."""
    points = np.random.default_rng(seed).random((n, dim))
    _, found = cKDTree(points).query(points, 8)
    one = scipy.sparse.csr_array((np.ones(8 * n), found.ravel(), np.arange(0, 8 * n + 1, 8)), shape=(n, n))
    weights = (one + one.T) / 2
    largest = connected_components(weights)[1] == 0
    weights = weights[largest][:, largest]
    root = np.sqrt(weights.sum(axis=1))
    scale = scipy.sparse.diags_array(1 / root)
    return scipy.sparse.csr_array(scale @ weights @ scale), torch.from_numpy(root)


def exact(matrix: scipy.sparse.csr_array, count: int) -> np.ndarray:
    return np.linalg.eigvalsh(np.eye(matrix.shape[0]) - matrix.toarray())[1 : count + 1]


@pytest.mark.parametrize(("n", "dim"), [(400, 1), (1500, 2), (1500, 6)])
def test_the_eigenvalues_are_those_of_a_dense_solution(n: int, dim: int) -> None:
    matrix, root = similarity(n, dim)
    found = multilevel(matrix, root, 5, tolerance=1e-4)
    np.testing.assert_allclose(exact(matrix, 5), found.values[:5], rtol=1e-5)


@pytest.mark.parametrize("n", [30_000, 200_000])
def test_many_levels_give_small_eigenvalues_right(n: int) -> None:
    # A path, whose eigenvalues are known: 1 - cos(j pi / (n - 1)) with its weights.
    weights = scipy.sparse.diags_array([np.ones(n - 1), np.ones(n - 1)], offsets=[1, -1], shape=(n, n)).tocsr()
    root = np.sqrt(weights.sum(axis=1))
    scale = scipy.sparse.diags_array(1 / root)
    found = multilevel(scipy.sparse.csr_array(scale @ weights @ scale), torch.from_numpy(root), 3, tolerance=1e-2)
    np.testing.assert_allclose(1 - np.cos(np.arange(1, 4) * np.pi / (n - 1)), found.values[:3], rtol=1e-3)


@pytest.mark.parametrize("weight", [1e-6, 1e-8, 1e-10])
def test_two_parts_that_hardly_hang_together_are_told_apart(weight: float) -> None:
    one, _ = similarity(800)
    matrix = scipy.sparse.block_diag([one, one]).tolil()
    matrix[0, one.shape[0]] = matrix[one.shape[0], 0] = weight
    degrees = matrix.sum(axis=1)
    scale = scipy.sparse.diags_array(1 / np.sqrt(degrees))
    matrix = scipy.sparse.csr_array(scale @ matrix.tocsr() @ scale)
    found = multilevel(matrix, torch.from_numpy(np.sqrt(degrees)), 3, tolerance=1e-2)
    assert found.steps < 20
    np.testing.assert_allclose(exact(matrix, 3), found.values[:3], rtol=1e-3, atol=1e-15)
    side = found.vectors[: one.shape[0], 0].sign()
    assert bool((side == side[0]).all())


def test_the_known_vector_is_not_found_again_in_a_regular_graph() -> None:
    n, added = 2000, 0.1  # a ring in which each point is joined to the ten next to it
    shifts = [*range(1, 6), *range(n - 5, n)]
    ring = scipy.sparse.diags_array([np.full(n - shift, 0.1) for shift in shifts], offsets=shifts, shape=(n, n))
    matrix = scipy.sparse.csr_array((ring + ring.T) / (1 + added))
    whole = np.linalg.eigvalsh(np.eye(n) - matrix.toarray() - added / (1 + added) / n)
    everywhere = torch.full((n,), (added / (1 + added) / n) ** 0.5, dtype=torch.float64)
    found = multilevel(matrix, torch.ones(n, dtype=torch.float64), 3, added=everywhere, tolerance=1e-3)
    np.testing.assert_allclose(whole[1:4], found.values[:3], rtol=1e-4)


def test_the_vectors_are_eigenvectors_in_the_order_of_the_points() -> None:
    matrix, root = similarity(22_000)  # so many that they are put in another order on the way
    found = multilevel(matrix, root, 2, tolerance=1e-3)
    vectors = found.vectors[:, :2].numpy()
    residual = vectors - matrix @ vectors - vectors * found.values[:2].numpy()
    assert np.linalg.norm(residual, axis=0).max() < 1e-3 * float(found.values[2])


def test_what_regularisation_adds_is_taken_into_account() -> None:
    matrix, _ = similarity(900)
    added = np.full(matrix.shape[0], 0.3 / np.sqrt(matrix.shape[0]))
    whole = 0.9 * matrix.toarray() + added[:, None] * added
    values, vectors = np.linalg.eigh(np.eye(len(whole)) - whole)
    null = torch.from_numpy(vectors[:, 0].copy())
    # The known vector need not have the eigenvalue 0 for the others to be found beside it.
    found = multilevel(0.9 * matrix, null, 4, added=torch.from_numpy(added), tolerance=1e-4)
    np.testing.assert_allclose(values[1:5], found.values[:4], rtol=1e-4)


def test_a_graph_that_few_aggregates_cover_is_not_solved_densely(monkeypatch: pytest.MonkeyPatch) -> None:
    n, count = 1200, 300
    _, found = cKDTree(points := np.random.default_rng(0).random((n, 2))).query(points, count)
    one = scipy.sparse.csr_array((np.ones(count * n), found.ravel(), np.arange(0, count * n + 1, count)), shape=(n, n))
    root = np.sqrt((weights := one + one.T).sum(axis=1))
    scale = scipy.sparse.diags_array(1 / root)
    matrix = scipy.sparse.csr_array(scale @ weights @ scale)
    sizes: list[int] = []
    dense = hierarchy_module._dense
    monkeypatch.setattr(
        hierarchy_module, "_dense", lambda level, mass: sizes.append(level.shape[0]) or dense(level, mass)
    )
    found_values = multilevel(matrix, torch.from_numpy(root), 12, tolerance=1e-4).values
    assert max(sizes) <= COARSEST
    np.testing.assert_allclose(exact(matrix, 12), found_values[:12], rtol=1e-5)


def expander(n: int) -> tuple[scipy.sparse.csr_array, torch.Tensor]:
    """S of a graph of six random permutations, and the roots of the degrees: all but one eigenvalue are far from 0."""
    random = np.random.default_rng(0)
    ends = np.concatenate([random.permutation(n) for _ in range(6)])
    one = scipy.sparse.coo_array((np.ones(6 * n), (np.tile(np.arange(n), 6), ends)), shape=(n, n)).tocsr()
    root = np.sqrt((weights := one + one.T).sum(axis=1))
    scale = scipy.sparse.diags_array(1 / root)
    return scipy.sparse.csr_array(scale @ weights @ scale), torch.from_numpy(root)


def levels_of(matrix: scipy.sparse.csr_array, root: torch.Tensor) -> list[Level]:
    found = hierarchy(matrix, root / root.norm(), None, Wanted(5, 2, 0), Share.alone(len(root)))
    assert found is not None
    return found[0]


def test_a_level_of_one_aggregate_corrects_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, root = similarity(1500, 6)
    monkeypatch.setattr(hierarchy_module, "COARSEST", 10)
    levels = levels_of(matrix, root)
    assert levels[-1].solution.tolist() == [[0]]  # its matrix is 0 but for rounding
    found = multilevel(matrix, root, 2, tolerance=1e-2)
    np.testing.assert_allclose(exact(matrix, 2), found.values[:2], rtol=1e-4)
    assert found.steps < 60


def test_coarser_levels_of_a_graph_of_many_dimensions_do_not_fill_up() -> None:
    matrix, root = expander(20_000)
    levels = levels_of(matrix, root)
    entries = [level.matrix.matrix.values().numel() for level in levels]
    assert len(entries) > 1
    assert sum(entries[1:]) < entries[0]


def test_the_same_seed_gives_the_same_vectors() -> None:
    matrix, root = similarity(1000)
    first, second = (multilevel(matrix, root, 2, tolerance=1e-2, seed=3).vectors for _ in range(2))
    assert torch.equal(first, second)


def chain(n: int) -> tuple[scipy.sparse.csr_array, torch.Tensor]:
    """S of a path of n points, three levels for 20,000."""
    weights = scipy.sparse.diags_array([np.ones(n - 1), np.ones(n - 1)], offsets=[1, -1], shape=(n, n)).tocsr()
    root = np.sqrt(weights.sum(axis=1))
    scale = scipy.sparse.diags_array(1 / root)
    return scipy.sparse.csr_array(scale @ weights @ scale), torch.from_numpy(root)


@pytest.mark.parametrize("regularised", [False, True])
def test_refining_the_start_on_coarser_levels_saves_steps(monkeypatch: pytest.MonkeyPatch, regularised: bool) -> None:
    matrix, root = chain(8000)
    added = None
    if regularised:
        scale = (root.square() / (root.square() + 1e-3)).sqrt()
        matrix = scipy.sparse.csr_array(matrix.multiply(scale.numpy()[:, None]).multiply(scale.numpy()))
        added, root = (1e-3 / 8000) ** 0.5 * scale / root, root / scale
    steps = {}
    for most in (20, 0):
        monkeypatch.setattr(hierarchy_module, "MOST_STEPS", most)
        found = multilevel(matrix, root, 4, added=added, tolerance=1e-2)
        vectors = found.vectors[:, :4]
        left = vectors * (1 - found.values[:4]) - torch.from_numpy(matrix @ vectors.numpy())
        left -= 0 if added is None else added[:, None] * (added @ vectors)
        assert float(left.norm(dim=0).max()) < 1e-2 * float(found.values[4])
        steps[most] = found.steps
    assert steps[20] < steps[0]


def test_a_pair_that_gives_the_gap_alone_need_not_be_accurate() -> None:
    matrix, root = similarity(3000)
    every = multilevel(matrix, root, 5, tolerance=1e-4)
    found = multilevel(matrix, root, 5, accurate=4, tolerance=1e-4)
    count = distinct(found.values, 4)
    assert found.steps <= every.steps
    assert found.vectors.shape == every.vectors.shape
    assert float(found.residuals[:count].max()) <= float(allowed_residual(found.values, count, 1e-4))
    np.testing.assert_allclose(every.values[:5], found.values[:5], rtol=1e-4)

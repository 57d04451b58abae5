import warnings
from typing import get_args

import numpy as np
import pytest
import scipy.sparse
import torch
from another_device import DEVICE, AnotherDevice
from scipy.spatial import cKDTree
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.spectrum import spectrum
from suite_spectral.graphs.dense_graph import DenseGraph
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.graph import Graph, SparseGraph
from suite_spectral.settings import Solver


def points(n: int = 500, dim: int = 3) -> Tensor:
    return torch.rand(n, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def neighbours(n: int = 500, dim: int = 3, count: int = 12) -> SparseGraph:
    places = points(n, dim).numpy()
    _, found = cKDTree(places).query(places, count)
    one = scipy.sparse.csr_array((np.ones(count * n), found.ravel(), np.arange(0, count * n + 1, count)), shape=(n, n))
    return SparseGraph.from_scipy((one + one.T) / 2)


def blocks(*graphs: SparseGraph) -> SparseGraph:
    return SparseGraph.from_scipy(scipy.sparse.block_diag([graph.scipy() for graph in graphs], format="csr"))


def exact(laplacian: Laplacian) -> tuple[Tensor, Tensor]:
    unit = torch.eye(laplacian.n, dtype=torch.float64)
    values, vectors = torch.linalg.eigh(unit - laplacian.similarity(unit))
    return values, vectors


GRAPHS: dict[str, Graph] = {"neighbours": neighbours(), "gaussian": GaussianGraph(points(), 0.3)}


NEEDING_EDGES = ("multilevel", "chebyshev")
PAIRS = [(g, s) for g in GRAPHS for s in get_args(Solver) if g == "neighbours" or s not in NEEDING_EDGES]


@pytest.mark.parametrize("regularisation", [0.0, 0.2])
@pytest.mark.parametrize(("graph", "solver"), PAIRS)
def test_every_solver_finds_the_smallest_eigenvalues(graph: str, solver: Solver, regularisation: float) -> None:
    laplacian = Laplacian(GRAPHS[graph], regularisation)
    found = spectrum(laplacian, 4, solver=solver, tolerance=1e-3)
    np.testing.assert_allclose(exact(laplacian)[0][:4], found.values[:4], atol=2e-6)
    if solver != "auto":
        assert found.solver == solver


@pytest.mark.parametrize("solver", get_args(Solver))
def test_every_solver_finds_their_vectors(solver: Solver) -> None:
    laplacian = Laplacian(neighbours())
    found = spectrum(laplacian, 4, solver=solver, tolerance=1e-3)
    expected = exact(laplacian)[1][:, :4]
    angles = torch.linalg.svdvals(expected.T @ found.vectors[:, :4])
    assert float(angles.min()) > 1 - 1e-4
    identity = torch.eye(4, dtype=torch.float64)
    torch.testing.assert_close(identity, found.vectors[:, :4].T @ found.vectors[:, :4], atol=1e-5, rtol=0)


@pytest.mark.parametrize("regularisation", [0.0, 0.2])
@pytest.mark.parametrize("solver", get_args(Solver))
def test_every_solver_takes_a_graph_that_is_not_on_the_cpu(solver: Solver, regularisation: float) -> None:
    weights = torch.from_numpy(neighbours().scipy().toarray())
    expected = spectrum(Laplacian(DenseGraph(weights), regularisation), 4, solver=solver)
    with AnotherDevice():
        found = spectrum(Laplacian(DenseGraph(weights.to(DEVICE)), regularisation), 4, solver=solver)
        assert {each.device for each in (found.values, found.computed, found.residuals)} == {DEVICE}
        assert found.solver == expected.solver
        torch.testing.assert_close(found.values.cpu(), expected.values, rtol=1e-6, atol=1e-9)
        torch.testing.assert_close(found.computed.cpu().abs(), expected.computed.abs(), rtol=0, atol=1e-4)


def test_a_start_from_earlier_vectors_may_lie_on_another_device() -> None:
    weights = torch.from_numpy(neighbours().scipy().toarray())
    laplacian = Laplacian(DenseGraph(weights))
    earlier = spectrum(laplacian, 4, solver="multilevel").vectors / laplacian.root[:, None]
    expected = spectrum(laplacian, 4, solver="multilevel", start=earlier)
    with AnotherDevice():
        there = Laplacian(DenseGraph(weights.to(DEVICE)))
        found = spectrum(there, 4, solver="multilevel", start=earlier.to(DEVICE))
        assert found.steps == expected.steps
        torch.testing.assert_close(found.vectors.cpu(), expected.vectors)


def test_there_is_one_eigenvalue_more_for_the_gap() -> None:
    found = spectrum(Laplacian(neighbours()), 3)
    assert found.values.shape == found.residuals.shape == (4,)
    assert found.vectors.shape == (500, 4)


def test_residuals_are_small_against_the_gap() -> None:
    laplacian = Laplacian(neighbours())
    found = spectrum(laplacian, 3, tolerance=1e-2)
    residual = found.vectors - laplacian.similarity(found.vectors) - found.vectors * found.values
    torch.testing.assert_close(residual.norm(dim=0), found.residuals, atol=1e-9, rtol=1e-3)
    gap = max(float(found.values[3] - found.values[2]), 0.1 * float(found.values[3]))
    assert float(found.residuals[:3].max()) <= 1e-2 * gap


def test_a_graph_of_three_components_has_three_eigenvalues_0_with_their_own_vectors() -> None:
    found = spectrum(Laplacian(blocks(neighbours(60), neighbours(40), neighbours(50))), 5)
    assert found.values[:3].tolist() == [0, 0, 0]
    assert float(found.values[3]) > 1e-3
    assert found.components.bincount().tolist() == [60, 50, 40]
    for number in range(3):  # the larger component first
        assert bool((found.vectors[found.components != number, number] == 0).all())


def test_its_other_eigenvalues_are_those_of_the_components_together() -> None:
    laplacian = Laplacian(blocks(neighbours(60), neighbours(40)))
    found = spectrum(laplacian, 6)
    np.testing.assert_allclose(exact(laplacian)[0][:6], found.values[:6], atol=1e-7)


def test_every_vector_lives_on_one_component() -> None:
    found = spectrum(Laplacian(blocks(neighbours(60), neighbours(60))), 6)  # the same twice: every eigenvalue twice
    mass = torch.stack([found.vectors[found.components == number].square().sum(dim=0) for number in (0, 1)])
    assert bool(((mass == 0).sum(dim=0) == 1).all())


def test_with_more_components_than_asked_for_the_largest_come() -> None:
    found = spectrum(Laplacian(blocks(neighbours(20), neighbours(40), neighbours(30))), 1)
    assert found.values.tolist() == [0, 0]
    assert found.vectors[:, 0].nonzero()[:, 0].tolist() == list(range(20, 60))


def test_points_without_edges_are_components() -> None:
    alone = SparseGraph.from_scipy(scipy.sparse.csr_array((3, 3)))
    found = spectrum(Laplacian(blocks(neighbours(30), alone)), 5)
    assert found.values[:4].tolist() == [0] * 4
    assert found.vectors[30:, 1:4].tolist() == torch.eye(3).tolist()


def test_regularisation_connects_the_components() -> None:
    found = spectrum(Laplacian(blocks(neighbours(60), neighbours(40)), 0.1), 2)
    assert float(found.values[1]) > 1e-3
    assert found.components.unique().tolist() == [0]


def test_as_many_vectors_as_points_can_be_had() -> None:
    assert len(spectrum(Laplacian(neighbours(20)), 20).values) == 20


@pytest.mark.parametrize("count", [0, 21])
def test_more_vectors_than_points_are_refused(count: int) -> None:
    with pytest.raises(UsageError, match=f"from 1 to 20.*got {count}"):
        spectrum(Laplacian(neighbours(20)), count)


@pytest.mark.parametrize("solver", NEEDING_EDGES)
def test_a_solver_that_needs_the_edges_is_refused_without(solver: Solver) -> None:
    with pytest.raises(UsageError, match=f"{solver}.*stores its edges"):
        spectrum(Laplacian(GRAPHS["gaussian"]), 2, solver=solver)


def test_an_unknown_solver_is_refused() -> None:
    with pytest.raises(UsageError, match=r"multilevel.*got 'magic'"):
        spectrum(Laplacian(neighbours()), 2, solver="magic")  # type: ignore[arg-type]


def test_progress_is_told_with_the_solver_and_the_points() -> None:
    said: list[str] = []
    spectrum(Laplacian(neighbours()), 2, solver="multilevel", progress=said.append)
    assert any("500 points (multilevel)" in line for line in said)


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (neighbours(90), "dense"),
        (neighbours(), "arpack"),
        (neighbours(1600), "multilevel"),
        (GRAPHS["gaussian"], "matrix-free"),
    ],
)
def test_the_solver_is_chosen_by_the_graph(graph: Graph, expected: str) -> None:
    assert spectrum(Laplacian(graph), 2).solver == expected


@pytest.mark.parametrize("solver", ["multilevel", "chebyshev"])
def test_the_threads_do_not_change_the_vectors(solver: Solver) -> None:
    laplacian = Laplacian(neighbours(3000))
    before = torch.get_num_threads()
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(spectrum(laplacian, 3, solver=solver).vectors)
    torch.set_num_threads(before)
    torch.testing.assert_close(found[0].abs(), found[1].abs(), atol=1e-6, rtol=0)


def path(n: int) -> SparseGraph:
    return SparseGraph.from_scipy(scipy.sparse.diags_array([np.ones(n - 1), np.ones(n - 1)], offsets=[-1, 1]))


def test_vectors_that_are_not_accurate_enough_are_warned_of_once_with_by_how_much() -> None:
    with pytest.warns(RuntimeWarning, match=r"solver lobpcg ended with a residual [\d.e+]+ times the allowed") as said:
        spectrum(Laplacian(path(1000)), 2, solver="lobpcg")
    assert len(said) == 1


def test_of_several_components_the_worst_is_warned_of() -> None:
    with pytest.warns(RuntimeWarning, match="times the allowed") as said:
        spectrum(Laplacian(blocks(path(1000), path(900))), 4, solver="lobpcg")
    assert len(said) == 1


@pytest.mark.parametrize("graph", [path(1000), GRAPHS["gaussian"], blocks(path(300), path(200))])
def test_accurate_vectors_are_not_warned_of(graph: Graph) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        spectrum(Laplacian(graph), 3)


def test_the_solver_that_is_named_is_the_one_that_was_used() -> None:
    assert spectrum(Laplacian(neighbours(200)), 60, solver="arpack").solver == "dense"


def test_arpack_that_does_not_converge_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object, **named: object) -> None:
        raise scipy.sparse.linalg.ArpackNoConvergence("No convergence", np.zeros(0), np.zeros((0, 0)))

    monkeypatch.setattr("scipy.sparse.linalg.eigsh", fail)
    with pytest.raises(UsageError, match=r"arpack has not converged.*take solver auto"):
        spectrum(Laplacian(GRAPHS["gaussian"]), 2, solver="arpack")


def test_the_first_pairs_are_the_smallest() -> None:
    found = spectrum(Laplacian(neighbours(60)), 4)
    assert torch.equal(found.first(2).values, found.values[:2])
    assert torch.equal(found.first(2).vectors, found.vectors[:, :2])


@pytest.mark.parametrize("solver", ["dense", "arpack", "multilevel"])
def test_a_graph_that_nearly_falls_apart_has_vectors_that_are_orthonormal(solver: Solver) -> None:
    weights = blocks(*[neighbours(200)] * 3).scipy().tolil()
    for first, second in ((0, 200), (200, 400)):
        weights[first, second] = weights[second, first] = 1e-16
    found = spectrum(Laplacian(SparseGraph.from_scipy(weights.tocsr())), 3, solver=solver)
    assert found.components.unique().tolist() == [0]
    torch.testing.assert_close(
        found.vectors[:, :3].T @ found.vectors[:, :3], torch.eye(3, dtype=torch.float64), atol=1e-8, rtol=0
    )


def test_lapack_computes_few_pairs_as_it_does_all() -> None:
    laplacian = Laplacian(neighbours(250))
    few, every = (spectrum(laplacian, count, solver="dense") for count in (5, 200))
    torch.testing.assert_close(every.values[:6], few.values, atol=1e-12, rtol=0)
    overlap = (every.vectors[:, :6].T @ few.vectors).abs()
    torch.testing.assert_close(torch.eye(6, dtype=torch.float64), overlap, atol=1e-7, rtol=0)

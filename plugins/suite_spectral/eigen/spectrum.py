"""The smallest eigenvalues of the normalised Laplacian and their eigenvectors, by whichever way suits the graph.

    dense        by LAPACK: three hundred points
    arpack       scipy's eigsh, implicitly restarted Lanczos, with a factorisation: some hundred points
    multilevel   ``suite_spectral.eigen.multilevel``: sparse graphs; on the CPU, wherever they lie
    matrix-free  block conjugate gradients from a Nyström start: Gaussian and cosine graphs, dense ones: products cost
    chebyshev    block conjugate gradients with a Chebyshev polynomial of L as preconditioner: sparse graphs on a GPU
    filtered     ``suite_spectral.eigen.filtered``: many clusters and a clear gap, in half the memory; not by auto
    lobpcg       scipy's, without a preconditioner

A graph of several components is solved component by component: the eigenvalue 0 belongs to each, with the vector
D^1/2 1 on it, and the other eigenvectors live on one component each (von Luxburg, 2007). So nothing depends on how an
iteration happens to mix what has the same eigenvalue.
"""

import warnings
from typing import NamedTuple, get_args

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from lightning_suite.offsets import offsets_of
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.lobpcg import Lowest, allowed_residual, distinct
from suite_spectral.eigen.multilevel import GUARD
from suite_spectral.eigen.solvers import ROUGH, smallest_of_connected
from suite_spectral.graphs.dense_graph import DenseGraph, GivenGraph
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.graph import Progress, SparseGraph
from suite_spectral.settings import Solver
from suite_spectral.shares.group import Group

TOLERANCE = 3e-2
"""Of the residuals against the gap: the subspace is right to that angle, its eigenvalues to the angle's square."""

SMALL = 300
"""Points of a graph whose smallest eigenvalues LAPACK computes."""

LEAST = 50
"""The same where another solver is asked for, which needs so many points."""

SMALL_FILLED = 500
"""The same of a graph whose weights are a dense matrix."""

FACTORED = 1500
"""Points of a sparse graph up to which a factorisation costs less than levels do."""


class Spectrum(NamedTuple):
    """The smallest eigenvalues of L and what belongs to them.

    Attributes:
        values: (vector,) float64, ascending: one more than was asked for where there are as many points.
        vectors: (point, vector) float64, orthonormal.
        residuals: (vector,), the norms of L u - lambda u.
        components: (point,) int64 on the CPU, the number of the connected component; 0 has the most points.
        solver: the solver that was used.
        guards: (point, vector) what is known of further eigenvectors; None: nothing.
        steps: how many the iteration has taken, the most of a component.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    components: Tensor
    solver: str
    guards: Tensor | None = None
    steps: int = 0

    @property
    def computed(self) -> Tensor:
        """All vectors that were computed, (point, vector): those of the eigenpairs, and the guards."""
        return self.vectors if self.guards is None else torch.cat([self.vectors, self.guards], 1)

    def among(self, points: Tensor, components: Tensor) -> "Spectrum":
        """Return the spectrum of some points (point,) among all, whose components are given; the others have rows of 0.

        Its vectors are those of the graph without the other points.
        """

        def spread(vectors: Tensor) -> Tensor:
            rows = vectors.new_zeros(len(components), vectors.shape[1])
            return rows.index_copy_(0, points.to(rows.device), vectors)

        guards = None if self.guards is None else spread(self.guards)
        return self._replace(vectors=spread(self.vectors), components=components, guards=guards)

    def first(self, count: int) -> "Spectrum":
        """Return the smallest of the eigenpairs."""
        return self._replace(
            values=self.values[:count], vectors=self.vectors[:, :count], residuals=self.residuals[:count]
        )


def spectrum(
    laplacian: Laplacian,
    count: int,
    *,
    solver: Solver = "auto",
    seed: int = 0,
    tolerance: float = TOLERANCE,
    start: Tensor | None = None,
    group: Group | None = None,
    progress: Progress = lambda words: None,
) -> Spectrum:
    """Return the ``count`` smallest eigenpairs of L, and the next one, which gives the gap.

    Example:
        >>> weights = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
        >>> [round(value, 6) for value in spectrum(Laplacian(SparseGraph(weights.to_sparse_csr())), 2).values.tolist()]
        [0.0, 1.0, 2.0]

    Args:
        laplacian: L.
        count: how many have to be accurate; by the solver multilevel the next only where its eigenvalue is near.
        solver: see above; auto chooses by the kind of graph, its size and its device.
        seed: of whatever is random in it.
        tolerance: residuals that are allowed, as a share of the gap behind the wanted eigenvalues.
        start: (point, vector) functions D^-1/2 u of an earlier graph to start from, where the solver iterates.
        group: as of ``suite_spectral.eigen.multilevel``, for the solver of that name.
        progress: is called with words for what is being done.

    Raises:
        UsageError: there are fewer points than ``count``, the solver cannot be used with such a graph, or arpack has
            not converged.

    Warns:
        RuntimeWarning: a solver has come to its last step before the residuals were as small as they have to be.
    """
    if not 1 <= count <= laplacian.n:
        raise UsageError(f"expected from 1 to {laplacian.n} eigenvectors, the number of points, got {count}")
    if tolerance <= 0:
        raise UsageError(f"tolerance: expected a number above 0, got {tolerance}")
    several = laplacian.components
    number = int(several.max()) + 1
    device = laplacian.root.device
    if number == 1 or laplacian.tau:
        wanted = min(count, laplacian.n - 1)
        used = chosen_solver(solver, laplacian, wanted)
        warm = None if start is None else start * laplacian.root[:, None]
        lowest = smallest_of_connected(laplacian, wanted, used, seed, tolerance, progress, warm, group)
        warn_of_excess(excess_of(lowest, wanted, tolerance), used, tolerance)
        null = laplacian.root / laplacian.root.norm()
        pairs = (
            torch.cat([null.new_zeros(1), lowest.values]),
            torch.cat([null[:, None], lowest.vectors], 1),
            torch.cat([null.new_zeros(1), lowest.residuals]),
        )
        components_ = several if not laplacian.tau else torch.zeros_like(several)
        found = Spectrum(*pairs, components_, used, pairs[1][:, count + 1 :], lowest.steps)
        return found.first(count + 1)
    graph = laplacian.graph
    assert isinstance(graph, GivenGraph | GaussianGraph)
    order = torch.argsort(several, stable=True)
    sizes = torch.bincount(several)
    starts = offsets_of(sizes)
    values, residuals, columns = [], [], []
    used = "none"
    worst = (0.0, used, tolerance)
    steps = 0
    for part in range(min(number, count + 1)):
        points = order[starts[part] : starts[part + 1]]
        root = laplacian.root[points.to(device)]
        null = root / root.norm() if len(points) > 1 else torch.ones_like(root)  # a single point may have no degree
        values.append(null.new_zeros(1))
        residuals.append(null.new_zeros(1))
        columns.append((points, null[:, None]))
        left = count + 1 - number  # so many can there be above 0
        if left > 0 and len(points) > 1:
            inside = Laplacian(graph.part(points))
            wanted = min(left, len(points) - 1)
            way = chosen_solver(solver, inside, wanted)
            used = way if part == 0 else used
            within = tolerance if left > 1 else max(tolerance, ROUGH)
            warm = None if start is None else start[points.to(device)] * inside.root[:, None]
            lowest = smallest_of_connected(inside, wanted, way, seed, within, progress, warm, group)
            steps = max(steps, lowest.steps)
            worst = max(worst, (excess_of(lowest, wanted, within), way, within))
            values.append(lowest.values)
            residuals.append(lowest.residuals)
            columns.append((points, lowest.vectors))
    warn_of_excess(*worst)
    every = torch.cat(values)
    kept = torch.argsort(every, stable=True)[: count + 1 + GUARD]
    vectors = torch.zeros(laplacian.n, len(kept), dtype=torch.float64, device=device)
    owners = [(block, i) for block, (_, vectors_) in enumerate(columns) for i in range(vectors_.shape[1])]
    for column, which in enumerate(kept.tolist()):
        block, i = owners[which]
        points, found_vectors = columns[block]
        vectors[points.to(device), column] = found_vectors[:, i]
    found = Spectrum(every[kept], vectors, torch.cat(residuals)[kept], several, used, vectors[:, count + 1 :], steps)
    return found.first(count + 1)


def excess_of(lowest: Lowest, wanted: int, tolerance: float) -> float:
    """Return the worst residual over the allowed one: at most 1 where the vectors are as accurate as asked for.

    Accurate are the wanted ones, or those before the last, which gives the gap alone.
    """
    wanted = min(wanted, len(lowest.values))
    if not wanted:
        return 0.0

    def worst(count: int) -> float:
        return float((lowest.residuals[:count] / allowed_residual(lowest.values, count, tolerance)).max())

    return min(worst(wanted), worst(distinct(lowest.values, max(1, wanted - 1))))


def warn_of_excess(excess: float, solver: str, tolerance: float) -> None:
    if excess > 1:
        warnings.warn(
            f"the eigenvectors are less accurate than asked for: the solver {solver} ended with a residual "
            f"{excess:.3g} times the allowed, which is {tolerance:g} of the gap behind the wanted eigenvalues. "
            "The clusters may be wrong: take another solver, or regularisation, or another number of clusters",
            RuntimeWarning,
            stacklevel=3,
        )


def chosen_solver(solver: Solver, laplacian: Laplacian, wanted: int) -> str:
    """Return the solver that ``auto`` means, or the one that was asked for; dense for few points in any case."""
    graph = laplacian.graph
    sparse = isinstance(graph, SparseGraph)
    if solver not in get_args(Solver):
        raise UsageError(f"solver: expected {', '.join(get_args(Solver))}, got {solver!r}")
    if solver in ("multilevel", "chebyshev") and not isinstance(graph, GivenGraph):
        raise UsageError(f"solver {solver!r} needs a graph that stores its edges; take auto or matrix-free")
    small = (SMALL_FILLED if isinstance(graph, DenseGraph) else SMALL) if solver == "auto" else LEAST
    if laplacian.n <= max(small, 4 * (wanted + GUARD)):
        return "dense"
    if solver != "auto":
        return solver
    if not sparse:
        return "matrix-free"
    if graph.device.type != "cpu":
        return "chebyshev"
    return "arpack" if laplacian.n <= FACTORED and not laplacian.tau else "multilevel"

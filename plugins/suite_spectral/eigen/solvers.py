"""The smallest eigenvalues of the normalised Laplacian and their eigenvectors, by whichever way suits the graph.

    dense        all eigenvalues by LAPACK: a hundred points
    arpack       scipy's eigsh, implicitly restarted Lanczos, with a factorisation: some hundred points
    multilevel   ``suite_spectral.eigen.multilevel``: sparse graphs on the CPU
    matrix-free  block conjugate gradients from a Nystroem start: Gaussian and cosine graphs, whose products are dear
    chebyshev    block conjugate gradients with a Chebyshev polynomial of L as preconditioner: sparse graphs on a GPU
    lobpcg       scipy's, without a preconditioner

A graph of several components is solved component by component: the eigenvalue 0 belongs to each, with the vector
D^1/2 1 on it, and the other eigenvectors live on one component each (von Luxburg, 2007). So nothing depends on how an
iteration happens to mix what has the same eigenvalue.
"""

import warnings
from collections.abc import Callable
from typing import NamedTuple, get_args

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
import torch
from torch import Tensor
from torch.nn import functional

from lightning_suite.errors import UsageError
from suite_spectral.eigen.laplacian import Laplacian, components
from suite_spectral.eigen.lobpcg import Lowest, allowed_residual, lowest
from suite_spectral.eigen.multilevel import GUARD, multilevel
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.graph import Progress, SparseGraph
from suite_spectral.settings import Solver as Solver

TOLERANCE = 3e-2
"""Of the residuals against the gap: the subspace is right to that angle, its eigenvalues to the angle's square."""

SMALL = 100
"""Points of a graph whose eigenvalues are all computed."""

FACTORED = 1500
"""Points of a sparse graph up to which a factorisation costs less than levels do."""

ROUGH = 0.5
"""Tolerance where only the gap behind the wanted eigenvalues is asked for, and these are known."""

LANDMARKS = 500
"""Points of a Nystroem start."""

BLOCK = 8
"""Vectors beyond the wanted ones where a product costs the same for a few vectors more. To these come random ones,
since a Nystroem start knows nothing of a point that no landmark is near to."""

SINGLE = 1e-3
"""Smallest wanted eigenvalue for which products in float32, which are right to some 1e-6, are enough."""

POLYNOMIAL = 20
"""Degree of the preconditioner of the solver chebyshev."""


class Spectrum(NamedTuple):
    """The smallest eigenvalues of L and what belongs to them.

    Attributes:
        values: (vector,) float64, ascending: one more than was asked for where there are as many points.
        vectors: (point, vector) float64, orthonormal.
        residuals: (vector,), the norms of L u - lambda u.
        components: (point,) int64 on the CPU, the number of the connected component; 0 has the most points.
        solver: the solver that was used.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    components: Tensor
    solver: str

    def first(self, count: int) -> "Spectrum":
        """The smallest of the eigenpairs only."""
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
    progress: Progress = lambda words: None,
) -> Spectrum:
    """The ``count`` smallest eigenpairs of L, and the next one, which tells the gap.

    Args:
        laplacian: L.
        count: how many have to be accurate.
        solver: see above; auto chooses by the kind of graph, its size and its device.
        seed: of whatever is random in it.
        tolerance: residuals that are allowed, as a share of the gap behind the wanted eigenvalues.
        progress: is told what is being done.

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
    several = components(laplacian.graph)
    number = int(several.max()) + 1
    device = laplacian.root.device
    if number == 1 or laplacian.tau:
        wanted = min(count, laplacian.n - 1)
        used = _chosen(solver, laplacian, wanted)
        found = _connected(laplacian, wanted, used, seed, tolerance, progress)
        _warn(_excess(found, wanted, tolerance), used, tolerance)
        null = laplacian.root / laplacian.root.norm()
        pairs = (
            torch.cat([null.new_zeros(1), found.values]),
            torch.cat([null[:, None], found.vectors], 1),
            torch.cat([null.new_zeros(1), found.residuals]),
        )
        components_ = several if not laplacian.tau else torch.zeros_like(several)
        return Spectrum(*pairs, components_, used).first(count + 1)
    graph = laplacian.graph
    assert isinstance(graph, SparseGraph)
    weights = graph.scipy()
    order = torch.argsort(several, stable=True)
    sizes = torch.bincount(several)
    starts = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
    values, residuals, columns = [], [], []
    used = "none"
    worst = (0.0, used, tolerance)
    for part in range(min(number, count + 1)):
        points = order[starts[part] : starts[part + 1]]
        root = laplacian.root[points.to(device)]
        null = root / root.norm() if len(points) > 1 else torch.ones_like(root)  # a single point may have no degree
        values.append(null.new_zeros(1))
        residuals.append(null.new_zeros(1))
        columns.append((points, null[:, None]))
        left = count + 1 - number  # so many can there be above 0
        if left > 0 and len(points) > 1:
            here = points.numpy()
            inside = Laplacian(SparseGraph.from_scipy(weights[here][:, here]).to(device))
            wanted = min(left, len(points) - 1)
            way = _chosen(solver, inside, wanted)
            used = way if part == 0 else used
            within = tolerance if left > 1 else max(tolerance, ROUGH)
            found = _connected(inside, wanted, way, seed, within, progress)
            worst = max(worst, (_excess(found, wanted, within), way, within))
            values.append(found.values)
            residuals.append(found.residuals)
            columns.append((points, found.vectors))
    _warn(*worst)
    every = torch.cat(values)
    kept = torch.argsort(every, stable=True)[: count + 1]
    vectors = torch.zeros(laplacian.n, len(kept), dtype=torch.float64, device=device)
    owners = [(block, i) for block, (_, vectors_) in enumerate(columns) for i in range(vectors_.shape[1])]
    for place, which in enumerate(kept.tolist()):
        block, i = owners[which]
        points, found_vectors = columns[block]
        vectors[points.to(device), place] = found_vectors[:, i]
    return Spectrum(every[kept], vectors, torch.cat(residuals)[kept], several, used)


def _excess(found: Lowest, wanted: int, tolerance: float) -> float:
    """The worst wanted residual over the allowed one: at most 1 where the vectors are as accurate as asked for."""
    wanted = min(wanted, len(found.values))
    if not wanted:
        return 0.0
    return float((found.residuals[:wanted] / allowed_residual(found.values, wanted, tolerance)).max())


def _warn(excess: float, solver: str, tolerance: float) -> None:
    if excess > 1:
        warnings.warn(
            f"the eigenvectors are less accurate than asked for: the solver {solver} ended with a residual "
            f"{excess:.3g} times the allowed, which is {tolerance:g} of the gap behind the wanted eigenvalues. "
            "The clusters may be wrong: take another solver, or regularisation, or another number of clusters",
            RuntimeWarning,
            stacklevel=3,
        )


def _chosen(solver: Solver, laplacian: Laplacian, wanted: int) -> str:
    """The solver that ``auto`` means, or the one that was asked for; dense for few points in any case."""
    sparse = isinstance(laplacian.graph, SparseGraph)
    if solver not in get_args(Solver):
        raise UsageError(f"solver: expected {', '.join(get_args(Solver))}, got {solver!r}")
    if solver in ("multilevel", "chebyshev") and not sparse:
        raise UsageError(f"solver {solver!r} needs a graph that stores its edges; take auto or matrix-free")
    if laplacian.n <= max(SMALL if solver == "auto" else SMALL // 2, 4 * (wanted + GUARD)):
        return "dense"
    if solver != "auto":
        return solver
    if not sparse:
        return "matrix-free"
    if laplacian.graph.device.type != "cpu":
        return "chebyshev"
    return "arpack" if laplacian.n <= FACTORED and not laplacian.tau else "multilevel"


def _connected(
    laplacian: Laplacian, wanted: int, solver: str, seed: int, tolerance: float, progress: Progress
) -> Lowest:
    """The smallest eigenpairs of a connected graph above the known one of eigenvalue 0.

    One more than is wanted comes back where there are as many points.
    """
    n = laplacian.n
    if wanted == 0:
        empty = laplacian.root.new_zeros(0)
        return Lowest(empty, laplacian.root.new_zeros(n, 0), empty, 0)
    progress(f"eigenvectors of {n:,} points ({solver})")

    def told(step: int, ratio: float) -> None:
        progress(f"eigenvectors of {n:,} points ({solver}): step {step}, residual {ratio:.1f} times the allowed")

    null = laplacian.root / laplacian.root.norm()
    if solver == "dense":
        return _dense(laplacian, wanted)
    if solver == "multilevel":
        added = (laplacian.tau / n) ** 0.5 * laplacian.inverse if laplacian.tau else None
        return multilevel(
            _scaled(laplacian), laplacian.root, wanted, added=added, tolerance=tolerance, seed=seed, told=told
        )
    if solver in ("arpack", "lobpcg"):
        return _by_scipy(laplacian, wanted, solver, seed, tolerance)
    if solver == "chebyshev":
        start = _random(laplacian, wanted + GUARD + 1, seed)

        def polynomial(block: Tensor) -> Tensor:
            return _polynomial(laplacian.similarity, block.float()).double()

        return lowest(
            laplacian.similarity, start, null, wanted, precondition=polynomial, tolerance=tolerance, told=told
        )
    start = torch.cat([_nystroem(laplacian, wanted + BLOCK, seed), _random(laplacian, GUARD, seed)], 1)
    rough = lowest(
        lambda block: laplacian.similarity(block.float()).double(),
        start,
        null,
        wanted,
        precondition=lambda block: block,
        tolerance=tolerance,
        told=told,
    )
    if float(rough.values[0]) >= SINGLE:
        return rough
    return lowest(
        laplacian.similarity,
        rough.vectors,
        null,
        wanted,
        precondition=lambda block: block,
        tolerance=tolerance,
        told=told,
    )


def _dense(laplacian: Laplacian, wanted: int) -> Lowest:
    unit = torch.eye(laplacian.n, dtype=torch.float64, device=laplacian.root.device)
    matrix = unit - laplacian.similarity(unit)
    null = (laplacian.root / laplacian.root.norm())[:, None]
    # The known vector is moved behind all others, whose eigenvalues are at most 2.
    values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2 + 4 * null * null.T)
    kept = min(wanted + 1, laplacian.n - 1)
    values, vectors = values[:kept].clamp_min(0), vectors[:, :kept]
    return Lowest(values, vectors, (matrix @ vectors - vectors * values).norm(dim=0), 0)


def _scaled(laplacian: Laplacian) -> scipy.sparse.csr_array:
    """S of a sparse graph, without what regularisation adds."""
    assert isinstance(laplacian.graph, SparseGraph)
    weights = laplacian.graph.scipy()
    inverse = laplacian.inverse.cpu().numpy()
    values = weights.data * np.repeat(inverse, np.diff(weights.indptr))
    values *= inverse[weights.indices]
    return scipy.sparse.csr_array((values, weights.indices, weights.indptr), shape=weights.shape)


def _by_scipy(laplacian: Laplacian, wanted: int, solver: str, seed: int, tolerance: float) -> Lowest:
    n = laplacian.n
    device = laplacian.root.device
    null = (laplacian.root / laplacian.root.norm()).cpu().numpy()
    random = np.random.default_rng(seed)

    def shifted(block: np.ndarray) -> np.ndarray:
        """S + 1 without the known vector: its largest eigenvalues are 2 - lambda."""
        columns = torch.from_numpy(np.ascontiguousarray(block.reshape(n, -1))).to(device)
        product: np.ndarray = laplacian.similarity(columns).cpu().numpy() + block.reshape(n, -1)
        product -= 2 * null[:, None] * (null @ block.reshape(n, -1))
        return product

    operator = scipy.sparse.linalg.LinearOperator((n, n), shifted, matmat=shifted, dtype=np.float64)
    kept = min(wanted + 1, n - 2)
    if solver == "arpack" and isinstance(laplacian.graph, SparseGraph) and not laplacian.tau:
        # The eigenvalues next to a shift a little below 0 come first, at the price of a factorisation.
        matrix = (scipy.sparse.eye_array(n) - _scaled(laplacian)).tocsc()
        found, vectors = scipy.sparse.linalg.eigsh(matrix, kept + 1, sigma=-1e-5, v0=random.standard_normal(n))
        # Where the graph nearly falls apart the known vector is mixed with others: their span, without it.
        others = np.linalg.svd((null @ vectors)[None])[2][1:].T
        found, turn = np.linalg.eigh(others.T @ (found[:, None] * others))
        vectors, found = vectors @ (others @ turn), 2 - found
    elif solver == "arpack":
        try:
            found, vectors = scipy.sparse.linalg.eigsh(operator, kept, which="LA", v0=random.standard_normal(n))
        except scipy.sparse.linalg.ArpackNoConvergence as error:
            raise UsageError(f"arpack has not converged for {n:,} points ({error}); take solver auto") from error
    else:
        start = random.standard_normal((n, min(wanted + GUARD, n // 4)))
        start -= null[:, None] * (null @ start)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # its residuals are measured by those who asked for them
            found, vectors = scipy.sparse.linalg.lobpcg(
                operator, start, tol=tolerance * 1e-3, maxiter=500, largest=True
            )
    order = np.argsort(-found)[:kept]
    values = torch.from_numpy((2 - found[order]).clip(0)).to(device)
    columns = torch.from_numpy(np.ascontiguousarray(vectors[:, order])).to(device)
    residual = columns - laplacian.similarity(columns) - columns * values
    return Lowest(values, columns, residual.norm(dim=0), 0)


def _random(laplacian: Laplacian, count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(laplacian.n, count, generator=generator, dtype=torch.float64).to(laplacian.root.device)


def _nystroem(laplacian: Laplacian, count: int, seed: int) -> Tensor:
    """Approximate eigenvectors: those of S C A^-1 C' S, C its columns of some points, A the rows of these in C.

    Williams and Seeger (2001); Fowlkes, Belongie, Chung and Malik (2004). Random where a graph has no such columns.
    """
    graph = laplacian.graph
    if not isinstance(graph, GaussianGraph):
        return _random(laplacian, count, seed)
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(laplacian.n, generator=generator)[: max(LANDMARKS, 4 * count)].to(laplacian.root.device)
    columns = graph.columns(chosen)
    values, vectors = torch.linalg.eigh(columns[chosen].double())
    kept = values > 1e-6 * values[-1]
    factor = (columns * laplacian.inverse[:, None].float()) @ (vectors[:, kept] / values[kept].sqrt()).float()
    sizes, turns = torch.linalg.eigh((factor.T @ factor).double())
    count = min(count, len(sizes))
    start = factor @ turns[:, -count:].flip(1).float()
    return functional.normalize(start.double(), dim=0)


def _polynomial(similarity: Callable[[Tensor], Tensor], block: Tensor) -> Tensor:
    """A Chebyshev polynomial of L that approximates its inverse on the upper part of its eigenvalues, up to 2."""
    lower, upper = 2 / POLYNOMIAL**2, 2.0
    middle, half = (upper + lower) / 2, (upper - lower) / 2
    sigma = middle / half
    rho = 1 / sigma
    step = block / middle
    solution = step.clone()
    left = block - step + similarity(step)
    for _ in range(POLYNOMIAL - 1):
        following = 1 / (2 * sigma - rho)
        step = following * rho * step + (2 * following / half) * left
        solution += step
        left = left - step + similarity(step)
        rho = following
    return solution

"""The smallest eigenpairs of a connected graph, by the solver that is named."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg
import torch
from torch import Tensor
from torch.nn import functional

from lightning_suite.errors import UsageError
from suite_spectral.eigen.filtered import filtered
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.lobpcg import Lowest, allowed_residual, lowest
from suite_spectral.eigen.multilevel import GUARD, multilevel
from suite_spectral.eigen.warm_start import best_start
from suite_spectral.graphs.dense_graph import DenseGraph, GivenGraph
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.graph import Progress, SparseGraph, sparse_rows
from suite_spectral.graphs.products import sparse_product, sparse_recurrence
from suite_spectral.one_thread import threads
from suite_spectral.shares.group import Group

LANDMARKS = 500
"""Points of a Nyström start."""

BLOCK = 8
"""Vectors beyond the wanted ones where a product costs the same for a few vectors more. To these come random ones,
since a Nyström start knows nothing of a point that no landmark is near to."""

SINGLE = 1e-3
"""Smallest wanted eigenvalue for which products in float32, which are right to some 1e-6, are enough."""

DECOMPOSED = 5_000
"""Points of a filled matrix up to which all eigenvalues are computed where the iteration has not ended."""

FEW = 4
"""Times the wanted pairs: of a matrix of so many points LAPACK computes those alone."""

ROUGH = 0.5
"""Tolerance where only the gap behind the wanted eigenvalues is asked for, and these are known."""

ROUGHLY: dict[str, Any] = {"ncv": 8, "tol": 1e-3}
"""What ARPACK takes then: 9 products in place of 21, since it looks first after ``ncv`` of them."""

SHIFT = -1e-5
"""ARPACK factorises L less this: a little below its eigenvalue 0."""

POLYNOMIAL = 20
"""Degree of the preconditioner of the solver chebyshev."""


def told_of(progress: Progress, n: int, solver: str) -> Callable[[int, float], None]:
    """Return what a solver calls with each step and its worst residual, and say that it begins on n points."""
    words = f"eigenvectors of {n:,} points ({solver})"
    progress(words)
    return lambda step, ratio: progress(f"{words}: step {step}, residual {ratio:.1f} times the allowed")


def smallest_of_connected(
    laplacian: Laplacian,
    wanted: int,
    solver: str,
    seed: int,
    tolerance: float,
    progress: Progress,
    warm: Tensor | None = None,
    group: Group | None = None,
) -> Lowest:
    """Return the smallest eigenpairs of a connected graph above the known one of eigenvalue 0.

    One more than is wanted comes back where there are as many points. Those solvers that are written here start from
    ``warm`` (point, vector) too. ``group`` as of ``suite_spectral.eigen.multilevel``.
    """
    n = laplacian.n
    if wanted == 0:
        empty = laplacian.root.new_zeros(0)
        return Lowest(empty, laplacian.root.new_zeros(n, 0), empty, 0)
    report = told_of(progress, n, solver)
    null = laplacian.root / laplacian.root.norm()
    sure = max(1, wanted - 1)  # the last gives the gap alone
    if solver == "dense":
        return _dense(laplacian, wanted)
    if solver == "multilevel":  # on the CPU, wherever the graph is
        root, inverse = laplacian.root.cpu(), laplacian.inverse.cpu()
        return multilevel(
            _scaled(laplacian),
            root,
            wanted,
            accurate=sure,
            added=(laplacian.tau / n) ** 0.5 * inverse if laplacian.tau else None,
            tolerance=tolerance,
            seed=seed,
            warm=None if warm is None else warm.cpu(),
            group=group if null.device.type == "cpu" else None,  # NCCL exchanges nothing that is on the CPU
            report=report,
        ).to(null.device)
    if solver in ("arpack", "lobpcg"):
        return _by_scipy(laplacian, wanted, solver, seed, tolerance)
    if solver == "filtered":
        spare = BLOCK + wanted // 16
        drawn = torch.randn(n, wanted + spare, generator=torch.Generator().manual_seed(seed)).to(null.device)
        products = single_products(laplacian)
        return filtered(*products, drawn, null, wanted, accurate=sure, tolerance=tolerance, report=report)
    if solver == "chebyshev":
        start = _random(laplacian, wanted + GUARD + 1, seed)
        if warm is not None:
            start = best_start(laplacian.similarity, torch.cat([warm, start], 1), null, start.shape[1])

        def polynomial(block: Tensor) -> Tensor:
            return _polynomial(laplacian.similarity, block.float()).double()

        return lowest(
            laplacian.similarity, start, null, wanted, precondition=polynomial, tolerance=tolerance, report=report
        )
    start = torch.cat([_nystroem(laplacian, wanted + BLOCK, seed), _random(laplacian, GUARD, seed)], 1)
    if warm is not None:
        start = best_start(laplacian.similarity, torch.cat([warm, start], 1), null, start.shape[1])
    rough = lowest(
        lambda block: laplacian.similarity(block.float()).double(),
        start,
        null,
        wanted,
        precondition=lambda block: block,
        tolerance=tolerance,
        report=report,
    )
    pairs = rough
    if float(rough.values[0]) < SINGLE:
        pairs = lowest(
            laplacian.similarity,
            rough.vectors,
            null,
            wanted,
            precondition=lambda block: block,
            tolerance=tolerance,
            report=report,
        )
    if isinstance(laplacian.graph, DenseGraph) and n <= DECOMPOSED:
        allowed = allowed_residual(pairs.values, wanted, tolerance)
        if bool((pairs.residuals[:wanted] > allowed).any()):  # as of a path, whose weights have no coarser level here
            return _dense(laplacian, wanted)
    return pairs


@threads(1)  # more would change the last bits and signs
def _dense(laplacian: Laplacian, wanted: int) -> Lowest:
    unit = torch.eye(laplacian.n, dtype=torch.float64, device=laplacian.root.device)
    matrix = unit - laplacian.similarity(unit)
    null = (laplacian.root / laplacian.root.norm())[:, None]
    # The known vector is moved behind all others, whose eigenvalues are at most 2.
    moved = (matrix + matrix.T) / 2 + 4 * null * null.T
    kept = min(wanted + 1, laplacian.n - 1)
    if moved.device.type == "cpu" and FEW * kept <= laplacian.n:
        some = scipy.linalg.eigh(moved.numpy(), subset_by_index=(0, kept - 1), check_finite=False)
        values, vectors = (torch.from_numpy(each) for each in some)
    else:
        values, vectors = (each[..., :kept] for each in torch.linalg.eigh(moved))
    values = values.clamp_min(0)
    return Lowest(values, vectors, (matrix @ vectors - vectors * values).norm(dim=0), 0)


def _inverse(similarity: scipy.sparse.csr_array, shift: float) -> scipy.sparse.linalg.LinearOperator:
    """Return the inverse of I - S - shift, which is symmetric, and positive then.

    So no pivots are sought, and the order keeps the symmetry, which fills up less than scipy's own.
    """
    moved = (1 - shift) * scipy.sparse.eye_array(similarity.shape[0], format="csr") - similarity
    factors = scipy.sparse.linalg.splu(
        moved.T,  # its rows as columns: what SuperLU takes, without a conversion
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return scipy.sparse.linalg.LinearOperator(moved.shape, factors.solve, dtype=np.float64)


def _scaled(laplacian: Laplacian) -> scipy.sparse.csr_array:
    """Return S of a sparse graph, without what regularisation adds."""
    assert isinstance(laplacian.graph, GivenGraph)
    weights = laplacian.graph.scipy()
    inverse = laplacian.inverse.cpu().numpy()
    values = weights.data * np.repeat(inverse, np.diff(weights.indptr))
    values *= inverse[weights.indices]
    return scipy.sparse.csr_array((values, weights.indices, weights.indptr), shape=weights.shape)


def single_products(
    laplacian: Laplacian,
) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor, float, float, float], Tensor]]:
    """Return S times a block in float32, and the step of a recurrence by it; of stored edges S is scaled once."""
    if isinstance(laplacian.graph, SparseGraph) and not laplacian.tau:
        matrix = sparse_rows(_scaled(laplacian), torch.float32).to(laplacian.root.device)
        return partial(sparse_product, matrix), partial(sparse_recurrence, matrix)

    def recurrence(block: Tensor, before: Tensor, product: float, own: float, kept: float) -> Tensor:
        return before.mul_(kept).add_(block, alpha=own).add_(laplacian.similarity(block), alpha=product)

    return laplacian.similarity, recurrence


def _by_scipy(laplacian: Laplacian, wanted: int, solver: str, seed: int, tolerance: float) -> Lowest:
    n = laplacian.n
    device = laplacian.root.device
    null = (laplacian.root / laplacian.root.norm()).cpu().numpy()
    random = np.random.default_rng(seed)

    def shifted(block: np.ndarray) -> np.ndarray:
        """Return S + 1 without the known vector times a block; its largest eigenvalues are 2 - lambda."""
        columns = torch.from_numpy(np.ascontiguousarray(block.reshape(n, -1))).to(device)
        product: np.ndarray = laplacian.similarity(columns).cpu().numpy() + block.reshape(n, -1)
        product -= 2 * null[:, None] * (null @ block.reshape(n, -1))
        return product

    operator = scipy.sparse.linalg.LinearOperator((n, n), shifted, matmat=shifted, dtype=np.float64)
    kept = min(wanted + 1, n - 2)
    if solver == "arpack" and isinstance(laplacian.graph, SparseGraph) and not laplacian.tau:
        # The eigenvalues next to a shift a little below 0 come first, at the price of a factorisation.
        inverse = _inverse(_scaled(laplacian), SHIFT)  # of L itself eigsh asks for nothing but the shape
        some = ROUGHLY if tolerance >= ROUGH and kept + 1 <= ROUGHLY["ncv"] // 2 else {}
        found, vectors = scipy.sparse.linalg.eigsh(
            inverse, kept + 1, sigma=SHIFT, OPinv=inverse, v0=random.standard_normal(n), **some
        )
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
    """Return the eigenvectors of S C A^-1 C' S, where C is some columns of W and A the rows of C for the same points.

    Williams and Seeger (2001); Fowlkes, Belongie, Chung and Malik (2004). Random where a graph has no such columns.
    """
    graph = laplacian.graph
    if not isinstance(graph, GaussianGraph | DenseGraph):
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
    """Return a Chebyshev polynomial of L times a block, near the inverse of L for its upper eigenvalues, up to 2."""
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

"""The smallest eigenvalues of a graph whose rows several processes hold, component by component.

As ``suite_spectral.eigen.spectrum``, without regularisation. The points of a component go into shares of their own, so
that every process has as many of them; a small component is solved by process 0.
"""

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from suite_spectral.eigen.finest import Problem, Report, joined
from suite_spectral.eigen.hierarchy import Wanted
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.lobpcg import Lowest
from suite_spectral.eigen.multilevel import GUARD, ORDERED
from suite_spectral.eigen.solvers import ROUGH, smallest_of_connected, told_of
from suite_spectral.eigen.spectrum import TOLERANCE, Spectrum, chosen_solver, excess_of, warn_of_excess
from suite_spectral.graphs.graph import Progress, SparseGraph
from suite_spectral.graphs.shared_graph import SharedGraph
from suite_spectral.settings import Solver
from suite_spectral.shares.moving import Moved
from suite_spectral.shares.share import Share


def spectrum_by_rows(
    graph: SharedGraph,
    components: Tensor,
    count: int,
    *,
    solver: Solver = "auto",
    seed: int = 0,
    tolerance: float = TOLERANCE,
    progress: Progress = lambda words: None,
) -> Spectrum:
    """Return the ``count`` smallest eigenpairs of L and the next one, of the vectors the rows here.

    Every process calls this at once.

    Args:
        graph: the rows here.
        components: (point here,) by ``SharedGraph.components``.
        count: how many have to be accurate.
        solver: auto or multilevel, of components that have few points.
        seed: of whatever is random in it.
        tolerance: as of ``suite_spectral.eigen.spectrum.spectrum``.
        progress: is called with words for what is being done.

    Warns:
        RuntimeWarning: in process 0, as of ``suite_spectral.eigen.spectrum.spectrum``.
    """
    share, group = graph.share, graph.share.group
    number = max(group.gathered(int(components.max()) if len(components) else 0)) + 1
    root = graph.degrees().sqrt()
    inverse = torch.where(root > 0, 1 / root, 0.0)
    values, residuals, columns = [], [], []
    used, worst, steps = "none", (0.0, "none", tolerance), 0
    for part in range(min(number, count + 1)):
        inside = (components == part).numpy()
        sizes = group.gathered(int(inside.sum()))
        places = np.where(inside, np.cumsum(inside) - 1 + sum(sizes[: group.rank]), -1)
        target = Share.of(group, sum(sizes))
        moved = Moved(share, places, target)
        own = moved.rows(root)
        length = float(target.total(lambda rows: own[rows].square().sum()).sqrt())  # noqa: B023  # called at once
        null = own / length if target.n > 1 else torch.ones_like(own)  # a single point may have no degree
        values.append(null.new_zeros(1))
        residuals.append(null.new_zeros(1))
        columns.append(moved.back(null[:, None]))
        left = count + 1 - number  # so many can there be above 0
        if left <= 0 or target.n == 1:
            continue
        wanted, within = min(left, target.n - 1), tolerance if left > 1 else max(tolerance, ROUGH)
        way = "multilevel"
        if target.n >= ORDERED:
            sure = max(1, wanted - 1)  # the last gives the gap alone
            asked = Wanted(wanted + GUARD, sure, seed)
            problem = Problem(moved.matrix(graph.rows.scaled(inverse)), null, None, None, asked, within, by_gap=True)
            lowest = _in_shares(problem, target, told_of(progress, target.n, way))
            del problem
        else:
            lowest, way = _by_first(moved.matrix(graph.rows), target, wanted, solver, seed, within, progress)
        used = way if part == 0 else used
        steps = max(steps, lowest.steps)
        worst = max(worst, (excess_of(lowest, wanted, within), way, within))
        values.append(lowest.values)
        residuals.append(lowest.residuals)
        columns.append(moved.back(lowest.vectors))
    if group.rank == 0:
        warn_of_excess(*worst)
    every, vectors = torch.cat(values), torch.cat(columns, 1)
    kept = torch.argsort(every, stable=True)[: count + 1]
    return Spectrum(every[kept], vectors[:, kept], torch.cat(residuals)[kept], components, used, steps=steps)


def _in_shares(problem: Problem, target: Share, report: Report) -> Lowest:
    """Return what all processes find with their rows of a component's matrix, of the vectors the rows here."""
    lowest = problem.solved(target, report)
    if lowest is not None:
        return lowest
    parts = target.group.first_hears(problem)  # there is no coarser level: process 0 solves it

    def compute() -> Lowest:
        assert parts is not None
        pairs = joined(parts).solved(Share.alone(target.n), report)
        assert pairs is not None
        return pairs

    lowest = target.group.first_says(compute)
    return lowest._replace(vectors=lowest.vectors[target.rows])


def _by_first(
    weights: scipy.sparse.csr_array,
    target: Share,
    wanted: int,
    solver: Solver,
    seed: int,
    tolerance: float,
    progress: Progress,
) -> tuple[Lowest, str]:
    """Return what process 0 finds with all rows of a component's graph, of the vectors the rows here."""
    parts = target.group.first_hears(weights)

    def compute() -> tuple[Lowest, str]:
        assert parts is not None
        inside = Laplacian(SparseGraph.from_scipy(scipy.sparse.vstack(parts, format="csr")))
        way = chosen_solver(solver, inside, wanted)
        return smallest_of_connected(inside, wanted, way, seed, tolerance, progress), way

    lowest, way = target.group.first_says(compute)
    return lowest._replace(vectors=lowest.vectors[target.rows]), way

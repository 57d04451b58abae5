"""What every route ends in: clusters, what labels new points, and a summary in one line."""

import math
from typing import NamedTuple

from suite_spectral.clusters.by_eigenvectors import Clustering
from suite_spectral.graphs.graph import Graph
from suite_spectral.new_points.fitted import Fitted


class Solution(NamedTuple):
    """Clusters, and what labels new points.

    Attributes:
        fitted: what labels new points.
        clustering: labels, spectrum and measures.
        graph: what was clustered.
        line: graph, solver, components and choices in one line.
    """

    fitted: Fitted
    clustering: Clustering
    graph: Graph
    line: str


def line_of(graph: str, clustering: Clustering, n: int | None = None, loose: int | None = None) -> str:
    """Return a summary in one line: graph, solver, components and clusters.

    Args:
        graph: the graph in words.
        clustering: of it.
        n: how many points there are; None: those of the clustering.
        loose: how many of them are in loose components; None: by the clustering.
    """
    count, n = clustering.n_components, len(clustering.labels) if n is None else n
    parts = "1 component" if count == 1 else f"{count} components, clustered one by one"
    if clustering.core is not None:
        loose = n - len(clustering.core) if loose is None else loose
        parts += f", {loose:,} points in loose ones joined afterwards"
    bound = "" if math.isnan(clustering.lower_bound) else f", not below {clustering.lower_bound:.4g}"
    return (
        f"{n:,} points; graph: {graph}; {parts}; solver: {clustering.spectrum.solver}; "
        f"{clustering.n_clusters} clusters, Ncut {clustering.ncut:.4g}{bound}"
    )


class Told(NamedTuple):
    """What every process is told of a solution.

    Attributes:
        fitted: what labels new points.
        values: what is logged.
        line: a summary.
    """

    fitted: Fitted
    values: dict[str, float]
    line: str

    @classmethod
    def of(cls, solution: Solution) -> "Told":
        """Return what is told of a solution."""
        clustering = solution.clustering
        values = {
            "train_ncut": clustering.ncut,
            "train_lower_bound": clustering.lower_bound,
            "train_eigengap": clustering.eigengap,
            "train_components": clustering.n_components,
            "train_steps": clustering.spectrum.steps,
            "n_clusters": solution.fitted.n_clusters,
        }
        return cls(solution.fitted, values, solution.line)

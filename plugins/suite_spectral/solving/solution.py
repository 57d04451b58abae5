"""What every route ends in: clusters, what labels new points, and a summary in one line."""

import math
from typing import NamedTuple

from suite_spectral.clusters.clustering import Clustering
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


def line_of(graph: str, clustering: Clustering) -> str:
    """Return a summary in one line: graph, solver, components and clusters."""
    count = clustering.n_components
    parts = "1 component" if count == 1 else f"{count} components, clustered one by one"
    if clustering.core is not None:
        parts += f", {len(clustering.labels) - len(clustering.core):,} points in loose ones joined afterwards"
    bound = "" if math.isnan(clustering.lower_bound) else f", not below {clustering.lower_bound:.4g}"
    return (
        f"{len(clustering.labels):,} points; graph: {graph}; {parts}; solver: {clustering.spectrum.solver}; "
        f"{clustering.n_clusters} clusters, Ncut {clustering.ncut:.4g}{bound}"
    )

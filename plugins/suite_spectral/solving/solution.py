"""What every route ends in: clusters, what labels new points, and a line that says how they were found."""

import math
from typing import NamedTuple

from suite_spectral.clusters.clustering import Clustering
from suite_spectral.graphs.graph import Graph
from suite_spectral.new_points.fitted import Fitted
from suite_spectral.solving.building import Built


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


def line_of(built: Built, found: Clustering) -> str:
    """Graph, solver, components and clusters in one line."""
    parts = "1 component" if found.n_components == 1 else f"{found.n_components} components, clustered one by one"
    bound = "" if math.isnan(found.lower_bound) else f", not below {found.lower_bound:.4g}"
    return (
        f"{len(found.labels):,} points; graph: {built.line}; {parts}; solver: {found.spectrum.solver}; "
        f"{found.n_clusters} clusters, Ncut {found.ncut:.4g}{bound}"
    )

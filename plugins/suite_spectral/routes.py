"""From points, texts' features or a given graph to clusters: exactly, by landmarks, or the better of the two.

Landmarks are much cheaper where points are very many, and what they lose cannot be known beforehand. Where the graph
of all points can be had, its normalised cut says which of the two answers is the better one.
"""

from dataclasses import replace

from torch import Tensor

from suite_spectral.building import count_of
from suite_spectral.eigen import Progress
from suite_spectral.exact_route import solve_exactly
from suite_spectral.graph import SparseGraph
from suite_spectral.landmark_route import solve_by_landmarks
from suite_spectral.settings import Settings, refuse_impossible
from suite_spectral.solution import Solution

ROUNDING = 1e-9
"""Cuts that differ by this share are of the same clusters, whose sums were taken in another order."""


def solve(
    content: Tensor | SparseGraph, settings: Settings, *, seed: int = 0, progress: Progress = lambda words: None
) -> Solution:
    """Clusters points, features or a graph.

    Args:
        content: (point, dim) points; for cosine rows of unit length, dense or sparse_csr; for precomputed a graph;
            for pixels (pixel, 2 + channel), row, column and channels of every pixel of an image.
        settings: how.
        seed: of all that is drawn.
        progress: told what is being done.

    Raises:
        UsageError: a setting that does not fit the content.
    """
    refuse_impossible(settings, count_of(content))
    if settings.route == "landmarks":
        return solve_by_landmarks(content, settings, seed=seed, progress=progress)
    exact = solve_exactly(content, settings, seed=seed, progress=progress)
    if settings.route == "exact":
        return exact
    # Cuts into different numbers of clusters cannot be compared, so the second answer does not choose its own.
    same = replace(settings, n_clusters=exact.clustering.n_clusters)
    return better(exact, solve_by_landmarks(content, same, beside=exact, seed=seed, progress=progress))


def better(exact: Solution, by_landmarks: Solution) -> Solution:
    """Of two answers on one graph that of the lower normalised cut, with both numbers in its line."""
    cuts = exact.clustering.ncut, by_landmarks.clustering.ncut
    # An empty cluster costs nothing, and is none.
    complete = bool(by_landmarks.clustering.labels.bincount(minlength=exact.clustering.n_clusters).min() > 0)
    lower = complete and cuts[1] < cuts[0] * (1 - ROUNDING)
    kept, name = (by_landmarks, "by landmarks") if lower else (exact, "the exact one")
    fewer = "" if complete else ", which leave a cluster empty"
    return kept._replace(
        line=f"{kept.line}; Ncut {cuts[0]:.6g} exactly, {cuts[1]:.6g} by landmarks{fewer}: kept {name}"
    )

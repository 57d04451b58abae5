"""More eigenvalues of a graph than its clustering needed."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from suite_spectral.graph_spectrum import graph_spectrum, plane_of_rows
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.settings import Settings


def silent(words: str) -> None:
    pass


def test_points_and_their_graph_have_the_same_eigenvalues(
    arcs: Callable[..., Any], settings: Callable[..., Settings]
) -> None:
    points, _ = arcs(60)
    graph, root, spectrum = graph_spectrum(points, settings(), 6, seed=0, progress=silent)
    assert isinstance(graph, SparseGraph)
    again = graph_spectrum(graph, settings(affinity="precomputed"), 6, seed=0, progress=silent)[2]
    assert len(root) == 60
    torch.testing.assert_close(spectrum.values, again.values)


def test_no_more_eigenvalues_are_asked_for_than_there_are(
    arcs: Callable[..., Any], settings: Callable[..., Settings]
) -> None:
    points, _ = arcs(12)
    assert len(graph_spectrum(points, settings(), 50, seed=0, progress=silent)[2].values) == 12


@pytest.mark.parametrize(("clusters", "said"), [(2, "eigenvector 2"), (3, "principal component 1 of the rows of 3")])
def test_the_plane_of_the_rows_is_named(
    clusters: int, said: str, arcs: Callable[..., Any], settings: Callable[..., Settings]
) -> None:
    points, _ = arcs(60)
    _, root, spectrum = graph_spectrum(points, settings(), 4, seed=0, progress=silent)
    places, names = plane_of_rows(spectrum, root, clusters)
    assert places.shape == (60, 2)
    assert names[0].startswith(said)

from collections.abc import Callable

from torch import Tensor

from suite_spectral.settings import Settings
from suite_spectral.solving.routes import solve

MakeSettings = Callable[..., Settings]
Points = Callable[..., tuple[Tensor, Tensor]]


def test_the_line_says_what_was_done(settings: MakeSettings, arcs: Points) -> None:
    points, _ = arcs(100)
    line = solve(points, settings()).line
    assert "100 points; graph: 8 nearest neighbours (tree), connectivity" in line
    assert "2 clusters, Ncut" in line


def test_the_line_counts_the_components(settings: MakeSettings, arcs: Points) -> None:
    points, _ = arcs(60)
    points[::2] += 100
    assert "2 components, clustered one by one" in solve(points, settings()).line


def test_the_line_of_a_regularised_graph_names_no_bound(settings: MakeSettings, arcs: Points) -> None:
    assert "not below" not in solve(arcs(60)[0], settings(regularisation=0.1)).line

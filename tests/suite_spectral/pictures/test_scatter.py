"""Pictures of points by cluster."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from lightning_suite.pictures import COLOURS
from suite_spectral.pictures.scatter import plane, scatter, write_embedding, write_points

pytest.importorskip("matplotlib", reason="matplotlib, of the extra 'spectral', is not installed")

Rows = Callable[[Path], list[dict[str, str]]]
PNG = b"\x89PNG"


@pytest.mark.parametrize("clusters", [2, 20])
def test_an_embedding_has_a_row_a_point(tmp_path: Path, clusters: int, rows_of: Rows) -> None:
    places = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    write_embedding(tmp_path / "m.png", places, torch.arange(100) % clusters, ("one", "two"))
    found = rows_of(tmp_path / "m.csv")
    assert [int(row["cluster"]) for row in found] == [point % clusters for point in range(100)]
    assert (tmp_path / "m.png").read_bytes().startswith(PNG)


def test_points_of_two_dims_are_drawn_where_they_are(tmp_path: Path, rows_of: Rows) -> None:
    write_points(tmp_path / "points.png", torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1, 0]))
    assert rows_of(tmp_path / "points.csv")[1] == {"point": "1", "x": "3.0", "y": "4.0", "cluster": "0"}


def test_points_of_more_dims_are_drawn_by_their_widest_directions() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(200, 3, generator=generator) * torch.tensor([0.1, 5.0, 1.0])
    places = plane(points)
    assert torch.allclose(places[:, 0], (points[:, 1] - points[:, 1].mean()).double(), atol=0.3)
    assert places[:, 0].std() > places[:, 1].std()


def test_one_dim_is_drawn_on_a_line() -> None:
    assert plane(torch.tensor([[2.0], [3.0]])).tolist() == [[2.0, 0.0], [3.0, 0.0]]


def test_the_ninth_cluster_has_the_colour_of_the_first_and_another_mark() -> None:
    axis = Figure().subplots()
    scatter(axis, torch.zeros(2, 2), torch.tensor([0, 8]))
    first, ninth = axis.collections
    assert to_hex(first.get_facecolor()[0]) == to_hex(ninth.get_facecolor()[0]) == COLOURS[0]
    assert first.get_paths()[0].vertices.shape != ninth.get_paths()[0].vertices.shape


def test_the_clusters_of_the_points_are_named_beside_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named: list[str] = []
    monkeypatch.setattr(
        "suite_spectral.pictures.scatter.scatter", lambda *given: (named.extend(given[3]), scatter(*given))
    )
    write_points(tmp_path / "points.png", torch.zeros(3, 2), torch.tensor([1, 0, 1]))
    assert named == ["0: 1 points", "1: 2 points"]

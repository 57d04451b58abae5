import csv
from pathlib import Path

import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from suite_spectral.plots import COLOURS, plane, scatter, write_points, write_spectrum


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_spectrum_is_drawn_and_written_with_its_gap(tmp_path: Path) -> None:
    write_spectrum(tmp_path / "spectrum.png", torch.tensor([0.0, 0.25, 0.75]), 2)
    rows = table(tmp_path / "spectrum.csv")
    assert (tmp_path / "spectrum.png").stat().st_size > 0
    assert [row["gap_to_next"] for row in rows] == ["0.25", "0.5", ""]
    assert [row["used"] for row in rows] == ["1", "1", "0"]


def test_points_of_two_dims_are_drawn_where_they_are(tmp_path: Path) -> None:
    write_points(tmp_path / "points.png", torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1, 0]))
    assert table(tmp_path / "points.csv")[1] == {"point": "1", "x": "3.0", "y": "4.0", "cluster": "0"}


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
    monkeypatch.setattr("suite_spectral.plots.scatter", lambda *given: (named.extend(given[3]), scatter(*given)))
    write_points(tmp_path / "points.png", torch.zeros(3, 2), torch.tensor([1, 0, 1]))
    assert named == ["0: 1 points", "1: 2 points"]

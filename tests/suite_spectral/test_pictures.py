import csv
from pathlib import Path

import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from suite_spectral.comparing import Answer, Comparison, PointSet, TwoCuts
from suite_spectral.pictures import (
    COLOURS,
    SHOWN,
    plane,
    scatter,
    write_comparison,
    write_cuts,
    write_eigenvalues,
    write_embedding,
    write_points,
    write_segments,
    write_spectrum,
)
from suite_spectral.segments import segments_of

pytest.importorskip("matplotlib", reason="matplotlib, of the extra 'spectral', is not installed")

PNG = b"\x89PNG"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def compared(count: int, labels: bool, dims: int = 2) -> Comparison:
    points = torch.randn(count, dims, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    halves = torch.arange(count) % 2
    score = 0.5 if labels else None
    answers = [Answer(method, halves, score, score, 0.25, 0.01) for method in ("k-means", "spectral")]
    return Comparison(PointSet("some", points, halves if labels else None), 2, answers[0], answers[1], "a line")


def test_a_comparison_has_a_row_a_method(tmp_path: Path) -> None:
    write_comparison(tmp_path / "a.png", [compared(20, True), compared(30, True, 5)])
    found = rows(tmp_path / "a.csv")
    assert [row["method"] for row in found] == ["k-means", "spectral"] * 2
    assert [row["points"] for row in found] == ["20", "20", "30", "30"]
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)


def test_points_are_written_with_all_their_labels(tmp_path: Path) -> None:
    write_comparison(tmp_path / "a.png", [compared(20, True)])
    found = rows(tmp_path / "a-points.csv")
    assert [(row["given"], row["k-means"], row["spectral"]) for row in found[:2]] == [("0", "0", "0"), ("1", "1", "1")]


def test_without_labels_the_given_ones_are_empty(tmp_path: Path) -> None:
    write_comparison(tmp_path / "a.png", [compared(20, False)])
    assert {row["given"] for row in rows(tmp_path / "a-points.csv")} == {""}
    assert {row["ari"] for row in rows(tmp_path / "a.csv")} == {""}


def test_sets_with_and_without_labels_make_one_picture(tmp_path: Path) -> None:
    write_comparison(tmp_path / "a.png", [compared(20, False), compared(20, True)])
    assert len(rows(tmp_path / "a-points.csv")) == 40


def test_of_many_points_some_are_shown(tmp_path: Path) -> None:
    write_comparison(tmp_path / "a.png", [compared(SHOWN + 100, False)])
    found = rows(tmp_path / "a-points.csv")
    assert len(found) == SHOWN
    assert found[-1]["point"] == f"{SHOWN + 99}"


def test_sparse_points_are_drawn(tmp_path: Path) -> None:
    dense = compared(20, False, 5)
    given = dense.given._replace(points=dense.given.points.to_sparse_csr())
    write_comparison(tmp_path / "a.png", [dense._replace(given=given)])
    write_comparison(tmp_path / "b.png", [dense])
    assert (tmp_path / "a-points.csv").read_text() == (tmp_path / "b-points.csv").read_text()


def test_both_cuts_are_written_for_every_point(tmp_path: Path) -> None:
    given = compared(20, True).given
    alone = torch.zeros(20, dtype=torch.int64)
    alone[3] = 1
    assert given.labels is not None
    write_cuts(tmp_path / "c.png", TwoCuts(given, alone, given.labels, (1.0, 2.0), (1.0, 0.1)))
    found = rows(tmp_path / "c.csv")
    assert [row["minimum_cut"] for row in found].index("1") == 3
    assert sum(row["normalised_cut"] == "1" for row in found) == 10
    assert (tmp_path / "c.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize("channels", [1, 3])
def test_segments_are_drawn_with_their_numbers(tmp_path: Path, channels: int) -> None:
    image = torch.full((20, 30, channels), 0.5)
    labels = torch.zeros(20, 30, dtype=torch.int64)
    labels[:, 20:] = 1
    write_segments(tmp_path / "s.png", image, labels, segments_of(image, labels))
    found = rows(tmp_path / "s.csv")
    assert [row["pixels"] for row in found] == ["400", "200"]
    assert [float(row["blue"]) for row in found] == pytest.approx([0.5, 0.5])
    assert (tmp_path / "s.png").read_bytes().startswith(PNG)


def test_eigenvalues_are_written_with_their_gaps_and_sums(tmp_path: Path) -> None:
    values = torch.tensor([0.0, 0.1, 0.4, 0.5], dtype=torch.float64)
    write_eigenvalues(tmp_path / "e.png", values, 3, 2)
    found = rows(tmp_path / "e.csv")
    assert [float(row["gap_to_next"]) for row in found[:-1]] == pytest.approx([0.1, 0.3, 0.1])
    assert [float(row["relative_gap"]) for row in found[:-1]] == pytest.approx([1, 0.75, 0.2])
    assert float(found[-1]["sum"]) == pytest.approx(1.0)
    assert (tmp_path / "e.png").read_bytes().startswith(PNG)


def test_as_many_eigenvalues_as_clusters_can_be_drawn(tmp_path: Path) -> None:
    values = torch.tensor([0.0, 0.0, 0.4], dtype=torch.float64)
    write_eigenvalues(tmp_path / "e.png", values, 3, 2)
    assert (tmp_path / "e.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize("clusters", [2, 20])
def test_an_embedding_has_a_row_a_point(tmp_path: Path, clusters: int) -> None:
    places = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    write_embedding(tmp_path / "m.png", places, torch.arange(100) % clusters, ("one", "two"))
    found = rows(tmp_path / "m.csv")
    assert [int(row["cluster"]) for row in found] == [point % clusters for point in range(100)]
    assert (tmp_path / "m.png").read_bytes().startswith(PNG)


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
    monkeypatch.setattr("suite_spectral.pictures.scatter", lambda *given: (named.extend(given[3]), scatter(*given)))
    write_points(tmp_path / "points.png", torch.zeros(3, 2), torch.tensor([1, 0, 1]))
    assert named == ["0: 1 points", "1: 2 points"]

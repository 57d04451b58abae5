"""Pictures of two methods, and of two cuts."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from suite_spectral.comparing import Answer, Comparison, TwoCuts
from suite_spectral.pictures.comparison import write_comparison, write_cuts
from suite_spectral.pictures.scatter import SHOWN
from suite_spectral.point_sets import PointSet

pytest.importorskip("matplotlib", reason="matplotlib, of the extra 'spectral', is not installed")

Rows = Callable[[Path], list[dict[str, str]]]
PNG = b"\x89PNG"


def compared(count: int, labels: bool, dims: int = 2) -> Comparison:
    points = torch.randn(count, dims, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    halves = torch.arange(count) % 2
    score = 0.5 if labels else None
    answers = [Answer(method, halves, score, score, 0.25, 0.01) for method in ("k-means", "spectral")]
    return Comparison(PointSet("some", points, halves if labels else None), 2, answers[0], answers[1], "a line")


def test_a_comparison_has_a_row_a_method(tmp_path: Path, rows_of: Rows) -> None:
    write_comparison(tmp_path / "a.png", [compared(20, True), compared(30, True, 5)])
    found = rows_of(tmp_path / "a.csv")
    assert [row["method"] for row in found] == ["k-means", "spectral"] * 2
    assert [row["points"] for row in found] == ["20", "20", "30", "30"]
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)


def test_points_are_written_with_all_their_labels(tmp_path: Path, rows_of: Rows) -> None:
    write_comparison(tmp_path / "a.png", [compared(20, True)])
    found = rows_of(tmp_path / "a-points.csv")
    assert [(row["given"], row["k-means"], row["spectral"]) for row in found[:2]] == [("0", "0", "0"), ("1", "1", "1")]


def test_without_labels_the_given_ones_are_empty(tmp_path: Path, rows_of: Rows) -> None:
    write_comparison(tmp_path / "a.png", [compared(20, False)])
    assert {row["given"] for row in rows_of(tmp_path / "a-points.csv")} == {""}
    assert {row["ari"] for row in rows_of(tmp_path / "a.csv")} == {""}


def test_sets_with_and_without_labels_make_one_picture(tmp_path: Path, rows_of: Rows) -> None:
    write_comparison(tmp_path / "a.png", [compared(20, False), compared(20, True)])
    assert len(rows_of(tmp_path / "a-points.csv")) == 40


def test_of_many_points_some_are_shown(tmp_path: Path, rows_of: Rows) -> None:
    write_comparison(tmp_path / "a.png", [compared(SHOWN + 100, False)])
    found = rows_of(tmp_path / "a-points.csv")
    assert len(found) == SHOWN
    assert found[-1]["point"] == f"{SHOWN + 99}"


def test_sparse_points_are_drawn(tmp_path: Path) -> None:
    dense = compared(20, False, 5)
    given = dense.point_set._replace(points=dense.point_set.points.to_sparse_csr())
    write_comparison(tmp_path / "a.png", [dense._replace(point_set=given)])
    write_comparison(tmp_path / "b.png", [dense])
    assert (tmp_path / "a-points.csv").read_text() == (tmp_path / "b-points.csv").read_text()


def test_both_cuts_are_written_for_every_point(tmp_path: Path, rows_of: Rows) -> None:
    given = compared(20, True).point_set
    alone = torch.zeros(20, dtype=torch.int64)
    alone[3] = 1
    assert given.labels is not None
    write_cuts(tmp_path / "c.png", TwoCuts(given, alone, given.labels, (1.0, 2.0), (1.0, 0.1)))
    found = rows_of(tmp_path / "c.csv")
    assert [row["minimum_cut"] for row in found].index("1") == 3
    assert sum(row["normalised_cut"] == "1" for row in found) == 10
    assert (tmp_path / "c.png").read_bytes().startswith(PNG)

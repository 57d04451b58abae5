import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lightning_suite.errors import DataError, UsageError
from lightning_suite.options import Settings
from lightning_suite.run import Run
from lightning_suite.training import fit
from suite_spectral import plugin, studies
from suite_spectral.module import SpectralClusterer
from suite_spectral.sources.samples import sample

pytest.importorskip("matplotlib", reason="matplotlib, of the extra 'spectral', is not installed")

Rows = Callable[[Path], list[dict[str, str]]]
PNG = b"\x89PNG"
TRAINER = {"max_epochs": 1, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}


def fitted(root: Path, model: Mapping[str, Any], data: Mapping[str, Any]) -> Run:
    settings = Settings(plugin="spectral", monitor="val_ncut", model=dict(model), data=dict(data), trainer=TRAINER)
    return fit(plugin, settings, root=root)[0]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fitted(tmp_path_factory.mktemp("runs"), {"n_clusters": 2}, {"name": "moons", "samples": 200})


@pytest.fixture
def points(tmp_path: Path) -> Path:
    found = sample("moons", 120, 0.04, 0)
    path = tmp_path / "moons.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["x", "y", "kind"])
        writer.writerows([*point, f"moon {label}"] for point, label in zip(found.points, found.labels, strict=True))
    return path


# suite compare


def test_the_own_sets_are_compared_in_a_table_and_two_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows_of: Rows
) -> None:
    studies.compare(samples=60, output=str(tmp_path / "out"))
    said = capsys.readouterr().out
    for name in ("moons", "stretched blobs", "digits", "breast_cancer (scaled)"):
        assert name in said
    assert "the minimum cut separates 1 of them" in said
    assert len(rows_of(tmp_path / "out" / "comparison.csv")) == 16
    for name in ("comparison.png", "cuts.png"):
        assert (tmp_path / "out" / name).read_bytes().startswith(PNG)


def test_a_file_is_clustered_into_as_many_clusters_as_it_has_classes(
    points: Path, tmp_path: Path, rows_of: Rows
) -> None:
    studies.compare(path=str(points), label_column="kind", output=str(tmp_path / "out"))
    found = {row["method"]: row for row in rows_of(tmp_path / "out" / "comparison.csv")}
    assert found["spectral"]["clusters"] == "2"
    assert float(found["spectral"]["ari"]) == pytest.approx(1)
    assert float(found["k-means"]["ari"]) < 0.5


def test_a_file_without_labels_is_compared_by_its_cut(
    points: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    studies.compare(path=str(points), columns=["x", "y"], n_clusters=2, output=str(tmp_path / "out"))
    assert "cuts less of the graph than k-means" in capsys.readouterr().out


def test_texts_are_compared_by_their_words(tmp_path: Path, rows_of: Rows) -> None:
    path = tmp_path / "news.txt"
    path.write_text(
        "goal match team\n" * 6 + "team match coach\n" * 6 + "stock market bank\n" * 6 + "bank stock money\n" * 6
    )
    studies.compare(path=str(path), n_clusters=2, output=str(tmp_path / "out"))
    found = rows_of(tmp_path / "out" / "comparison-points.csv")
    assert len({row["spectral"] for row in found[:12]}) == 1
    assert found[0]["spectral"] != found[-1]["spectral"]


def test_a_graph_has_nothing_for_k_means(tmp_path: Path) -> None:
    path = tmp_path / "ring.edges"
    path.write_text("0 1\n1 2\n2 3\n3 0\n")
    with pytest.raises(UsageError, match="holds a graph: k-means needs points or texts"):
        studies.compare(path=str(path), output=str(tmp_path / "out"))


def test_options_of_a_file_are_refused_without_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--label_column says how a file is clustered"):
        studies.compare(label_column="kind", output=str(tmp_path / "out"))


def test_one_cluster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--n_clusters: expected a whole number of 2 or more, or null, got 1"):
        studies.compare(n_clusters=1, output=str(tmp_path / "out"))


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(UsageError, match="expected a folder, this is a file"):
        studies.compare(output=str(tmp_path / "out"))


# suite segment


def image_file(folder: Path) -> Path:
    from PIL import Image

    pixels = np.full((30, 50, 3), 255, dtype=np.uint8)
    pixels[:, 20:] = (30, 60, 120)
    path = folder / "sea.png"
    Image.fromarray(pixels).save(path)
    return path


def test_an_image_is_divided_where_its_colours_meet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    studies.segment(str(image_file(tmp_path)), k=2, output=str(tmp_path / "out"))
    labels = np.load(tmp_path / "out" / "labels.npy")
    assert (labels == (np.arange(50) < 20)).all()
    assert "#1e3c78" in capsys.readouterr().out
    assert (tmp_path / "out" / "segments.png").read_bytes().startswith(PNG)


def test_the_picture_of_the_labels_holds_their_numbers(tmp_path: Path) -> None:
    from PIL import Image

    studies.segment(str(image_file(tmp_path)), k=2, output=str(tmp_path / "out"))
    with Image.open(tmp_path / "out" / "labels.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), np.load(tmp_path / "out" / "labels.npy"))


def test_a_large_image_is_cut_at_a_size_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    studies.segment(str(image_file(tmp_path)), k=2, size=25, output=str(tmp_path / "out"))
    assert "50 x 30 pixels, cut at 25 x 15 (--size 25)" in capsys.readouterr().out
    assert np.load(tmp_path / "out" / "labels.npy").shape == (30, 50)


def test_one_segment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="-k: expected a whole number from 2 to 255, got 1"):
        studies.segment(str(image_file(tmp_path)), k=1)


def test_what_is_no_image_is_refused(points: Path) -> None:
    with pytest.raises(DataError, match="expected an image, got points"):
        studies.segment(str(points))


# suite eigen


def test_the_eigenvalues_of_a_run_lie_beside_its_other_figures(
    run: Run, capsys: pytest.CaptureFixture[str], rows_of: Rows
) -> None:
    studies.eigen(str(run.folder), count=8)
    found = rows_of(run.folder / "figures" / "eigenvalues.csv")
    assert len(found) == 8
    assert len(rows_of(run.folder / "figures" / "embedding.csv")) == 200
    for name in ("eigenvalues.png", "embedding.png"):
        assert (run.folder / "figures" / name).read_bytes().startswith(PNG)
    assert "suggested" in capsys.readouterr().out


def test_the_first_eigenvalues_are_those_of_the_run(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    from lightning_suite import load

    studies.eigen(str(run.folder), count=8, output=str(tmp_path))
    module = load(run.folder)
    assert isinstance(module, SpectralClusterer)
    expected = module.network.fitted.eigenvalues
    found = torch.tensor([float(row["eigenvalue"]) for row in rows_of(tmp_path / "eigenvalues.csv")]).double()
    torch.testing.assert_close(found[: len(expected)], expected, atol=1e-6, rtol=1e-3)


def test_the_normalised_cut_is_that_of_the_run(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    studies.eigen(str(run.folder), count=8, output=str(tmp_path))
    assert f"2 clusters: Ncut {run.record['metrics']['train_ncut']:.4g};" in capsys.readouterr().out


def test_a_graph_is_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "two.edges"
    path.write_text("0 1\n1 2\n2 0\n2 3\n3 4\n4 5\n5 3\n")
    run = fitted(tmp_path / "runs", {"n_clusters": 2}, {"path": str(path)})
    studies.eigen(str(run.folder), count=5)
    assert "6 points, 1 connected component" in capsys.readouterr().out


def test_a_graph_that_has_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.edges"
    path.write_text("0 1\n1 2\n2 0\n2 3\n3 4\n4 5\n5 3\n")
    run = fitted(tmp_path / "runs", {"n_clusters": 2}, {"path": str(path)})
    path.write_text("0 1\n1 2\n2 0\n2 3\n3 4\n4 5\n5 0\n")
    with pytest.raises(DataError, match=r"two\.edges: has changed since it was clustered"):
        studies.eigen(str(run.folder))


def test_texts_are_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str], rows_of: Rows) -> None:
    path = tmp_path / "news.txt"
    path.write_text(
        "goal match team\nteam match coach\ncoach goal win\nstock market bank\nbank stock money\nmoney market\n"
    )
    run = fitted(tmp_path / "runs", {"n_clusters": 2}, {"path": str(path)})
    studies.eigen(str(run.folder), count=4)
    zeros = [float(row["eigenvalue"]) < 1e-9 for row in rows_of(run.folder / "figures" / "eigenvalues.csv")]
    assert zeros == [True, True, False, False]
    assert "6 points" in capsys.readouterr().out


def test_too_few_eigenvalues_are_refused(run: Run) -> None:
    with pytest.raises(UsageError, match="--count: expected a whole number of 3 or more, got 2"):
        studies.eigen(str(run.folder), count=2)

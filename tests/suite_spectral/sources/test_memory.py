"""Points, texts and images in memory, as their files are read."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from PIL import Image

from lightning_suite.errors import DataError
from suite_spectral.batches import Scaling
from suite_spectral.data import ClusterData
from suite_spectral.module import SpectralClusterer
from suite_spectral.network import FittedClusters
from suite_spectral.settings import Settings
from suite_spectral.solving.routes import solve
from suite_spectral.sources.memory import content_of
from suite_spectral.sources.reading import read

POINTS = np.array([[0.0, 0], [0, 1], [1, 0], [9, 9], [9, 8], [8, 9]])


@pytest.mark.parametrize("form", [np.array, torch.tensor, list, np.ndarray.tolist])
def test_points_of_every_form_are_an_array(form: Any) -> None:
    content, is_single = content_of(form(POINTS), "points", 2)
    assert content.tolist() == POINTS.tolist()
    assert not is_single


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_frame_is_an_array(library: str) -> None:
    frame = pytest.importorskip(library).DataFrame({"x": POINTS[:, 0], "y": POINTS[:, 1]})
    assert content_of(frame, "points", 2)[0].tolist() == POINTS.tolist()


def test_sparse_points_stay_sparse() -> None:
    content, _ = content_of(scipy.sparse.coo_matrix(POINTS), "points", 2)
    assert content.toarray().tolist() == POINTS.tolist()


@pytest.mark.parametrize(("dim", "single", "shape"), [(3, True, (1, 3)), (1, False, (3, 1))])
def test_a_row_is_one_point_unless_points_have_one_dimension(dim: int, single: bool, shape: tuple[int, int]) -> None:
    content, is_single = content_of([1.0, 2.0, 3.0], "points", dim)
    assert (is_single, content.shape) == (single, shape)


def test_the_types_are_those_of_a_file(tmp_path: Path) -> None:
    for dtype in (np.float32, np.float64, np.int8, np.int64):
        np.save(tmp_path / "points.npy", POINTS.astype(dtype))
        expected = read(tmp_path / "points.npy").content.dtype
        assert content_of(POINTS.astype(dtype), "points", 2)[0].dtype == expected


def test_an_image_gives_the_pixels_of_its_file(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "image.png")
    expected = read(tmp_path / "image.png").content
    for given in (image, image / 255, expected):
        np.testing.assert_allclose(content_of(given, "image", 5)[0], expected, atol=1e-7)


def test_texts_are_texts() -> None:
    assert content_of("a text", "texts", None) == (["a text"], True)
    with pytest.raises(TypeError, match="predict: expected a string or several strings, but text 1 is 3"):
        content_of([3], "texts", None)


def test_what_is_no_points_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"points in memory: expected numbers of shape \(point, dim\), got .* \(1, 2, 3\)"
    ):
        content_of(np.ones((1, 2, 3)), "points", 3)
    with pytest.raises(DataError, match="points in memory: expected numbers"):
        content_of(["one", "two"], "points", 2)


def test_new_points_get_the_clusters_of_the_module() -> None:
    module, data = SpectralClusterer(n_clusters=2), ClusterData(batch_size=4)
    module.scaling = Scaling(torch.tensor([4.5, 4.5]).double(), torch.tensor([4.0, 4.0]).double())
    scaled = module.scaling.apply(torch.from_numpy(POINTS))
    module.network = FittedClusters()
    module.network.take(solve(scaled, Settings(affinity="rbf", n_clusters=2)).fitted)
    inputs = data.inputs(POINTS, module)
    found = [label for batch in inputs.batches for label in module.predict_step(batch, 0)["cluster"].tolist()]
    assert found == [0, 0, 0, 1, 1, 1]
    (alone,) = data.inputs(POINTS[4], module).batches
    assert module.predict_step(alone, 0)["cluster"].tolist() == [1]
    with pytest.raises(DataError, match="points: expected points of 2 numbers, as those that were fitted, got 3"):
        module.predict_step(next(iter(data.inputs([[1, 2, 3]], module).batches)), 0)

"""The built-in sets are what their names say, and the same for one seed."""

import numpy as np
import pytest

from lightning_suite.errors import UsageError
from suite_spectral.data_settings import Name
from suite_spectral.sources.samples import sample


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [("digits", (1797, 64), 10), ("iris", (150, 4), 3), ("wine", (178, 13), 3), ("breast_cancer", (569, 30), 2)],
)
def test_a_measured_set_has_its_size(name: Name, shape: tuple[int, int], classes: int) -> None:
    found = sample(name, 10, None, 0)
    assert (found.points.shape, len(found.classes), int(found.labels.max()) + 1) == (shape, classes, classes)


@pytest.mark.parametrize("name", ["moons", "circles", "blobs"])
def test_a_drawn_set_has_as_many_points_as_are_asked_for(name: Name) -> None:
    assert sample(name, 31, None, 0).points.shape == (31, 2)


def test_the_same_seed_draws_the_same_points() -> None:
    assert np.array_equal(sample("moons", 20, None, 3).points, sample("moons", 20, None, 3).points)


def test_another_seed_draws_others() -> None:
    assert not np.array_equal(sample("moons", 20, None, 3).points, sample("moons", 20, None, 4).points)


def test_without_noise_circles_are_exact() -> None:
    found = sample("circles", 40, 0.0, 0)
    radii = np.linalg.norm(found.points, axis=1)
    np.testing.assert_allclose(radii, np.where(found.labels == 0, 1.0, 0.5))


def test_blobs_do_not_touch() -> None:
    found = sample("blobs", 300, None, 0)
    means = np.array([found.points[found.labels == label].mean(axis=0) for label in range(3)])
    nearest = np.linalg.norm(found.points[:, None] - means, axis=2).argmin(axis=1)
    assert np.array_equal(nearest, found.labels)


def test_an_unknown_set_is_refused() -> None:
    with pytest.raises(UsageError, match=r"expected one of digits, iris.*got 'mnist'"):
        sample("mnist", 10, None, 0)  # type: ignore[arg-type]

"""The sets that two methods are compared on."""

import pytest
import torch

from suite_spectral.point_sets import own_sets, stretched_blobs, uneven_blobs


def test_the_sets_are_four_shapes_and_four_measured_ones() -> None:
    names = [one.name for one in own_sets(30, 0)]
    assert names == [
        "moons",
        "circles",
        "uneven blobs",
        "stretched blobs",
        "digits",
        "iris",
        "wine (scaled)",
        "breast_cancer (scaled)",
    ]


def test_uneven_blobs_have_their_widths() -> None:
    points, labels = uneven_blobs(6000, 0)
    widths = [points[labels == blob].std(axis=0).mean() for blob in range(3)]
    assert widths == pytest.approx([1, 2.5, 0.5], rel=0.05)


def test_stretched_blobs_are_ten_times_as_long_as_wide() -> None:
    points, labels = stretched_blobs(6000, 0)
    covariance = torch.from_numpy(points[labels == 0]).T.cov()
    short, long = torch.linalg.eigvalsh(covariance).sqrt().tolist()
    assert long / short == pytest.approx(10, rel=0.05)

import pytest
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.segments import borders, enlarged, lab, segment, segments_of, shrunk


def two_halves(height: int = 12, width: int = 20) -> Tensor:
    image = torch.zeros(height, width, 3)
    image[:, width // 2 :] = 1
    return image


def cut(image: Tensor, n_segments: int = 2, size: int = 100) -> Tensor:
    return segment(image, n_segments, size=size, radius=3, sigma_color=0.1, sigma_position=4).labels


def test_black_and_white_halves_are_two_segments() -> None:
    labels = cut(two_halves())
    assert len(torch.unique(labels[:, :10])) == 1
    assert len(torch.unique(labels[:, 10:])) == 1
    assert int(labels[0, 0]) != int(labels[0, -1])


def test_an_image_is_cut_at_the_size_that_is_said() -> None:
    found = segment(two_halves(40, 80), 2, size=20, radius=3, sigma_color=0.1, sigma_position=4)
    assert found.cut_size == (10, 20)


def test_labels_come_back_at_the_size_of_the_image() -> None:
    labels = cut(two_halves(40, 80), size=20)
    assert labels.shape == (40, 80)
    assert int((labels != labels[0, 0]).sum()) == 40 * 40


def test_a_small_image_is_not_enlarged() -> None:
    image = two_halves()
    assert shrunk(image, 100) is image


def test_a_shrunk_pixel_is_a_mean() -> None:
    checked = (torch.arange(16)[:, None] + torch.arange(16)).remainder(2).float()[:, :, None]
    assert shrunk(checked, 4)[1:3, 1:3].flatten().tolist() == pytest.approx([0.5] * 4, abs=0.02)


def test_more_segments_than_pixels_are_refused() -> None:
    with pytest.raises(UsageError, match=r"from 2 segments to 240, .* got 241"):
        cut(two_halves(), 241)


def test_a_size_of_one_pixel_is_refused() -> None:
    with pytest.raises(UsageError, match="size: expected at least 2 pixels, got 1"):
        cut(two_halves(), size=1)


def test_white_and_black_are_one_apart() -> None:
    found = lab(torch.tensor([[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]]))
    torch.testing.assert_close(found[0], torch.tensor([[0.0, 0, 0], [1, 0, 0]]).double(), atol=1e-3, rtol=0)


def test_red_is_where_the_standard_puts_it() -> None:
    found = lab(torch.tensor([[[1.0, 0.0, 0.0]]]))
    expected = torch.tensor([0.5324, 0.8009, 0.6720]).double()  # of IEC 61966-2-1's red, at D65
    torch.testing.assert_close(found[0, 0], expected, atol=1e-3, rtol=0)


def test_a_grey_image_has_its_lightness_alone() -> None:
    grey = torch.rand(3, 4, 1, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(lab(grey)[:, :, 0], lab(grey.expand(-1, -1, 3))[:, :, 0], atol=1e-6, rtol=0)


def test_enlarged_labels_keep_their_place() -> None:
    labels = torch.tensor([[0, 1], [2, 2]])
    found = enlarged(labels, 4, 6)
    assert found[0].tolist() == [0, 0, 0, 1, 1, 1]
    assert found[3].tolist() == [2] * 6


def test_a_segment_has_its_box_and_its_colour() -> None:
    labels = torch.zeros(6, 8, dtype=torch.int64)
    labels[2:4, 3:7] = 1
    image = torch.zeros(6, 8, 3)
    image[2:4, 3:7] = torch.tensor([0.2, 0.4, 0.6])
    _, inner = segments_of(image, labels)
    assert inner.box == (2, 3, 3, 6)
    assert inner.pixels == 8
    assert inner.colour == pytest.approx((0.2, 0.4, 0.6))


def test_the_middle_of_a_segment_lies_in_it() -> None:
    ring = torch.ones(9, 9, dtype=torch.int64)
    ring[2:7, 2:7] = 0
    for found in segments_of(torch.zeros(9, 9, 1), ring):
        assert int(ring[found.middle]) == found.number


def test_borders_lie_between_segments_only() -> None:
    labels = torch.tensor([[0, 0, 1], [0, 0, 1]])
    assert borders(labels).tolist() == [[False, True, False], [False, True, False]]

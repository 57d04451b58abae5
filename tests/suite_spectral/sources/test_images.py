"""Pixels of an image, of whatever colours and depth."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightning_suite.errors import DataError
from suite_spectral.sources.images import read_image

PLACE = Path("image.png")


def png(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "png", **options)
    return file.getvalue()


def test_pixels_have_row_column_and_colours() -> None:
    colours = np.array([[[255, 0, 0], [0, 51, 0]]], dtype=np.uint8)
    points, shape, _ = read_image(PLACE, png(Image.fromarray(colours)))
    assert shape == (1, 2, 3)
    np.testing.assert_allclose(points, np.array([[0, 0, 1, 0, 0], [0, 1, 0, 0.2, 0]]), rtol=1e-6)


def test_pixels_come_row_by_row() -> None:
    points, _, _ = read_image(PLACE, png(Image.new("L", (2, 3))))
    assert points[:, :2].tolist() == [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]]


def test_an_image_without_colours_has_one_channel() -> None:
    points, shape, _ = read_image(PLACE, png(Image.new("L", (2, 3), 255)))
    assert (shape, points[0].tolist()) == ((3, 2, 1), [0, 0, 1])


def test_sixteen_bits_are_used() -> None:
    depth = Image.fromarray(np.array([[65535, 257]], dtype=np.uint16))
    points, _, _ = read_image(PLACE, png(depth))
    np.testing.assert_allclose(points[:, 2], [1, 257 / 65535], rtol=1e-6)


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("P", 3), ("LA", 1), ("RGBA", 3)])
def test_other_modes_are_converted(mode: str, channels: int) -> None:
    assert read_image(PLACE, png(Image.new(mode, (2, 2))))[1] == (2, 2, channels)


def test_that_transparency_is_left_out_is_said() -> None:
    assert read_image(PLACE, png(Image.new("RGBA", (2, 2))))[2] == ["transparency is left out"]


def test_an_image_taken_sideways_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_image(PLACE, png(Image.new("L", (4, 2)), exif=exif))[1] == (4, 2, 1)


def test_an_image_that_is_at_a_fraction_of_its_file_is_refused() -> None:
    file = io.BytesIO()
    Image.new("L", (4, 2)).save(file, "tiff")
    content = bytearray(file.getvalue())
    entry = content.index(struct.pack("<HH", 273, 4))  # StripOffsets, a whole number
    struct.pack_into("<HHII", content, entry, 273, 5, 1, len(content))
    with pytest.raises(DataError, match=r"image.png: cannot be read as an image"):
        read_image(PLACE, bytes(content) + struct.pack("<II", 8, 1))


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(DataError, match=r"image.png: cannot be read as an image"):
        read_image(PLACE, b"no image")


def test_half_an_image_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 40), dtype=np.uint8)
    whole = png(Image.fromarray(noise))
    with pytest.raises(DataError, match="cannot be read as an image"):
        read_image(PLACE, whole[: len(whole) // 2])


def test_an_image_that_says_it_is_larger_than_the_memory_is_refused_before_it_is_opened() -> None:
    content = png(Image.new("1", (10_000, 10_000)))
    with pytest.raises(DataError, match=r"image\.png: expected at most 33,554,432 pixels, got 10,000 x 10,000"):
        read_image(PLACE, content)

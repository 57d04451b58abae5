"""The pixels of an image, as points: row, column, and the channels from 0 to 1."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import DataError
from lightning_suite.needs import needs

MOST_PIXELS = 2**25
"""Of an image: 8192 x 4096, some 2 GiB as points."""

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")


def read_image(path: Path, content: bytes) -> tuple[NDArray[np.float32], tuple[int, int, int], list[str]]:
    """Return an image, upright as its camera meant it; of a moving one the first picture.

    Returns:
        The pixels row by row, (pixel, 2 + channel) float32; height, width and channels; what the user should know.
        There is one channel for an image without colours, else three. Transparency is left out.

    Raises:
        DataError: it cannot be read as an image.
        UsageError: Pillow is not installed.
    """
    with needs("reading images", "lightning-suite[spectral]"):
        from PIL import Image, ImageOps, UnidentifiedImageError
    try:
        opened = Image.open(io.BytesIO(content))
        if opened.width * opened.height > MOST_PIXELS:
            size = f"{opened.width:,} x {opened.height:,}"
            raise DataError(f"expected at most {MOST_PIXELS:,} pixels, got {size}; make it smaller", path)
        image: Any = ImageOps.exif_transpose(opened)
        transparent = "A" in image.getbands() or "transparency" in image.info
        whole = 65535 if image.mode.startswith("I;16") else 255
        if image.mode == "I":
            whole = 65535  # Pillow opens a PNG of 16 bits so
        elif image.mode == "F":
            raise DataError("expected an image of whole numbers, got one of floating-point numbers", path)
        elif image.mode in ("1", "L", "LA", "La"):
            image = image.convert("L")
        elif not image.mode.startswith("I;16"):
            image = image.convert("RGB")
        channels = np.asarray(image, dtype=np.float32) / whole
    except (DataError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise DataError("cannot be read as an image; its content is of no kind that is known", path) from error
    except Exception as error:  # damage raises whatever the code of a format does
        raise DataError(f"cannot be read as an image: {error}", path) from error
    if channels.ndim == 2:
        channels = channels[:, :, None]
    height, width, depth = channels.shape
    return pixels(channels), (height, width, depth), ["transparency is left out"] if transparent else []


def pixels(channels: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return the pixels of an image, (row, column, channel) from 0 to 1, row by row: (pixel, 2 + channel).

    Example:
        >>> pixels(np.ones((1, 2, 1), dtype=np.float32)).tolist()
        [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]]
    """
    height, width, depth = channels.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    points = np.concatenate([rows[:, :, None], columns[:, :, None], channels], axis=2).reshape(-1, 2 + depth)
    return points.astype(np.float32, copy=False)

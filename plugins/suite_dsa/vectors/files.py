"""Reads word vectors from files.

``*.npz``       an array ``vectors``; its words are in a file beside it, ``<stem>_words.txt``, one a line in the order
                of the rows, or ``<stem>_words.tsv``, word TAB row; ``_fp16`` at the end of the stem is left out.
any other file  GloVe's and fastText's text: word and numbers with spaces between them, a first line of counts or none;
                compressed or not, in any Unicode encoding.
"""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lightning_suite.array_files import read_npz
from lightning_suite.errors import DataError
from lightning_suite.text_files import COMPRESSIONS, numbered_lines

_MOST_DIGITS = 20  # of a row's number


class WordVectors(NamedTuple):
    """Pretrained vectors, (row, word_dim) float32, and the row of each word; words may share one."""

    vectors: npt.NDArray[np.float32]
    rows: dict[str, int]


def read_npz_vectors(path: Path) -> WordVectors:
    """Return the vectors of an .npz file, with the words of the file beside it.

    Raises:
        DataError: a file is missing, or cannot be read as vectors or words.
    """
    arrays = read_npz(path)
    if "vectors" not in arrays:
        raise DataError(f"expected an array 'vectors', got {', '.join(map(repr, arrays)) or 'none'}", path)
    vectors = arrays["vectors"]
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or 0 in vectors.shape:
        raise DataError(f"'vectors' must be floats (row, word_dim), got {vectors.dtype} {vectors.shape}", path)
    vectors = vectors.astype(np.float32)
    if not np.isfinite(vectors).all():
        raise DataError("'vectors' holds numbers that are not finite", path)
    stem = path.stem.removesuffix("_fp16")
    names = [f"{stem}_words{suffix}{packed}" for suffix in (".tsv", ".txt") for packed in ("", *COMPRESSIONS)]
    words_path = next((path.with_name(name) for name in names if path.with_name(name).is_file()), None)
    if words_path is None:
        raise DataError(f"its words are missing: expected {names[0]} or {stem}_words.txt beside it", path)
    rows: dict[str, int] = {}
    if ".tsv" in words_path.name.removeprefix(stem):
        for line, text in numbered_lines(words_path):
            word, tab, row = text.rpartition("\t")
            if not (tab and row.isdecimal() and len(row) < _MOST_DIGITS and int(row) < len(vectors)):
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


def read_text_vectors(path: Path, wanted: set[str], extra_words: int) -> WordVectors:
    """Return the vectors of a text file: those of the wanted words, and of the first others.

    Raises:
        DataError: a line is not a word and as many finite numbers as in the other lines.
    """
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
        raise DataError("expected word vectors below the line of counts, got none", path)
    return WordVectors(np.array(vectors, dtype=np.float32).reshape(len(vectors), width), rows)


def _is_header(text: str) -> bool:
    """Return whether this is fastText's first line: the number of words and the width."""
    parts = text.split()
    return len(parts) == 2 and all(part.isdecimal() for part in parts)


def _ends_in_number(word: str) -> bool:
    """Return whether the part before the numbers, which may hold spaces (in GloVe 840B), ends in a further number."""
    try:
        float(word.rsplit(" ", maxsplit=1)[-1])
    except ValueError:
        return False
    return True

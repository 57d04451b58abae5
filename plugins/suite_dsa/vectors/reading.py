"""Pretrained word vectors, from wherever they are."""

from collections.abc import Iterable
from pathlib import Path

from lightning_suite.errors import DataError
from suite_dsa.vectors.files import WordVectors, read_npz_vectors, read_text_vectors
from suite_dsa.vectors.spacy_md import PACKAGE, read_package


def read_vectors(source: str, wanted: Iterable[str], extra_words: int) -> WordVectors:
    """Return the pretrained vectors that ``source`` names.

    Args:
        source: ``spacy-md`` or the path of a file.
        wanted: the words that are needed, with their other spellings; a text file is searched for these.
        extra_words: of a text file, how many words more are read, from its beginning, where the frequent ones stand.

    Raises:
        AssetError: the package cannot be had.
        DataError: a file is not what it should be.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "glove.txt")
        >>> _ = path.write_text("the 0.5 1\\nfilm 3 4\\n")
        >>> read_vectors(str(path), ["film"], extra_words=0).rows
        {'film': 0}
    """
    if source == PACKAGE:
        return read_package()
    path = Path(source).expanduser()
    if not path.is_file():
        raise DataError(
            f"no such file; --data.vectors is {PACKAGE!r} or a .npz, .txt or .vec file of word vectors", path
        )
    return read_npz_vectors(path) if path.suffix == ".npz" else read_text_vectors(path, set(wanted), extra_words)

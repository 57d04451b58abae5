"""Texts as rows of numbers of unit length, by tf-idf: a word counts more the more often its text says it, and less the
more texts have it.

With tf the times a text has a word, n texts and df of them with the word, an entry is (1 + ln tf) (1 + ln((1 + n) /
(1 + df))), and each row is divided by its length; so the product of two rows is the cosine of their angle. This is what
scikit-learn's ``TfidfVectorizer(sublinear_tf=True)`` computes, which learns the words; once they are known nothing of
it is needed, and a checkpoint keeps a list and a tensor.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, final

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from lightning_suite.offsets import offsets_of
from suite_spectral.data_settings import StopWords
from suite_spectral.graphs.graph import sparse_rows

WORD = re.compile(r"(?u)\b\w\w+\b")
"""Two letters, digits or underscores, or more; capitals do not matter."""


@final
class Vocabulary:
    """The words of a collection of texts.

    Example:
        >>> vocabulary = Vocabulary.learn(["a good film", "a bad film"])
        >>> vocabulary.words, vocabulary.unknown(["nothing known"])
        (['bad', 'film', 'good'], [0])

    Attributes:
        words: (word,) in alphabetical order.
        idf: (word,) float64, 1 + ln((1 + n) / (1 + df)).
    """

    def __init__(self, words: Sequence[str], idf: Tensor) -> None:
        if idf.shape != (len(words),):
            raise ValueError(f"Vocabulary: expected one idf a word, {len(words)}, got shape {tuple(idf.shape)}")
        self.words: list[str] = list(words)
        self.idf: Tensor = idf.detach().to("cpu", torch.float64)
        self._columns = {word: column for column, word in enumerate(self.words)}

    @classmethod
    def learn(cls, texts: Sequence[str], size: int | None = 2000, stop_words: StopWords = "english") -> "Vocabulary":
        """Return the vocabulary of the words that occur most often in all texts.

        Args:
            texts: of which at least one must have a word.
            size: most words; None: all.
            stop_words: words that are left out: scikit-learn's 318 English ones, or none.

        Raises:
            ValueError: no text has a word.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer  # a second to import, and needed only to learn

        vectorizer = TfidfVectorizer(
            sublinear_tf=True, max_features=size, stop_words=None if stop_words == "none" else stop_words
        )
        vectorizer.fit(texts)
        return cls(vectorizer.get_feature_names_out().tolist(), torch.from_numpy(vectorizer.idf_))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Vocabulary":
        """Return the vocabulary whose ``state`` this is."""
        return cls(state["words"], state["idf"])

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps: a list of words and a tensor."""
        return {"words": list(self.words), "idf": self.idf.clone()}

    def rows(self, texts: Sequence[str]) -> Tensor:
        """Return the texts as rows of unit length, (document, word) float64, sparse_csr; 0 without a known word."""
        columns: list[int] = []
        counts: list[int] = []
        lengths = np.zeros(len(texts), dtype=np.int64)
        for number, text in enumerate(texts):
            occurring = Counter(map(self._columns.get, WORD.findall(text.lower())))
            known = sorted((column, count) for column, count in occurring.items() if column is not None)
            columns += [column for column, _ in known]
            counts += [count for _, count in known]
            lengths[number] = len(known)
        indices = np.array(columns, dtype=np.int64)
        values = (1 + np.log(np.array(counts, dtype=np.float64))) * self.idf.numpy()[indices]
        owners = np.repeat(np.arange(len(texts)), lengths)
        norms = np.sqrt(np.bincount(owners, weights=values**2, minlength=len(texts)))
        values /= norms[owners]
        pointers = offsets_of(lengths)
        matrix = scipy.sparse.csr_array((values, indices, pointers), shape=(len(texts), len(self.words)))
        return sparse_rows(matrix, torch.float64)

    def unknown(self, texts: Sequence[str]) -> list[int]:
        """Return the numbers of the texts that have no known word."""
        return [
            number
            for number, text in enumerate(texts)
            if not any(word in self._columns for word in WORD.findall(text.lower()))
        ]

"""Simple classifiers of sentences and pairs, which a network has to beat: logistic regressions with scikit-learn.

``tf-idf``            counts of words and of pairs of neighbouring words, weighted by their rarity; of a pair those of
                      each sentence, and of the words that only one of the two has
``averaged vectors``  the mean of a sentence's word vectors; of a pair [u, v, |u - v|, u * v], as the networks have it

The strength of the penalty is chosen by the accuracy on validation data.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_suite import ragged
from lightning_suite.needs import needs
from suite_dsa.vocabulary import Vocabulary

_STEPS = 500  # of the solver, at most
_A_BATCH = 4096  # sentences whose word vectors are in memory at once

Texts = Sequence[tuple[str, ...]]
Tokenize = Callable[[str], list[str]]


class Labelled(NamedTuple):
    """Sentences or pairs, and the numbers of their classes."""

    texts: Texts
    labels: NDArray[np.int64]


class Baseline(ABC):
    """A logistic regression on features of texts.

    Attributes:
        name: for a table.
        penalties: the values of C, the inverse of the penalty, to choose from.
        penalty: the chosen one.
        val_accuracy: the accuracy on the validation data.
    """

    name: str
    penalties: tuple[float, ...]
    penalty: float
    val_accuracy: float

    @abstractmethod
    def features(self, texts: Texts, *, learn: bool = False) -> Any:
        """Return the features of texts, (text, feature), dense or sparse; ``learn``: they are the training texts."""

    def fit(self, train: Labelled, validation: Labelled) -> "Baseline":
        """Train with every penalty and keep what is best on the validation data."""
        with needs("the comparison with simple classifiers", "lightning-suite[dsa]"):
            from sklearn.linear_model import LogisticRegression
        inputs, others = self.features(train.texts, learn=True), self.features(validation.texts)
        self.val_accuracy = -1.0
        for penalty in self.penalties:
            model = LogisticRegression(C=penalty, max_iter=_STEPS).fit(inputs, train.labels)
            accuracy = float((model.predict(others) == validation.labels).mean())
            if accuracy > self.val_accuracy:
                self._model, self.penalty, self.val_accuracy = model, penalty, accuracy
        return self

    def predict(self, texts: Texts) -> NDArray[np.int64]:
        """Return the number of the class of each text."""
        predicted: NDArray[np.int64] = self._model.predict(self.features(texts))
        return predicted


@final
class TfIdf(Baseline):
    """Words and pairs of neighbours, weighted by rarity.

    Example:
        >>> texts = [("a good film",), ("a bad film",)] * 4
        >>> train = Labelled(texts, np.array([1, 0] * 4))
        >>> TfIdf(str.split).fit(train, train).predict([("good",), ("bad plot",)]).tolist()
        [1, 0]
    """

    name = "tf-idf"
    penalties = (0.3, 1.0, 3.0, 10.0, 30.0)

    def __init__(self, tokenize: Tokenize) -> None:
        self._tokenize = tokenize
        self._vectorizers: list[Any] = []

    def features(self, texts: Texts, *, learn: bool = False) -> Any:
        with needs("the comparison with simple classifiers", "lightning-suite[dsa]"):
            from scipy.sparse import hstack
            from sklearn.feature_extraction.text import TfidfVectorizer
        columns = self._columns(texts)
        if learn:
            options = {"analyzer": _words_and_neighbours, "sublinear_tf": True}
            self._vectorizers = [TfidfVectorizer(**options).fit(column) for column in columns]
        pairs = zip(self._vectorizers, columns, strict=True)
        return hstack([vectorizer.transform(column) for vectorizer, column in pairs]).tocsr()

    def _columns(self, texts: Texts) -> list[list[list[str]]]:
        """Return the words of each sentence of a text; of pairs also the words that only the first or second has."""
        words = [[self._tokenize(text.lower()) for text in column] for column in zip(*texts, strict=True)]
        if len(words) == 1:
            return words
        first, second = words
        only = [
            ([w for w in a if w not in b], [w for w in b if w not in a]) for a, b in zip(first, second, strict=True)
        ]
        return [first, second, [a for a, _ in only], [b for _, b in only]]


def _words_and_neighbours(words: list[str]) -> list[str]:
    return words + [f"{one} {other}" for one, other in pairwise(words)]


@final
class AveragedVectors(Baseline):
    """The mean of the word vectors, each feature scaled to unit variance.

    Args:
        vocabulary: the row of each word.
        vectors: gives rows of the vocabulary their vectors, (word,) -> (word, word_dim).
        tokenize: splits a text into words.

    Example:
        >>> vocabulary, vectors = Vocabulary(["good", "bad"], [1, 2]), torch.eye(3).__getitem__
        >>> train = Labelled([("good",), ("bad",)] * 4, np.array([1, 0] * 4))
        >>> AveragedVectors(vocabulary, vectors, str.split).fit(train, train).predict([("good good",)]).tolist()
        [1]
    """

    name = "averaged vectors"
    penalties = (0.001, 0.01, 0.1, 1.0)

    def __init__(self, vocabulary: Vocabulary, vectors: Callable[[Tensor], Tensor], tokenize: Tokenize) -> None:
        self._vocabulary = vocabulary
        self._vectors = vectors
        self._tokenize = tokenize
        self._scaler: Any = None

    def features(self, texts: Texts, *, learn: bool = False) -> Any:
        with needs("the comparison with simple classifiers", "lightning-suite[dsa]"):
            from sklearn.preprocessing import StandardScaler
        columns = [self.means(column) for column in zip(*texts, strict=True)]  # text word_dim
        if len(columns) == 2:
            first, second = columns
            columns += [(first - second).abs(), first * second]
        values = torch.cat(columns, dim=1).numpy()
        if learn:
            self._scaler = StandardScaler().fit(values)
        return self._scaler.transform(values)

    @torch.no_grad()
    def means(self, sentences: Sequence[str]) -> Tensor:
        """Return the mean of the word vectors of each sentence, (sentence, word_dim)."""
        parts = []
        for begin in range(0, len(sentences), _A_BATCH):
            words = [self._tokenize(sentence) for sentence in sentences[begin : begin + _A_BATCH]]
            rows, offsets = self._vocabulary.pack(words)
            sums = ragged.segment_sum(self._vectors(rows), offsets)
            parts.append(sums / ragged.lengths(offsets)[:, None])
        return torch.cat(parts)

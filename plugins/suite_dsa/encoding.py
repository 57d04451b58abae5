"""Sentences as vectors, called as the library sentence-transformers calls it.

A string gives one vector, several strings a matrix in their order. Inside, sentences are taken in the order of their
length, so that the sentences of a batch are about equally long; nothing is padded, so an embedding does not depend on
the batch that it was computed in (but for the rounding of floats).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import nullcontext
from typing import Any, NamedTuple, get_args, overload

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lightning_suite import ragged
from lightning_suite.errors import UsageError
from lightning_suite.inputs import Texts, texts_of
from lightning_suite.progress import progress, quiet
from suite_dsa.attention import DynamicSelfAttention, StaticSelfAttention
from suite_dsa.quantization import Precision, quantize
from suite_dsa.similarity import similarity, similarity_pairwise

Embeddings = NDArray[Any] | Tensor | list[Tensor]

Map = tuple[list[str], Tensor]
"""The words of a sentence, and how much each head attends to them: (word, head)."""


class Batch(NamedTuple):
    """Some of the sentences, as the network reads them.

    Attributes:
        numbers: the positions of the sentences among all.
        tokens: the words of each sentence.
        words: (word, word_dim) the vectors of all words, one sentence after another.
        offsets: (sentence + 1,) where each sentence begins.
    """

    numbers: list[int]
    tokens: list[list[str]]
    words: Tensor
    offsets: Tensor


def pairs_of(pairs: Any, name: str = "predict") -> tuple[list[tuple[str, ...]], bool]:
    """Return pairs of sentences as a list, and whether they were a single pair of two strings.

    Args:
        pairs: the pairs.
        name: the function that was called, for the message.

    Raises:
        TypeError: it is neither a pair of strings nor an ordered collection of such pairs.

    Example:
        >>> pairs_of(("a dog runs", "an animal moves"))
        ([('a dog runs', 'an animal moves')], True)
        >>> pairs_of([["a dog runs", "an animal moves"], ["a dog runs", "a cat sleeps"]])[1]
        False
    """
    expected = f"{name}: expected a pair of sentences, such as (premise, hypothesis), or several pairs"
    if isinstance(pairs, str | bytes | Mapping | Set) or not isinstance(pairs, Iterable):
        raise TypeError(f"{expected}, got {type(pairs).__name__}")
    if hasattr(pairs, "columns"):  # going through a table of pandas or polars would give the names of its columns
        raise TypeError(f"{expected}, got a whole table, {type(pairs).__name__}: give zip(table[FIRST], table[SECOND])")
    listed = list(pairs)
    single = len(listed) == 2 and all(isinstance(part, str) for part in listed)
    found: list[tuple[str, ...]] = []
    for number, pair in enumerate([listed] if single else listed, start=1):
        texts = tuple(pair) if isinstance(pair, Iterable) and not isinstance(pair, str | Mapping | Set) else ()
        if len(texts) != 2 or not all(isinstance(text, str) for text in texts):
            raise TypeError(f"{expected}, but pair {number} is {pair!r:.60}")
        found.append(texts)
    return found, single


class EncodesSentences(ABC):
    """What one does with a trained sentence encoder in Python; a base of `suite_dsa.module.SentenceClassifier`."""

    encoder: Any
    hparams: Any
    training: bool
    device: Any
    train: Any
    to: Any

    @abstractmethod
    def pack(self, texts: list[str]) -> tuple[list[list[str]], Tensor, Tensor]:
        """Return the words of each text, the rows of all words, (word,), and where each text begins."""

    @abstractmethod
    def word_vectors(self, rows: Tensor) -> Tensor:
        """Return the vectors of words: (word,) -> (word, word_dim)."""

    @torch.no_grad()
    def encode(
        self,
        sentences: Texts,
        batch_size: int = 256,
        *,
        show_progress_bar: bool | None = None,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        normalize_embeddings: bool = False,
        device: str | torch.device | None = None,
        precision: Precision = "float32",
    ) -> Embeddings:
        """Return the embedding of a sentence, or those of several in their order, as sentence-transformers does.

        Only no sentence at all differs: it gives (0, head * head_dim), so that the columns are those of any other call.

        Args:
            sentences: a string, or any ordered collection of strings.
            batch_size: sentences that are encoded at once.
            show_progress_bar: False: never; otherwise in a call that takes more than two seconds.
            convert_to_numpy: False: a list of tensors.
            convert_to_tensor: a tensor, on the device of the module, in place of an array.
            normalize_embeddings: scale each to length 1.
            device: move the module there first.
            precision: float32; or fewer bits: int8, uint8, binary, ubinary (`suite_dsa.quantization`).

        Returns:
            (head * head_dim,) for a string, else (sentence, head * head_dim).

        Raises:
            TypeError: something is not a string.
            ValueError: batch size, device or precision is none that there is.
        """
        texts, single = texts_of(sentences, "encode")
        if precision not in get_args(Precision):
            raise ValueError(f"precision: expected one of {', '.join(get_args(Precision))}, got {precision!r}")
        if device is not None:
            self._move(device)
        embeddings = torch.empty(len(texts), self.encoder.output_dim, device=self.device)
        for batch in self._batches(texts, batch_size, show_progress_bar):
            embeddings[batch.numbers] = self.encoder(batch.words, batch.offsets).float()
        if normalize_embeddings:
            embeddings = functional.normalize(embeddings, dim=1)
        if precision != "float32":
            embeddings = torch.from_numpy(quantize(embeddings.cpu().numpy(), precision))
        if convert_to_tensor:
            return embeddings[0] if single else embeddings
        if convert_to_numpy:
            array: NDArray[Any] = embeddings.cpu().numpy()
            return array[0] if single else array
        return embeddings[0] if single else list(embeddings)

    similarity = staticmethod(similarity)
    similarity_pairwise = staticmethod(similarity_pairwise)

    @overload
    def attention(self, sentences: str, batch_size: int = 256) -> Map: ...  # type: ignore[overload-overlap]

    @overload
    def attention(self, sentences: Iterable[str], batch_size: int = 256) -> list[Map]: ...

    @torch.no_grad()
    def attention(self, sentences: Texts, batch_size: int = 256) -> Map | list[Map]:
        """Return the words of each sentence and how much each head attends to them; for a string, of that one."""
        texts, single = texts_of(sentences, "attention")
        maps: list[Map] = [([], torch.empty(0))] * len(texts)
        for batch in self._batches(texts, batch_size):
            weights = self.encoder.attention.weights(self.encoder.words(batch.words, batch.offsets), batch.offsets)
            parts = ragged.split(weights.cpu(), batch.offsets)
            for number, tokens, part in zip(batch.numbers, batch.tokens, parts, strict=True):
                maps[number] = tokens or [""], part  # a sentence of no words was packed as one unknown word
        return maps[0] if single else maps

    @torch.no_grad()
    def weight_vectors(self, sentences: Texts, batch_size: int = 256) -> Tensor:
        """Return the vectors that the last iteration attends with (figure 2): (sentence, head, head_dim).

        A string gives (head, head_dim).

        Raises:
            UsageError: the network has no such vectors, for its attention is neither dynamic nor static.
        """
        texts, single = texts_of(sentences, "weight_vectors")
        attention = self.encoder.attention
        if not isinstance(attention, DynamicSelfAttention | StaticSelfAttention):
            raise UsageError(
                f"the network was trained with --model.attention {self.hparams['attention']}, which has no weight "
                "vectors: expected dynamic or static"
            )
        vectors = torch.empty(len(texts), self.hparams["heads"], self.hparams["head_dim"])
        for batch in self._batches(texts, batch_size):
            words = self.encoder.words(batch.words, batch.offsets)
            vectors[batch.numbers] = attention.vectors(words, batch.offsets).cpu()
        return vectors[0] if single else vectors

    def _batches(self, texts: list[str], batch_size: int, show: bool | None = None) -> Iterator[Batch]:
        """Yield batches of sentences, the longest first, with dropout off; then train on if it did."""
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size: expected a whole number of 1 or more, got {batch_size!r}")
        # The longest first: what does not fit into memory fails at once, and the time left is not underestimated.
        order = sorted(range(len(texts)), key=lambda number: -len(texts[number]))
        training = self.training
        self.train(False)
        try:
            hidden = quiet() if show is False else nullcontext()
            with hidden, progress("encoding", len(texts), unit="sentences") as advance:
                for begin in range(0, len(order), batch_size):
                    numbers = order[begin : begin + batch_size]
                    tokens, rows, offsets = self.pack([texts[number] for number in numbers])
                    words = self.word_vectors(rows.to(self.device))
                    yield Batch(numbers, tokens, words, offsets.to(self.device))
                    advance(len(numbers))
        finally:
            self.train(training)

    def _move(self, device: str | torch.device) -> None:
        """Move the module to a device.

        Raises:
            ValueError: there is no such device here.
        """
        if not isinstance(device, str | torch.device):
            raise ValueError(f"device: expected one device, such as 'cpu' or 'cuda:0', got {device!r}")
        try:
            self.to(torch.device(device))
        except (AssertionError, RuntimeError) as error:  # torch raises the first where it was built without CUDA
            reason = str(error).strip().partition("\n")[0]
            raise ValueError(f"device: {device!r} cannot be used here ({reason})") from error

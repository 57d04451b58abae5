"""Word encoders: networks that turn the words of packed sentences into words in their context, one class a file."""

from typing import Literal, Protocol

from torch import Tensor

EncoderName = Literal["dense-cnn", "bilstm", "kim-cnn"]


class WordEncoder(Protocol):
    """A module that puts each word into the context of its sentence; no sentence sees another."""

    output_dim: int

    def __call__(self, words: Tensor, offsets: Tensor) -> Tensor:
        """Return the words in their context: (word, word_dim), (sentence + 1,) -> (word, output_dim)."""
        ...

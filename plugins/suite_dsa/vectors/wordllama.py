"""The vectors inside the package wordllama 0.4.0.post1: 32,000 pieces of words, 256 numbers each (MIT).

A word is the mean of its pieces, as the package has it, so that no word is unknown. Pieces are those of Llama 2's byte
pair encoding, whose tokenizer the package carries; whole words are marked by a leading U+2581.

Lee Miller: WordLlama, https://github.com/dleemiller/WordLlama
"""

import json
from collections.abc import Iterable
from pathlib import Path

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

_WORD_BEGINS = "\u2581"
_AT_ONCE = 10_000


def read_wordllama(words: Iterable[str]) -> WordVectors:
    """Return the vectors of these words, and of all others that are a single piece, in the order of the pieces.

    Raises:
        AssetError: the package cannot be fetched.
        UsageError: tokenizers is not installed.
        DataError: the package's files cannot be read.
    """
    pieces_path, tokenizer_path = fetch_all(_ASSETS)
    with needs(f"--data.vectors {WORDLLAMA}", "lightning-suite[dsa]", instead="leave that source out"):
        from tokenizers import Tokenizer
    pieces = read_safetensors(pieces_path, "embedding.weight").astype(np.float32)  # piece dim
    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    known = list(dict.fromkeys(words))
    vectors = []
    for begin in range(0, len(known), _AT_ONCE):
        # half a surrogate pair is a word too, but no text to the tokenizer
        texts = [word.encode("utf-8", "replace").decode() for word in known[begin : begin + _AT_ONCE]]
        ids = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
        vectors += [pieces[numbers].mean(axis=0) if numbers else np.zeros_like(pieces[0]) for numbers in ids]
    rows = {word: i for i, word in enumerate(known)}
    whole = sorted((i, piece[1:]) for piece, i in tokenizer.get_vocab().items() if piece[:1] == _WORD_BEGINS)
    for i, word in whole:
        if word and word not in rows and _WORD_BEGINS not in word:
            rows[word] = len(known) + i
    return WordVectors(np.concatenate([np.array(vectors, dtype=np.float32).reshape(-1, pieces.shape[1]), pieces]), rows)


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

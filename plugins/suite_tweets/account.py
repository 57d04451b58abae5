"""What is known of an account besides the model: how long its tweets are, how they begin, which were trained on."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

# What X counts as one character (twitter-text, configuration version 3); all else counts as two.
_HEAVY = re.compile("[^\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")


def weighted_length(text: str) -> int:
    """Return the length of a text as X counts it: characters of most alphabets 1; Chinese, Japanese, Korean, emoji 2.

    X's published rule (twitter-text, configuration version 3) by code points. X counts an emoji made of several code
    points as one, so this is never less for emoji; a link, which X counts as 23, is counted as it is written.

    Example:
        >>> weighted_length("Go 🚀")
        5
    """
    return len(text) if text.isascii() else len(text) + len(_HEAVY.findall(text))


def _fingerprint(text: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


@dataclass(frozen=True)
class Account:
    """What written tweets take from their account besides the model: how long they are, and how they begin.

    Attributes:
        lengths: weighted characters of every training tweet, after cleaning.
        first_words: how many training tweets begin with each word.
        fingerprints: of the training tweets, so that they are known again though they are not kept.

    Example:
        >>> account = Account.of(["the rocket", "the crew 🚀"])
        >>> account.lengths, account.first_words, account.knows("the rocket")
        ([10, 11], {'the': 2}, True)
    """

    lengths: Sequence[int] = ()
    first_words: Mapping[str, int] = field(default_factory=dict)
    fingerprints: frozenset[int] = frozenset()

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Account":
        """Return the account of some cleaned tweets; empty ones do not count."""
        filled = [text for text in texts if text.strip()]
        first_words = Counter(text.split()[0] for text in filled)
        return cls([weighted_length(text) for text in filled], dict(first_words), frozenset(map(_fingerprint, filled)))

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Account":
        """Return the account that has this state."""
        words, counts = state["first_words"], state["first_word_counts"].tolist()
        fingerprints = frozenset(state["fingerprints"].tolist())
        return cls(state["lengths"].tolist(), dict(zip(words, counts, strict=True)), fingerprints)

    def knows(self, text: str) -> bool:
        """Return whether a text is a cleaned training tweet."""
        return _fingerprint(text) in self.fingerprints

    def state(self) -> dict[str, Any]:
        """Return all that makes it, for a checkpoint: strings and tensors only."""
        return {
            "lengths": torch.tensor(list(self.lengths), dtype=torch.int64),
            "first_words": list(self.first_words),
            "fingerprints": torch.tensor(sorted(self.fingerprints), dtype=torch.int64),
            "first_word_counts": torch.tensor(list(self.first_words.values()), dtype=torch.int64),
        }

"""Text to tokens and back: whole words, or pieces of words by byte pair encoding.

Token 0 is END everywhere: it stands before the first and after the last token of every tweet. A tokenizer also says
how many bits of a text its tokens do not hold, so that models over different tokens can be compared by the bits they
need for the same characters.
"""

import math
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, Final, Literal, Protocol

from lightning_suite.errors import UsageError
from lightning_suite.needs import needs
from suite_tweets.spelling import SPELLINGS, Speller, SpellingName
from suite_tweets.word_list import Language, ListedSpelling, frequencies

END: Final = 0
UNKNOWN: Final = 1
UNPRINTABLE: Final = "\ufffd"
"""What an unknown word, and bytes that are no text, are printed as."""

Digits = Literal["kept", "zeros"]


class Tokenizer(Protocol):
    """Text to tokens and back.

    Attributes:
        size: how many tokens there are, END among them.
        banned: tokens that are never to be drawn.
        within: tokens that go on with the word before them.
        escape: probability set apart for UNKNOWN where training never meets it; else 0.
        once: the tokens that occurred once in training and stand for UNKNOWN where training never meets it; else none.
        whole_words: whether a token is a whole word; what is between white space is then one token.
        digits: kept, or all replaced by 0.
    """

    size: int
    banned: tuple[int, ...]
    within: tuple[int, ...]
    escape: float
    once: range
    whole_words: bool
    digits: Digits

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, without END."""
        ...

    def unknown(self, text: str) -> list[str]:
        """Return the words of a text that are UNKNOWN, in their order."""
        ...

    def spelling_nats(self, word: str) -> float:
        """Return -ln p of the spelling of an unknown word."""
        ...

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens; END is nothing."""
        ...

    def oov_bits(self, text: str) -> float:
        """Return the bits that a text holds beyond its tokens: spelling of unknown words, digits that became zeros."""
        ...

    def state(self) -> dict[str, Any]:
        """Return all that makes it, as plain values; ``from_state`` makes it again."""
        ...


def learn(
    texts: Sequence[str],
    kind: Literal["words", "bpe"],
    size: int | None,
    digits: Digits,
    spelling: SpellingName = "witten-bell",
    word_list: Language | None = None,
    validation: Sequence[str] = (),
) -> Tokenizer:
    """Return the tokenizer of the training texts.

    Args:
        texts: cleaned tweets.
        kind: whole words, or pieces of words.
        size: most tokens there may be; None: all words. Pieces need a number.
        digits: kept, or all replaced by 0.
        spelling: of the words that are no tokens; pieces need none.
        word_list: the language in whose list of words they are looked up first.
        validation: texts by whose unknown words the list is weighed against the spelling.

    Raises:
        UsageError: a size with which there is nothing to learn, or the package for pieces is missing.

    Example:
        >>> words = learn(["the rocket", "the crew"], "words", None, "kept")
        >>> words.encode("the crew"), words.decode(words.encode("the moon"))
        ([2, 3], 'the �')
    """
    texts = [with_digits(text, digits) for text in texts]
    if kind == "words":
        words = _learn_words(texts, size, digits, spelling, word_list)
        words.fit([word for text in validation for word in words.unknown(text)])
        return words
    if size is None:
        raise UsageError("--data.tokens bpe needs to know how many tokens: --data.vocabulary_size 2000, for example")
    return _learn_pieces(texts, size, digits)


def from_state(state: dict[str, Any]) -> Tokenizer:
    """Return the tokenizer that has this state."""
    if state["kind"] == "words":
        # The latter three are from release 0.2 on.
        named = {"digits": state["digits"], "spelling": state.get("spelling", "witten-bell")}
        named |= {name: state[name] for name in ("word_list", "list_weight") if name in state}
        return Words(state["words"], once=state["once"], escape=state["escape"], **named)
    return Pieces(state["json"], digits=state["digits"])


def with_digits(text: str, digits: Digits) -> str:
    """Return the text itself, or with 0 for every digit, which makes numbers of equal length one word.

    Example:
        >>> with_digits("In 2024", "zeros")
        'In 0000'
    """
    if digits == "kept":
        return text
    return "".join("0" if character.isdecimal() else character for character in text)


def _digit_bits(text: str, digits: Digits) -> float:
    """Return the bits of the digits that became zeros, ten being equally likely."""
    return 0.0 if digits == "kept" else math.log2(10) * sum(character.isdecimal() for character in text)


def _learn_words(
    texts: Sequence[str], size: int | None, digits: Digits, spelling: SpellingName, word_list: Language | None
) -> "Words":
    counts = Counter(word for text in texts for word in text.split())
    total = counts.total()
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    if size is not None and size < 3:
        raise UsageError(f"--data.vocabulary_size: expected at least 3 (two are no words), got {size}")
    if size is not None and size - 2 < len(ranked):
        kept = ranked[: size - 2]
        return Words(kept, once=0, escape=0.0, digits=digits, spelling=spelling, word_list=word_list)
    once = sum(count == 1 for count in counts.values())
    # Never 0 nor 1: an unknown word may come also where none has occurred just once, a known one where all have.
    escape = max(once, 0.5) / (total + 1)
    return Words(ranked, once=once, escape=escape, digits=digits, spelling=spelling, word_list=word_list)


def _learn_pieces(texts: Sequence[str], size: int, digits: Digits) -> "Pieces":
    with _needs_tokenizers():
        from tokenizers import Tokenizer as Encoder
        from tokenizers import decoders, models, pre_tokenizers, trainers
    letters = pre_tokenizers.ByteLevel.alphabet()
    if size <= len(letters) + 1:
        raise UsageError(f"--data.vocabulary_size: expected more than {len(letters) + 1} for bpe, got {size}")
    encoder = Encoder(models.BPE())
    # A space before the first word: it has the same tokens there as elsewhere.
    encoder.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    encoder.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - 1, min_frequency=2, initial_alphabet=letters, special_tokens=[], show_progress=False
    )
    encoder.train_from_iterator(texts, trainer)
    return Pieces(encoder.to_str(), digits=digits)


def _needs_tokenizers() -> AbstractContextManager[None]:
    return needs("--data.tokens bpe", "lightning-suite[tweets]")


class Words:
    """Words: what stands between spaces. Those of the vocabulary have a token each, all others share UNKNOWN.

    A vocabulary of all training words never meets UNKNOWN in training. The probability of a word that was never seen
    is then the share of words that were seen once (Good, 1953, and Turing), and its spelling is paid for
    (``spelling``).

    Args:
        words: the vocabulary, frequent words first.
        once: how many words at its end occurred once in training; 0 where the vocabulary was cut.
        escape: probability of an unknown word; 0 where the vocabulary was cut and the network learns it.
        digits: kept, or all replaced by 0.
        spelling: of other words.
        word_list: the language in whose list of words these are looked up first; it is read when one is.
        list_weight: of the list against the spelling.
    """

    words: list[str]
    escape: float

    def __init__(
        self,
        words: Sequence[str],
        *,
        once: int,
        escape: float,
        digits: Digits,
        spelling: SpellingName = "witten-bell",
        word_list: Language | None = None,
        list_weight: float = 0.5,
    ) -> None:
        self.words, self.escape, self.digits, self.spelling = list(words), escape, digits, spelling
        self.word_list, self.list_weight = word_list, list_weight
        self.size: int = len(self.words) + 2
        self.banned: tuple[int, ...] = (UNKNOWN,)
        self.within: tuple[int, ...] = ()
        self.once = range(self.size - once, self.size)
        self.whole_words = True
        self._tokens = {word: token for token, word in enumerate(self.words, start=2)}
        self._spelt: dict[str, float] = {}  # bits of unknown words that were asked for

    @cached_property
    def _spelling(self) -> Speller:
        spelling = SPELLINGS[self.spelling](self.words)
        if self.word_list is None:
            return spelling
        return ListedSpelling(self.words, frequencies(self.word_list), spelling, self.list_weight)

    def fit(self, unknown: Sequence[str]) -> None:
        """Weigh the list, if there is one, against the spelling by unknown words."""
        if isinstance(self._spelling, ListedSpelling):
            self._spelling.fit(unknown)
            self._spelt.clear()
            self.list_weight = self._spelling.weight

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, without END."""
        return [self._tokens.get(word, UNKNOWN) for word in with_digits(text, self.digits).split()]

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the words with a space between; END is nothing."""
        return " ".join(UNPRINTABLE if token == UNKNOWN else self.words[token - 2] for token in tokens if token != END)

    def unknown(self, text: str) -> list[str]:
        """Return the words of a text that are UNKNOWN, in their order."""
        return [word for word in with_digits(text, self.digits).split() if word not in self._tokens]

    def spelling_nats(self, word: str) -> float:
        """Return -ln p of the spelling of an unknown word."""
        return self._bits(word) * math.log(2)

    def _bits(self, word: str) -> float:
        if word not in self._spelt:
            self._spelt[word] = self._spelling.bits(word)
        return self._spelt[word]

    def oov_bits(self, text: str) -> float:
        """Return the bits of the spelling of unknown words, and of digits that became zeros."""
        return _digit_bits(text, self.digits) + sum(map(self._bits, self.unknown(text)))

    def state(self) -> dict[str, Any]:
        """Return all that makes it, as plain values."""
        plain = {"words": self.words, "once": len(self.once), "escape": self.escape, "digits": self.digits}
        listed = {"word_list": self.word_list, "list_weight": self.list_weight} if self.word_list else {}
        return {"kind": "words", **plain, "spelling": self.spelling, **listed}


class Pieces:
    """Pieces of words by byte pair encoding (Sennrich, Haddow, Birch, 2016), over bytes: no text is unknown to it.

    Args:
        json: the encoder as the package ``tokenizers`` writes it.
        digits: kept, or all replaced by 0.

    Raises:
        UsageError: that package is missing.
    """

    json: str

    def __init__(self, json: str, *, digits: Digits) -> None:
        with _needs_tokenizers():
            from tokenizers import Tokenizer as Encoder
        self.json, self.digits = json, digits
        self._encoder = Encoder.from_str(json)
        self.size: int = self._encoder.get_vocab_size() + 1  # the encoder's tokens come after END
        self.banned: tuple[int, ...] = ()
        self.escape: float = 0.0
        self.once = range(0)
        self.whole_words = False
        self.within: tuple[int, ...] = tuple(token for token in range(1, self.size) if self._goes_on(token))

    def _goes_on(self, token: int) -> bool:
        text: str = self._encoder.decode([token - 1], skip_special_tokens=False)
        return text[:1].isalnum() or text.startswith(UNPRINTABLE)  # a byte that is no character by itself

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, without END."""
        return [token + 1 for token in self._encoder.encode(with_digits(text, self.digits)).ids]

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text; END is nothing, and bytes that are no text become U+FFFD."""
        text: str = self._encoder.decode([token - 1 for token in tokens if token != END])
        return text.removeprefix(" ")

    def unknown(self, text: str) -> list[str]:
        """Return nothing: every text has pieces."""
        return []

    def spelling_nats(self, word: str) -> float:
        """Return nothing to pay: pieces spell every word."""
        return 0.0

    def oov_bits(self, text: str) -> float:
        """Return the bits of the digits that became zeros."""
        return _digit_bits(text, self.digits)

    def state(self) -> dict[str, Any]:
        """Return all that makes it, as plain values."""
        return {"kind": "bpe", "json": self.json, "digits": self.digits}

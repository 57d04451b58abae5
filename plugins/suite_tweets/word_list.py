"""A list of a language's words, in which an unknown word is looked up before it is spelt.

Most words that an account's tweets have not had yet are ordinary words of its language. The list gives a word's
frequency in the language; what a tweet has around it, and its capitals, have the shares that they have in the
vocabulary:

    p(«Завод,») = p(« before) p(capital first) p(завод in the list) p(, after)

Words of the vocabulary get nothing: what they would have had is shared out among all others. Beside the list stays the
spelling, for names and inventions, with a weight w that is chosen on the validation tweets by
expectation-maximization:

    p(word) = w p_list(word) + (1 - w) p_spelling(word)

The lists are those of wordfreq 3.1.1 (Robyn Speer, 2022, https://github.com/rspeer/wordfreq; CC BY-SA 4.0): words and
their frequencies in Wikipedia, subtitles, news, books, the web, Twitter and Reddit, of up to 2021.
"""

import gzip
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final, Literal, NamedTuple

from lightning_suite.assets import Asset, fetch
from lightning_suite.errors import DataError
from lightning_suite.needs import needs
from suite_tweets.spelling import Speller

Language = Literal[
    "ar", "bn", "ca", "cs", "de", "en", "es", "fi", "fr", "he", "it", "mk", "nb", "nl", "pl", "pt", "ru", "sv", "uk"
]
"""Codes of the languages that have a list, and put spaces between words."""

_PARTS = re.compile(r"(\W*)(.*?)(\W*)", re.DOTALL)
_LEAST, _MOST, _STEPS = 0.01, 0.99, 50  # of the list's weight, and how often it is improved
_HUNDREDTHS: Final = 100  # of a power of ten, in which the lists have frequencies
# Frequent words that an account has never used are not its words: a power of the frequency that is best on the
# validation tweets of two sets, of 0.4, 0.6, 0.8 and 1; by 0.15 and 0.2 bits a word better than 1.
_FLATTENED: Final = 0.8

Case = Literal["lower", "first", "upper"]


class Form(NamedTuple):
    """What a word is made of: signs before it, its capitals, the word in lower case, signs after it."""

    before: str
    case: Case
    word: str
    after: str


def asset_of(language: Language) -> Asset:
    """Return the list of a language, within the package."""
    return Asset(
        package="wordfreq",
        version="3.1.1",
        archive="wheel",
        sha256="4b1c6ecffc6198be3396d5cf871c4423ca71c907c231348d352dd54d62b97473",
        member=f"wordfreq/data/large_{language}.msgpack.gz",
    )


@cache
def frequencies(language: Language) -> Mapping[str, float]:
    """Return the shares of the words of a language, flattened, fetched once; they add up to 1.

    Raises:
        AssetError: the list cannot be fetched.
        DataError: it is not what it should be.
    """
    with needs("--data.word_list", "lightning-suite[tweets]"):
        import msgpack
    path = fetch(asset_of(language))
    try:
        header, *ranks = msgpack.unpackb(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"no list of words: {error}", path) from error
    if header != {"format": "cB", "version": 1}:
        raise DataError(f"expected a list of words by frequency, got one that begins with {header!r}", path)
    counts = {word: 10 ** (-_FLATTENED * rank / _HUNDREDTHS) for rank, words in enumerate(ranks) for word in words}
    total = sum(counts.values())
    return {word: count / total for word, count in counts.items()}


def form_of(text: str) -> Form | None:
    """Return what a word between spaces is made of; None where its capitals are neither first nor all.

    Example:
        >>> form_of("«Завод,")
        Form(before='«', case='first', word='завод', after=',')
    """
    parts = _PARTS.fullmatch(text)
    assert parts is not None
    before, word, after = parts.groups()
    lower = word.lower()
    if word == lower:
        return Form(before, "lower", lower, after)
    if word == lower[0].upper() + lower[1:]:
        return Form(before, "first", lower, after)
    return Form(before, "upper", lower, after) if word == lower.upper() else None


class ListedSpelling:
    """Probabilities of words that are none of a vocabulary, by a list and by spelling.

    Args:
        words: the vocabulary.
        listed: shares of the words of the language.
        speller: of words that are not listed.
        weight: of the list.

    Example:
        >>> from suite_tweets.spelling import Spelling
        >>> spelling = Spelling(["the", "crew"])
        >>> listed = ListedSpelling(["the", "crew"], {"the": 0.5, "moon": 0.25, "sea": 0.25}, spelling, 0.9)
        >>> round(listed.bits("moon"), 2), listed.bits("noom") > 20
        (1.15, True)
    """

    def __init__(self, words: Iterable[str], listed: Mapping[str, float], speller: Speller, weight: float) -> None:
        vocabulary = list(words)
        self._listed, self._speller, self.weight = listed, speller, weight
        forms = [form for word in vocabulary if (form := form_of(word)) is not None and form.word]
        self._before = _shares(form.before for form in forms)
        self._case = _shares(form.case for form in forms)
        self._after = _shares(form.after for form in forms)
        self._others = 1.0
        self._others = 1 - sum(map(self.of_list, set(vocabulary)))

    def of_list(self, word: str) -> float:
        """Return the probability of a word by the list alone; 0 where neither it nor its form is known."""
        form = form_of(word)
        if form is None or (share := self._listed.get(form.word)) is None or self._others <= 0:
            return 0.0
        around = self._before.get(form.before, 0.0) * self._case.get(form.case, 0.0) * self._after.get(form.after, 0.0)
        return around * share / self._others

    def bits(self, word: str) -> float:
        """Return the bits of a word that is not in the vocabulary."""
        spelt = self._speller.bits(word) - math.log2(1 - self.weight)
        listed = self.weight * self.of_list(word)
        return spelt if listed == 0 else -math.log2(listed + 2**-spelt)

    def fit(self, words: Sequence[str]) -> None:
        """Choose the weight of the list that makes some unknown words likeliest; without any it stays."""
        pairs = [(self.of_list(word), 2 ** -self._speller.bits(word)) for word in words]
        pairs = [(listed, spelt) for listed, spelt in pairs if listed + spelt > 0]
        for _ in range(_STEPS if pairs else 0):
            shares = [self.weight * a / (self.weight * a + (1 - self.weight) * b) for a, b in pairs]
            self.weight = min(max(sum(shares) / len(shares), _LEAST), _MOST)


def _shares(values: Iterable[str]) -> dict[str, float]:
    counts = Counter(values)
    return {value: count / counts.total() for value, count in counts.items()}

"""Detects the language of each text of an account, of short ones too.

A naive Bayes classifier over byte n-grams (Lui and Baldwin: "langid.py", 2012; here py3langid) gives each text a
probability p(l | x) of every language l, all being equally likely beforehand. Ten words are often too few for that:
of an English account's tweets it assigns one in thirty to another language. But an account writes in few languages, and
its other texts show which. Their shares pi come from expectation-maximization, as Saerens, Latinne and
Decaestecker ("Adjusting the outputs of a classifier to new a priori probabilities", 2002):

    q(l | x) ~ p(l | x) pi(l),        pi(l) = (1 + sum_x q(l | x)) / (languages + texts)

where the 1 is a text of each language that was not seen. A text of which the classifier is sure by itself stays with
its answer, so that a single tweet in another language is not lost among thousands.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNDETERMINED = "und"
"""ISO 639's code for a language that cannot be detected."""

NAMES = {
    "ar": "Arabic",
    "az": "Azerbaijani",
    "be": "Belarusian",
    "bg": "Bulgarian",
    "bn": "Bengali",
    "ca": "Catalan",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "et": "Estonian",
    "eu": "Basque",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian",
    "hu": "Hungarian",
    "hy": "Armenian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ka": "Georgian",
    "kk": "Kazakh",
    "ko": "Korean",
    "ky": "Kyrgyz",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "mk": "Macedonian",
    "ms": "Malay",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sa": "Sanskrit",
    "sk": "Slovak",
    "sl": "Slovene",
    "sr": "Serbian",
    "sv": "Swedish",
    "ta": "Tamil",
    "th": "Thai",
    "tl": "Tagalog",
    "tr": "Turkish",
    "tt": "Tatar",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "uz": "Uzbek",
    "vi": "Vietnamese",
    "zh": "Chinese",
    UNDETERMINED: "undetermined",
}
"""English names of the most common languages; others are shown as their ISO 639 code."""

LETTERS = 3
"""A text with fewer letters, links, mentions and hashtags apart, is undetermined."""

SURE = 0.9
"""From this probability on the classifier's own answer stands."""

LIKELY = 0.5
"""Below this probability a text is undetermined even beside the account's other texts."""

LONGEST = 1000
"""Only so many characters of a text are read: they are more than enough."""

_ROUNDS = 100
_NO_PROSE = re.compile(r"https?://\S+|www\.\S+|\S+…$|[@#]\w+|\bRT\b|&#?\w+;")
_NO_LANGUAGE = "zxx"  # what the classifier answers to punctuation and numbers


def languages(texts: Iterable[str]) -> list[str]:
    """Return the language of each text as an ISO 639 code, UNDETERMINED where it cannot be detected.

    Args:
        texts: of one account, so that the long ones help with the short ones.

    Raises:
        ModuleNotFoundError: py3langid is not installed.
    """
    identifier = _identifier()
    labels = [*dict.fromkeys(identifier.labels)]
    columns = {label: column for column, label in enumerate(labels)}
    codes: list[str] = []
    numbers, alone = [], []
    for number, text in enumerate(texts):
        codes.append(UNDETERMINED)
        if prose := _prose(text):
            row = np.zeros(len(labels), dtype=np.float32)
            for label, probability in identifier.rank(prose):
                row[columns[label]] = probability
            numbers.append(number)
            alone.append(row)
    if not numbers:
        return codes
    together = _with_estimated_shares(np.stack(alone))
    for number, own, joint in zip(numbers, alone, together, strict=True):
        probabilities = own if own.max() >= SURE else joint
        best = int(probabilities.argmax())
        if probabilities[best] >= LIKELY and labels[best] != _NO_LANGUAGE:
            codes[number] = labels[best]
    return codes


def name_of(code: str) -> str:
    """Return a language's English name, or its code where NAMES does not hold it.

    Example:
        >>> name_of("ru"), name_of("gug")
        ('Russian', 'gug')
    """
    return NAMES.get(code, code)


@cache  # it takes a second to read
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _prose(text: str) -> str:
    """Return what of a text was written in a language; nothing where that is too little."""
    prose = " ".join(_NO_PROSE.sub(" ", text[:LONGEST]).split())
    return prose if sum(map(str.isalpha, prose)) >= LETTERS else ""


def _with_estimated_shares(alone: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities (text, language) once the shares of the languages are known, from those without."""
    texts, count = alone.shape
    shares = np.full(count, 1 / count, dtype=np.float32)
    together = alone
    for _ in range(_ROUNDS):
        together = alone * shares
        together /= together.sum(axis=1, keepdims=True)
        seen = together.sum(axis=0, dtype=np.float64)
        before, shares = shares, ((1 + seen) / (count + texts)).astype(np.float32)
        if np.abs(shares - before).max() < 1e-6:
            break
    return together

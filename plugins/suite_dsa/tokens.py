"""The tokenizers, by name: they split text into words.

``sst``         Kim's cleaning of the Stanford Sentiment Treebank (Kim, 2014, arXiv:1408.5882): only ASCII letters,
                digits and ( ) , ! ? ' ` stay, in lower case; everything else separates words. Accents are removed
                first (his rule would make two words of "cliché"), and the treebank's -LRB- -RRB- are brackets.
``ptb``         words, numbers and punctuation apart in the manner of the Penn Treebank; keeps case, any script.
``whitespace``  text that is tokenised already.

The first two split contractions as the treebank does (``is n't``, ``it 's``). All leave text unchanged that is split
already, return no word for a text without words, and fail on no string.
"""

import re
import unicodedata
from collections.abc import Callable

_CLITICS = r"(?:'(?:s|m|d|ll|re|ve)|n't)"

# A treebank token may itself begin with the clitic ("'s", "n't"), so splitting a split text changes nothing.
_SST_WORD = re.compile(
    rf"""
    [a-z0-9]+(?:'[a-z0-9]+)*?(?={_CLITICS}(?![a-z0-9]))    # the stem of "isn't" or "dog's"
    | {_CLITICS}(?![a-z0-9])
    | [0-9]+(?:,[0-9]+)+                     # 10,000
    | [a-z0-9]+(?:'[a-z0-9]+)*             # "o'clock" stays one word
    | 'n' | '[a-z0-9]+                     # "'90s", "'em"
    | ``|''
    | [(),!?'`]
    """,
    re.VERBOSE,
)

_PTB_WORD = re.compile(
    rf"""
    [^\W_]+(?:'[^\W_]+)*?(?={_CLITICS}(?!\w))    # the stem of "isn't" or "dog's"
    | {_CLITICS}(?!\w)
    | \d+(?:[.,:]\d+)+%?                  # 1,000.50  12:30
    | (?:[^\W\d_]\.){{2,}}                # U.S.  e.g.
    | [^\W_]+(?:'[^\W_]+)*                # words and numbers; o'clock
    | \.{{2,}} | -{{2,}} | ``|''
    | [^\s\x00-\x1f]                      # any other character by itself
    """,
    re.VERBOSE | re.IGNORECASE,
)


def sst_words(text: str) -> list[str]:
    """Return words by Kim's cleaning of SST, after the treebank's splits.

    Example:
        >>> sst_words("It isn't a Cliché.")
        ['it', 'is', "n't", 'a', 'cliche']
    """
    text = text.lower()
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.replace("\u2019", "'"))
        text = "".join(character for character in text if not unicodedata.combining(character))
    if "-" in text:
        text = text.replace("-lrb-", "(").replace("-rrb-", ")")
    return _SST_WORD.findall(text)


def ptb_words(text: str) -> list[str]:
    """Return words, numbers and punctuation of raw text, in the manner of the Penn Treebank, case kept.

    Unlike the treebank's own tokenizer it splits words at hyphens and leaves quotation marks as they are, as the
    published word vectors do.

    Example:
        >>> ptb_words("It isn't 1,000.50, is it?")
        ['It', 'is', "n't", '1,000.50', ',', 'is', 'it', '?']
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).replace("\u2019", "'")
    return _PTB_WORD.findall(text)


def whitespace_words(text: str) -> list[str]:
    """Return the parts of a text between white space."""
    return text.split()


def word_pattern(tokenizer: str) -> str:
    """Return the regular expression, flags included, whose matches are the words of a text in this tokenizer.

    Of ``sst`` and ``ptb`` what comes before is not in it: see `sst_words` and `ptb_words`.

    Example:
        >>> re.findall(word_pattern("ptb"), "It isn't 1,000.50")
        ['It', 'is', "n't", '1,000.50']
    """
    if tokenizer == "whitespace":
        return r"\S+"
    pattern = {"sst": _SST_WORD, "ptb": _PTB_WORD}[tokenizer]
    return f"(?x{'i' if pattern.flags & re.IGNORECASE else ''}){pattern.pattern}"


TOKENIZERS: dict[str, Callable[[str], list[str]]] = {
    "sst": sst_words,
    "ptb": ptb_words,
    "whitespace": whitespace_words,
}

"""Rules that take out of a tweet what a small vocabulary should not be spent on, each by its name.

The rules of the paper (section 3) are there so that no two words of the vocabulary differ by a bracket or a quotation
mark alone. Where the paper leaves a choice open, this is the one taken:

=================  =====================================================================================================
``links``          from ``http(s):/``, ``www.``, ``t.co/`` or ``pic.twitter.com/`` to the next space, and what is left
                   of a link that X has cut off (``https:/…``, ``http…``, at the end of a tweet ``ht…``)
``mentions``       a name after @ becomes the word ``user``; an e-mail address is no mention
``hashtags``       the sign goes, the word stays
``organisations``  ООО, ОАО, ПАО, and so ЗАО, НАО, АО: whole words in capitals (``ооо`` is also an interjection)
``leftovers``      ``&amp;`` and its like, ``amp;`` that has lost its ``&``, no-break spaces, invisible characters,
                   control characters. The paper's pattern ``amp\\S*`` would take ``ampere`` too; here the word ``amp``
                   survives
``odd-signs``      © ® ° ™ № ♪ and the few of their kind
``brackets``       brackets and quotation marks of every script
``punctuation``    the rest of punctuation: a space in its place, so that ``осенне-зимний`` becomes two words as in the
                   paper's figure 4; an apostrophe within a word goes without one (``don't``, ``dont``); an underscore
                   within a word stays. Some ``?`` and ``!`` survive in the paper's samples; here none does
``spaces``         "standardise": Unicode's composed form (NFC), single spaces, none around
``lower-case``
=================  =====================================================================================================

A character taken out leaves a space unless said otherwise: no two words, and no two numbers, grow together.

The ``modern`` set keeps punctuation, case, hashtags and emoji, as a model of word pieces can learn them: ``entities``
undoes what decoding left over (``&amp;`` is &), ``links`` go, ``names`` hides who is mentioned (``@user``), and
``spaces``. One more rule is in neither set: ``emoji`` removes emoji, arrows and other pictures.

V. A. Makrushina: "Generation of tweets based on an LSTM network" (in Russian), Bauman Moscow State Technical
University, 2020, section 3.
"""

import html
import re
import string
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from lightning_suite.errors import UsageError
from lightning_suite.spelling import no_such

_APOSTROPHES = "'\u2019\u02bc"
_ODD_SIGNS = "©®°™№♪♫♬℗℠"

_ENTITY = re.compile(r"&(?:(?:amp|#0*38|#x0*26);)*(#\d{1,8}|#x[0-9a-f]{1,8}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_BARE_AMP = re.compile(r"(?<![^\W_])amp;", re.IGNORECASE)

# Marks of direction order what is shown and stay; a joiner stays after a character that can be joined: Arabic, the
# scripts of India, emoji. Between Latin or Cyrillic letters it only hides that two words are the same.
_LOOSE_JOINER = "(?<![\u0590-\u1dff\u2190-\U0010ffff])[\u200c\u200d]+|[\u200c\u200d]+(?=\\s|$)"
_INVISIBLE = re.compile(
    f"[\u00ad\u180e\u200b\u2060-\u2064\ufeff\ufffd\ud800-\udfff\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]|{_LOOSE_JOINER}"
)
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

_LINK_END = '\\s<>"«»“”„'
_LINK = re.compile(
    r"(?:https?://|(?<![\w.@-]))t\.co/(?:(?!https?:)[A-Za-z0-9])+…?"
    rf"|(?P<start>https?:/|(?<![\w.@-])(?:www\.(?=\w)|t\.co/|pic\.twitter\.com/))(?P<rest>[^{_LINK_END}]*)"
    rf"|(?<![^\W_])https?:?\s?(?:…|\.{{3}})[^{_LINK_END}]*",
    re.IGNORECASE,
)
# Read from the end of a text, where cut links stand; looking for them from the front takes the square of its length.
_CUT_LINKS_BACKWARDS = re.compile(r"(?:\s*[^\w\s]*(?:…|\.{3})t{0,2}h(?!\S))+", re.IGNORECASE)
_AFTER_A_LINK = ".,;:!?)]}'’*"

# A name on X: Latin letters, digits and underscores; other scripts may stand right against it. An accent that follows
# goes too: else it would join the word put in.
_MENTION = re.compile(r"(?<![A-Za-z0-9_@＠])[@＠]+[A-Za-z0-9_]+[\u0300-\u036f]*")
_HASHTAG = re.compile(r"(?<![\w#＃])[#＃]+(?=\w)")
_ORGANISATION = re.compile(r"(?<![\w-])(?:ООО|ОАО|ПАО|ЗАО|НАО|АО)(?![\w-])")
_ODD_SIGN = re.compile(f"[{_ODD_SIGNS}]\ufe0f?")
_APOSTROPHE_WITHIN = re.compile(rf"(?<=\w)[{_APOSTROPHES}](?=\w)")
_UNDERSCORE_OUTSIDE = re.compile(r"(?<![\w\u0300-\u036f])_+|(?<!_)_+(?!\w)")  # an accent is of the letter before it


class _SpaceFor(dict[int, str]):
    """A table for ``str.translate``: a space for every character that is to go, filled in as characters occur."""

    def __init__(self, goes: Callable[[str], bool]) -> None:
        super().__init__()
        self.goes = goes

    def __missing__(self, code: int) -> str:
        self[code] = " " if self.goes(chr(code)) else chr(code)
        return self[code]


def _is_bracket(character: str) -> bool:
    category = unicodedata.category(character)
    return character in '"＂' or (category in ("Ps", "Pe", "Pi", "Pf") and character not in "‘’")


def _is_punctuation(character: str) -> bool:
    is_ascii = character in string.punctuation
    return character != "_" and (is_ascii or unicodedata.category(character).startswith("P"))


def _is_picture(character: str) -> bool:
    return (
        unicodedata.category(character) == "So"
        or "\u2190" <= character <= "\u21ff"  # arrows
        or "\u27f0" <= character <= "\u27ff"
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= character <= "\U000e007f"  # flags of regions
        or character in "\ufe0e\ufe0f\u20e3"
    )


_BRACKETS = _SpaceFor(_is_bracket)
_PUNCTUATION = _SpaceFor(_is_punctuation)
_PICTURES = _SpaceFor(_is_picture)


def _decoded(text: str, decode: Callable[[re.Match[str]], str]) -> str:
    """Decode entities and drop invisible characters until nothing changes: some texts are escaped twice."""
    before = None
    while text != before:
        before = text
        text = _INVISIBLE.sub("", _ENTITY.sub(decode, unicodedata.normalize("NFC", text)))
    return text


def undo_entities(text: str) -> str:
    """Put right what decoding left over: ``&amp;`` is &, a no-break space a space; invisible characters go."""
    return _decoded(text, lambda match: html.unescape(f"&{match[1]};")).replace("\xa0", " ")


def remove_leftovers(text: str) -> str:
    """Remove what decoding left over: entities that are no letters, ``amp;``, no-break spaces, invisible characters."""

    def letter_or_space(match: re.Match[str]) -> str:
        character = html.unescape(f"&{match[1]};")
        return " " if character in '&<>"\xa0' else character

    text = _DIRECTION.sub("", _decoded(text, letter_or_space))
    return _BARE_AMP.sub(" ", text.replace("—\xa0", " ").replace("\xa0", " "))


def remove_links(text: str) -> str:
    """Remove links, whole or cut off; the full stop or bracket behind one stays."""

    def behind(match: re.Match[str]) -> str:
        rest = match["rest"] or ""
        ends = _AFTER_A_LINK.replace(")", "") if "(" in rest else _AFTER_A_LINK
        return " " + rest[len(rest.rstrip(ends)) :]

    text = _LINK.sub(behind, text)
    cut = _CUT_LINKS_BACKWARDS.match(text[::-1])
    return text[: len(text) - cut.end()] if cut else text


def replace_mentions(text: str) -> str:
    """Replace @name by the word ``user``."""

    def word(match: re.Match[str]) -> str:
        before = " " if text[max(match.start() - 1, 0) : match.start()].isalnum() else ""
        return before + "user" + (" " if text[match.end() : match.end() + 1].isalnum() else "")

    return _MENTION.sub(word, text)


def hide_names(text: str) -> str:
    """Replace @name by ``@user``, which is still a mention, but names nobody."""
    return _MENTION.sub("@user", text)


def remove_hashtag_signs(text: str) -> str:
    """Remove # before a word; the word stays."""
    return _HASHTAG.sub("", text)


def remove_organisations(text: str) -> str:
    """Remove Russian forms of organisation: ООО, ОАО, ПАО, ЗАО, НАО, АО."""
    return _ORGANISATION.sub(" ", text)


def remove_odd_signs(text: str) -> str:
    """Remove © ® ° ™ № ♪ and the few of their kind."""
    return _ODD_SIGN.sub(" ", text)


def remove_brackets(text: str) -> str:
    """Remove brackets and quotation marks; the curled apostrophe is left to punctuation."""
    return text.translate(_BRACKETS)


def remove_punctuation(text: str) -> str:
    """Remove punctuation, and with it the characters of ASCII that Unicode calls symbols: $ + < = > ^ ` | ~."""
    return _UNDERSCORE_OUTSIDE.sub(" ", _APOSTROPHE_WITHIN.sub("", text).translate(_PUNCTUATION))


def remove_emoji(text: str) -> str:
    """Remove emoji, arrows and other pictures. Not a rule of the paper."""
    return text.translate(_PICTURES).replace("\u200d", "")


def standardise_spaces(text: str) -> str:
    """Return Unicode's composed form (NFC) with one space for any white space, and none at the ends."""
    return " ".join(unicodedata.normalize("NFC", re.sub(_LOOSE_JOINER, "", text)).split())


def lower_case(text: str) -> str:
    """Return the text in lower case."""
    return unicodedata.normalize("NFC", text.lower())


RULES: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        # Decoding comes first: an entity may stand for the @ of a mention. Links go before mentions, as they hold @ and
        # #; all of these before the punctuation by which they are known.
        "entities": undo_entities,
        "leftovers": remove_leftovers,
        "links": remove_links,
        "mentions": replace_mentions,
        "names": hide_names,
        "hashtags": remove_hashtag_signs,
        "organisations": remove_organisations,
        "odd-signs": remove_odd_signs,
        "brackets": remove_brackets,
        "punctuation": remove_punctuation,
        "emoji": remove_emoji,
        "spaces": standardise_spaces,
        "lower-case": lower_case,
    }
)
"""Every rule, in the order in which they are applied, whatever the order in which they are named."""

PAPER: tuple[str, ...] = (
    "leftovers",
    "links",
    "mentions",
    "hashtags",
    "organisations",
    "odd-signs",
    "brackets",
    "punctuation",
    "spaces",
    "lower-case",
)
"""The rules of the paper, section 3."""

MODERN: tuple[str, ...] = ("entities", "links", "names", "spaces")
"""Keeps punctuation, case, hashtags, emoji and marks of direction."""

RULE_SETS: Mapping[str, tuple[str, ...]] = MappingProxyType({"paper": PAPER, "modern": MODERN, "none": ()})


def clean(text: str, rules: Iterable[str]) -> str:
    """Return the text after the rules, applied in the order of ``RULES``.

    Raises:
        UsageError: there is no rule of such a name.

    Example:
        >>> clean("@anna: see https://t.co/abc &amp; enjoy", MODERN)
        '@user: see & enjoy'
    """
    for rule in _ordered(rules):
        text = RULES[rule](text)
    return text


def steps(text: str, rules: Iterable[str]) -> list[tuple[str, str]]:
    """Return what ``clean`` does step by step: the rules that change something, with the text after each.

    Raises:
        UsageError: there is no rule of such a name.

    Example:
        >>> steps("Lift-off  now", ["spaces", "lower-case"])
        [('spaces', 'Lift-off now'), ('lower-case', 'lift-off now')]
    """
    changes = []
    for rule in _ordered(rules):
        before, text = text, RULES[rule](text)
        if text != before:
            changes.append((rule, text))
    return changes


def _ordered(rules: Iterable[str]) -> list[str]:
    wanted = [rules] if isinstance(rules, str) else list(rules)
    for rule in wanted:
        if rule not in RULES:
            raise UsageError(no_such("rule of cleaning", rule, RULES, "rules"))
    return [rule for rule in RULES if rule in wanted]

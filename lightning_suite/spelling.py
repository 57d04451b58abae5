"""Suggest names for a mistyped one, and compose the message about it."""

from collections.abc import Iterable
from difflib import SequenceMatcher

MOST = 5
"""Names that are suggested at most."""

NEAR = 0.6
"""Similarity, by ``difflib``, of names that are suggested; a swap of neighbours in three letters has 0.67."""


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return a sentence that suggests the names nearest to a word; empty if none is near.

    For every single-edit typo of a name of three letters or more that name is among the suggestions.

    Example:
        >>> did_you_mean("lsit", ["list", "fit"])
        "Did you mean 'list'?"
        >>> did_you_mean("mix", ["min", "max", "mean"])
        "Did you mean 'min' or 'max'?"
    """
    matcher, similarity = SequenceMatcher(b=word), {}
    for choice in choices:
        matcher.set_seq1(choice)
        if matcher.quick_ratio() >= NEAR:  # an upper bound, so that thousands of names cost little
            similarity[choice] = matcher.ratio()
    least = max(NEAR, max(similarity.values(), default=0.0) - 1 / max(1, len(word)))
    near = sorted((choice for choice in similarity if similarity[choice] >= least), key=lambda name: -similarity[name])
    return f"Did you mean {' or '.join(map(repr, near[:MOST]))}?" if near else ""


def no_such(kind: str, word: str, choices: Iterable[str], have: str) -> str:
    """Return the message about a wrong name, in at most three lines: the word, the names there are, the nearest ones.

    Example:
        >>> print(no_such("recipe", "defualt", ["default", "wide"], "plugin 'dsa' has"))
        there is no recipe 'defualt'
        plugin 'dsa' has: default, wide
        Did you mean 'default'?
    """
    names = list(choices)
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    lines = [f"there is no {kind} {word!r}", f"{have}: {shown or 'none'}", did_you_mean(word, names)]
    return "\n".join(line for line in lines if line)

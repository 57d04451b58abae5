"""Answers a mistyped name: how far two words are apart, which names are near, and what is said of them."""

from collections.abc import Iterable


def edit_distance(left: str, right: str) -> int:
    """Number of insertions, deletions, substitutions and swaps of neighbours between two words."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        before_that, before, row = before, row, [i]
        for j, b in enumerate(right, start=1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                row[j] = min(row[j], before_that[j - 2] + 1)
    return row[-1]


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """The sentence that offers the nearest of some names, or nothing when none is near.

    All names at the smallest distance are offered: every single-edit typo of a name gets it back.
    """
    distances = {choice: edit_distance(word, choice) for choice in choices}
    nearest = min(distances.values(), default=0)
    if not distances or nearest > max(1, len(word) // 3):
        return ""
    return f"Did you mean {' or '.join(repr(choice) for choice, far in distances.items() if far == nearest)}?"


def no_such(kind: str, word: str, choices: Iterable[str], have: str) -> str:
    """What was wrong, what there is, the nearest match: the message of a mistake in a name, in at most three lines."""
    names = list(choices)
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    lines = [f"there is no {kind} {word!r}", f"{have}: {shown or 'none'}", did_you_mean(word, names)]
    return "\n".join(line for line in lines if line)

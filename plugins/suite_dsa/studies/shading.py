"""An attention map as text: under each word of a sentence a bar, the darker the more a head attends to it.

The bars are characters, not colours, so they look the same where a terminal has none or is asked for none (NO_COLOR),
and in a file.
"""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from torch import Tensor

from lightning_suite.errors import printable

SHADES = " ░▒▓█"
"""From no attention to that of the most attended word."""

NARROWEST = 8
"""Columns that a line of words has at least, however narrow the terminal is."""


def shaded(words: Sequence[str], weights: Tensor, names: Sequence[str] | None = None, width: int | None = None) -> str:
    """Return the words of a sentence, and below them a row of bars for each head, full for its most attended word.

    Args:
        words: its words.
        weights: (word, head).
        names: what the heads are called.
        width: columns of the terminal, into which a long sentence is folded; None: any number.

    Example:
        >>> import torch
        >>> print(shaded(["good", "film"], torch.tensor([[0.75], [0.25]])))
                good film
        head 1  ████ ░░░░  'good' 0.75
        >>> print(shaded(["good", "film"], torch.tensor([[0.75], [0.25]]), width=15))
                good
        head 1  ████
                film
        head 1  ░░░░
        head 1  'good' 0.75
    """
    names = names or [f"head {number}" for number in range(1, weights.shape[1] + 1)]
    left = max(map(cell_len, names)) + 2
    room = None if width is None else max(width - left, NARROWEST)
    shown = [_fitted(printable(word), room) for word in words]
    heads = weights.T.tolist()
    steps = [
        [round((len(SHADES) - 1) * weight / max(head)) if max(head) > 0 else 0 for weight in head] for head in heads
    ]
    most = [max(range(len(words)), key=head.__getitem__) for head in heads]
    tops = [f"{printable(words[top])!r} {head[top]:.2f}" for top, head in zip(most, heads, strict=True)]
    lines = list(_lines(shown, room))
    in_line = len(lines) == 1 and (width is None or _width(shown) + left + 2 + max(map(cell_len, tops)) <= width)
    blocks = []
    for first, last in lines:
        rows = [" " * left + " ".join(shown[first:last])]
        for name, of_words, top in zip(names, steps, tops, strict=True):
            bars = (
                SHADES[step] * cell_len(word)
                for step, word in zip(of_words[first:last], shown[first:last], strict=True)
            )
            rows.append(set_cell_size(name, left) + " ".join(bars) + f"  {top}" * in_line)
        blocks.append("\n".join(row.rstrip() for row in rows))
    if not in_line:
        blocks.append("\n".join(set_cell_size(name, left) + top for name, top in zip(names, tops, strict=True)))
    return "\n".join(blocks)


def _width(words: Sequence[str]) -> int:
    return sum(map(cell_len, words)) + len(words) - 1


def _fitted(word: str, room: int | None) -> str:
    """Return a word, with an ellipsis in place of its end where it alone is too long for a line."""
    return word if room is None or cell_len(word) <= room else f"{set_cell_size(word, room - 1)}…"


def _lines(words: Sequence[str], room: int | None) -> Iterator[tuple[int, int]]:
    """Yield where each line of words begins and ends."""
    first = 0
    for number in range(1, len(words) + 1):
        if number == len(words) or (room is not None and _width(words[first : number + 1]) > room):
            yield first, number
            first = number

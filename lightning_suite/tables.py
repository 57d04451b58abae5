"""Format text in aligned columns: rows whose last column is wrapped to the terminal, and tables of numbers.

Cells may be foreign text: a terminal obeys nothing in them.
"""

import shutil
import textwrap
from collections.abc import Sequence
from functools import partial

from lightning_suite.errors import printable

NARROWEST = 32
"""Width that the last cell of a row needs; with less it goes on lines of its own."""

_wrap = partial(textwrap.wrap, break_long_words=False, break_on_hyphens=False)


def listing(rows: Sequence[Sequence[str]], width: int | None, indent: str = "") -> str:
    """Return rows of equal length in aligned columns, the last of which is wrapped to the width; None: not wrapped.

    Example:
        >>> print(listing([("fit", "trains"), ("predict", "predicts")], None))
        fit      trains
        predict  predicts
    """
    rows = [list(map(printable, row)) for row in rows]
    widths = [max(map(len, cells)) for cells in zip(*(row[:-1] for row in rows), strict=True)]
    left = len(indent) + sum(widths) + 2 * len(widths)
    lines = []
    for *cells, last in rows:
        start = indent + "".join(f"{cell:<{size}}  " for cell, size in zip(cells, widths, strict=True))
        if width is None or left + len(last) <= width:
            lines.append((start + last).rstrip())
        elif width - left >= NARROWEST:
            lines += _wrap(last, width, initial_indent=start, subsequent_indent=" " * left)
        else:
            deeper = f"{indent}    "
            lines += [start.rstrip(), *_wrap(last, width, initial_indent=deeper, subsequent_indent=deeper)]
    return "\n".join(lines)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under the names of their columns and a rule, with numbers aligned to the right.

    Example:
        >>> print(table(["metric", "value"], [["accuracy", "0.9"]]))
        metric    value
        --------  -----
        accuracy    0.9
    """
    columns, *rows = [list(map(printable, row)) for row in (columns, *rows)]
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    sides = [">" if rows and all(_is_number(row[i]) for row in rows) else "<" for i in range(len(columns))]
    lines = [columns, ["-" * width for width in widths], *rows]
    padded = [
        [f"{cell:{side}{width}}" for cell, side, width in zip(line, sides, widths, strict=True)] for line in lines
    ]
    return "\n".join("  ".join(cells).rstrip() for cells in padded)


def number(value: float) -> str:
    """Return a number in a table of metrics: four decimals, a whole number without, small and large ones in short.

    Example:
        >>> number(0.80801), number(10.0), number(2.5e-5), number(123456.789)
        ('0.8080', '10', '2.5e-05', '1.235e+05')
    """
    if value == 0 or (float(value).is_integer() and abs(value) < 1e9):
        return f"{value:.0f}"
    return f"{value:.4f}" if 0.001 <= abs(value) < 1e5 else f"{value:.4g}"


def count(amount: int, thing: str) -> str:
    """Return how many of a thing there are.

    Example:
        >>> count(1, "epoch"), count(1200, "step")
        ('1 epoch', '1,200 steps')
    """
    return f"{amount:,} {thing}" + ("" if amount == 1 else "s")


def terminal_width() -> int | None:
    """Return the columns of the terminal, or those in ``COLUMNS``; None where another program reads the output."""
    return shutil.get_terminal_size((0, 0)).columns or None


def clip(text: str, width: int) -> str:
    """Return the text, with an ellipsis in place of its end if it is too long."""
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"


def one_line(text: str, width: int = 320) -> str:
    """Return the text on one line, without its middle if it is too long."""
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width // 2]} ... {text[-width // 2 :]}"


def _is_number(cell: str) -> bool:
    try:
        float(cell or "0")
    except ValueError:
        return False
    return True

"""Text in aligned columns: rows whose last column is wrapped to the terminal, and numbers under their names."""

import os
import sys
from collections.abc import Sequence

# Narrower than this, the last column is easier read on lines of its own.
_NARROWEST = 32


def listing(rows: Sequence[Sequence[str]], width: int | None, indent: str = "") -> str:
    """Rows of equal length as text, each column as wide as its longest cell, the last one wrapped to the width."""
    widths = _widths([row[:-1] for row in rows])
    before = len(indent) + sum(widths) + 2 * len(widths)
    lines = []
    for row in rows:
        start = indent + "".join(f"{cell}  " for cell in _padded(row[:-1], widths))
        if width is None or before + len(row[-1]) <= width:
            lines.append((start + row[-1]).rstrip())
        elif width - before >= _NARROWEST:
            first, *others = _wrapped(row[-1], width - before)
            lines += [start + first, *(" " * before + other for other in others)]
        else:
            lines += [start.rstrip(), *(f"{indent}    {part}" for part in _wrapped(row[-1], width - len(indent) - 4))]
    return "\n".join(lines)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under the names of their columns and a rule; numbers stand to the right."""
    widths = _widths([columns, *rows])
    right = [all(map(_is_number, cells)) for cells in zip(*rows, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join("  ".join(_padded(row, widths, right)).rstrip() for row in [columns, rule, *rows])


def terminal_width() -> int | None:
    """Columns of the terminal, or of ``COLUMNS``; None where the output is read by another program."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError, AttributeError):
        return None


def clip(text: str, width: int) -> str:
    """The text, its end replaced by an ellipsis when it is too long."""
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"


def one_line(text: str, width: int = 320) -> str:
    """Return the text with single spaces, its middle left out when it is too long."""
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width // 2]} ... {text[-width // 2 :]}"


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """The length of the longest cell of each column."""
    return [max(map(len, cells)) for cells in zip(*rows, strict=True)]


def _padded(row: Sequence[str], widths: Sequence[int], right: Sequence[bool] = ()) -> list[str]:
    """The cells of a row, each as wide as its column; those of the columns that are named stand to the right."""
    sides = right or [False] * len(widths)
    return [
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(row, widths, sides, strict=True)
    ]


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines


def _is_number(cell: str) -> bool:
    try:
        float(cell or "0")
    except ValueError:
        return False
    return True

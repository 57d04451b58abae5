"""Prints rows in aligned columns; the last column is wrapped to what the terminal leaves of its line."""

import os
import sys
from collections.abc import Sequence

# Narrower than this, the last column is easier read on lines of its own.
_NARROWEST = 32


def terminal_width() -> int | None:
    """Columns of the terminal, or of ``COLUMNS``; None where the output is read by another program."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError, AttributeError):
        return None


def listing(rows: Sequence[Sequence[str]], width: int | None, indent: str = "") -> str:
    """Rows of equal length as text, each column as wide as its longest cell, the last one wrapped to the width."""
    if not rows:
        return ""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    before = len(indent) + sum(widths) + 2 * len(widths)
    lines = []
    for row in rows:
        start = indent + "".join(f"{cell:<{widths[i]}}  " for i, cell in enumerate(row[:-1]))
        if width is None or before + len(row[-1]) <= width:
            lines.append((start + row[-1]).rstrip())
        elif width - before >= _NARROWEST:
            first, *others = _wrapped(row[-1], width - before)
            lines += [start + first, *(" " * before + other for other in others)]
        else:
            lines += [start.rstrip(), *(f"{indent}    {part}" for part in _wrapped(row[-1], width - len(indent) - 4))]
    return "\n".join(lines)


def clip(text: str, width: int) -> str:
    """The text, its end replaced by an ellipsis when it is too long."""
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines

"""Tables in Markdown, as the benchmarks print them and the READMEs show them."""

from collections.abc import Sequence


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first are numbers."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def beside(time: float, unit: float) -> str:
    """Return a time, and its ratio to the unit."""
    ratio = time / unit
    return f"{time:.2f} ({ratio:.{1 if ratio >= 0.95 else 2}f}x)"

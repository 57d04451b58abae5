"""Tables in Markdown, as the benchmarks print them and the READMEs show them."""

from collections.abc import Mapping, Sequence


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]], others: str = "---:") -> str:
    """Return a Markdown table; all columns but the first are numbers, or what else the rule of ``others`` is for."""
    lines = [columns, ["---", *[others] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def rates_table(title: str, columns: Mapping[str, Mapping[str, float]], ours: str) -> str:
    """Return a table of rates by column and form, each with how many times as fast ours is."""
    rows = [
        [name, *(f"{rates[name]:,} ({rates[ours] / rates[name]:.1f}x)" for rates in columns.values())]
        for name in next(iter(columns.values()))
    ]
    return markdown([title, *columns], rows)


def beside(time: float, unit: float) -> str:
    """Return a time, and its ratio to the unit."""
    ratio = time / unit
    return f"{time:.2f} ({ratio:.{1 if ratio >= 0.95 else 2}f}x)"

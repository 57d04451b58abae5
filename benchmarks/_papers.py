"""The numbers that papers print, as the plugins declare them in their tables (docs/reproductions.md)."""

from collections.abc import Mapping
from functools import cache

from lightning_suite.plugins import find
from lightning_suite.reproduction.declared import table_of


@cache
def printed(plugin: str, table: str) -> Mapping[tuple[str, str], float | None]:
    """Return a table's numbers by row and column; None where it has none.

    Example:
        >>> printed("dsa", "table-2")["Single DSA", "SST-2"]
        88.5
    """
    return {(cell.row, cell.column): cell.paper for cell in table_of(find.get(plugin), table).cells}

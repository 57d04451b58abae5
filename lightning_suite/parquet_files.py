"""Parquet files that cannot be written say why."""

from pathlib import Path
from typing import Any

from lightning_suite.needs import needs


def write_table(path: str | Path, table: Any, **options: Any) -> None:
    """Write a table of pyarrow's; the file is made in memory first.

    pyarrow's own file says "error closing file" where the cause was a full disk, and ends the message with a traceback.

    Args:
        path: the file; see ``files.atomic_path`` for one that appears whole.
        table: of pyarrow.
        options: of ``pyarrow.parquet.write_table``, such as ``compression``.

    Raises:
        OSError: the file cannot be written.
        UsageError: pyarrow is not installed.

    Example:
        >>> import tempfile, pyarrow, pyarrow.parquet
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_table(f"{folder}/a.parquet", pyarrow.table({"x": [1, 2]}))
        ...     pyarrow.parquet.read_table(f"{folder}/a.parquet")["x"].to_pylist()
        [1, 2]
    """
    with needs("writing .parquet", "pyarrow"):
        import pyarrow
        import pyarrow.parquet
    content = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, content, **options)
    Path(path).write_bytes(content.getvalue())

"""Writes the plugin of two layers (tests/lightning_suite/tiny.py) with a table of a paper."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

TINY = Path(__file__).parent.parent / "lightning_suite" / "tiny.py"


def write(folder: Path, table: Mapping[str, Any], *, record: str = "", more: str = "") -> str:
    """Write the plugin and its table ``widths`` into a folder, and return its path for the command line.

    Args:
        folder: is there.
        table: what the plugin declares.
        record: lines that the record has besides.
        more: what stands at the end of the file.
    """
    lines = f"    reproductions='tiny:tables',\n{record}"
    (folder / "tiny.py").write_text(TINY.read_text().replace("    renamed=", f"{lines}    renamed=") + more)
    (folder / "tables").mkdir()
    (folder / "tables" / "widths.yaml").write_text(yaml.safe_dump(dict(table), sort_keys=False))
    return f"{folder / 'tiny.py'}:plugin"

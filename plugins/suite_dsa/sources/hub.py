"""Reads splits of data sets of the Hugging Face hub, where the package ``datasets`` is installed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning_suite.errors import DataError
from lightning_suite.needs import needs
from suite_dsa.sources.columns import Columns, choose
from suite_dsa.sources.examples import NO_LABEL, Example, Table, class_name

HUB = "hf:"
"""The beginning of a path into the hub."""


def read_hub(path: Path, columns: Columns, *, labelled: bool = True) -> Table:
    """Return a split of a data set; ``hf:NAME:SPLIT`` or ``hf:NAME:CONFIGURATION:SPLIT``.

    Args:
        path: the name of the split.
        columns: the names of the columns.
        labelled: whether to read labels; without them every row is kept.

    Raises:
        DataError: it cannot be loaded, or has no such columns.
        UsageError: the package ``datasets`` is not installed.
    """
    name, *parts = str(path).removeprefix(HUB).split(":")
    if not name or len(parts) not in (1, 2):
        raise DataError("expected hf:NAME:SPLIT or hf:NAME:CONFIGURATION:SPLIT, as in hf:stanfordnlp/sst2:train", path)
    with needs(f"reading {path}", "datasets"):
        import datasets
    try:
        rows: Any = datasets.load_dataset(name, *parts[:-1], split=parts[-1])
    except Exception as error:  # whatever the library and the network raise
        raise DataError(f"cannot be loaded: {type(error).__name__}: {error}", path) from error
    chosen = choose(list(rows.column_names), columns, labelled, path, 1)
    table = Table(unused=chosen.unused)
    names: Sequence[str] | None = getattr(rows.features[chosen.label], "names", None) if chosen.label else None
    for line, row in enumerate(rows, start=1):
        texts = tuple(row[name] for name in chosen.texts)
        if not all(isinstance(text, str) for text in texts):
            raise DataError(f"expected text in {' and '.join(chosen.texts)}, got {texts!r:.60}", path, line)
        label = row[chosen.label] if chosen.label else None
        if not labelled:
            table.examples.append(Example(texts, None, path, line))
        elif label is None or class_name(label) == NO_LABEL:
            table.dropped["without label"] += 1
        else:
            table.examples.append(Example(texts, class_name(label if names is None else names[label]), path, line))
    table.labels = None if names is None else tuple(names)
    return table

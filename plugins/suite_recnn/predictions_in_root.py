"""Predictions as ROOT: a TTree ``scores`` with an entry for each jet, to be a friend of the tree that was predicted."""

from pathlib import Path
from typing import Any

import numpy as np

from lightning_suite.errors import UsageError
from lightning_suite.needs import needs

TREE = "scores"


def write_root(path: Path, columns: dict[str, list[Any]]) -> None:
    """Write columns of numbers as the branches of a TTree.

    Raises:
        UsageError: a column has no numbers, or uproot is missing.
    """
    with needs("writing .root", "lightning-suite[recnn]"):
        import uproot
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    for name, values in arrays.items():
        if values.dtype.kind not in "biuf" or values.ndim != 1:
            raise UsageError(
                f"--output {path.suffix}: column {name!r} holds no numbers, and branches do. Write .parquet"
            )
    with uproot.recreate(path) as file:
        if arrays:  # a tree has at least one branch
            file.mktree(TREE, {name: values.dtype for name, values in arrays.items()}).extend(arrays)

"""The jets of a file that are predicted: all, in its order, or those that a condition selects."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from pytorch_lightning.utilities import rank_zero_info, rank_zero_warn

from suite_recnn import tree_cache
from suite_recnn.forests import ForestData
from suite_recnn.jet_sets import selectable
from suite_recnn.selection import names_in, selected
from suite_recnn.tree_cache import ClusteredFile

REPEATED = ("event", "jet_pt", "jet_eta", "jet_phi", "jet_mass")
"""Columns of a jet that predictions repeat beside its number in the file and its score."""

Blocks = Callable[[Sequence[str] | None], Iterator[ClusteredFile]]
"""Reads the file with these columns, or with all."""


def jets_to_predict(path: Path, blocks: Blocks, select: str | None, memory: float = 1.0) -> ForestData:
    """Return the trees of a file's jets, with what predictions repeat of each.

    Args:
        path: of the file, for messages.
        blocks: reads and clusters it.
        select: the condition of `suite_recnn.selection`; None: all jets.
        memory: the largest size of the trees, in GiB, that is held in memory; see `suite_recnn.tree_cache.passing`.

    Raises:
        DataError: the file cannot be read, or lacks a column of the condition.
    """
    named = [] if select is None else names_in(select)
    forest, columns = tree_cache.passing(blocks((*REPEATED, *named)), memory)
    jets = np.arange(len(forest))
    if select is not None:
        if not set(named) <= set(selectable(forest, columns)):
            columns |= tree_cache.passing(blocks(None), memory)[1]  # the message names all columns
        jets = np.flatnonzero(selected(select, selectable(forest, columns), path))
        rank_zero_info(f"data: {path.name}: not selected: {len(forest) - len(jets):,} of {len(forest):,} jets")
    if empty := np.count_nonzero(np.diff(forest.offsets)[jets] == 0):
        rank_zero_warn(f"{path}: {empty:,} of {len(jets):,} jets have no constituents: their scores are nan")
    repeated = {name: torch.tensor(columns[name][jets]) for name in REPEATED}
    return ForestData(forest, jets, None, {"jet": torch.tensor(jets), **repeated})

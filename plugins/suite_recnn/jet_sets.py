"""The jets of files as the sets that networks see: labelled, selected, divided by event, and weighted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from pytorch_lightning.utilities import rank_zero_info

from lightning_suite.errors import DataError, UsageError
from suite_recnn.forests import ForestData, TreesOfJets
from suite_recnn.jet_files import JetFile, labels_of
from suite_recnn.selection import left_out, names_in, selected
from suite_recnn.sources.columns import ROLES
from suite_recnn.splitting import PARTS, parts_of
from suite_recnn.tree_cache import ClusteredFile
from suite_recnn.weights import Use, flattening, given_weights, normalised, said

COMPUTED: Final = ("jet_pt", "jet_eta", "jet_phi", "jet_mass", "multiplicity")
"""What a selection may name of any file."""


@final
@dataclass(frozen=True, kw_only=True)
class Division:
    """How jets are divided; the options of ``suite_recnn.data.JetData`` of the same names say what each is."""

    classes: tuple[str, ...]
    columns: Mapping[str, str] | None
    select: str | None
    jets: int | None
    validation_fraction: float
    test_fraction: float
    split_seed: int
    weights: Use
    flat_pt: bool

    @property
    def options(self) -> str:
        """The options that name the classes."""
        return "--data.signal, --data.background" if len(self.classes) == 2 else "--data.classes"


class FileOfJets(NamedTuple):
    """What is known of the jets of a file, (jet,) each; the label is -1 for a jet that is in no set."""

    labels: NDArray[np.int64]
    parts: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    pt: NDArray[np.float64]


def divided(
    files: Sequence[JetFile],
    clustered: Sequence[ClusteredFile],
    forest: TreesOfJets,
    division: Division,
    path: Path,
) -> dict[str, ForestData]:
    """Return the set of each part, in the order of `PARTS`.

    Args:
        files: where the jets are from.
        clustered: the trees and columns of the same files.
        forest: the trees of all files.
        division: how.
        path: of all files, for messages.

    Raises:
        DataError: no column distinguishes the classes, a column of the selection is missing, or weights are wrong.
    """
    read = [_read(*pair, division) for pair in zip(files, clustered, strict=True)]
    labels = np.concatenate([one.labels for one in read])
    parts = np.concatenate([one.parts for one in read])
    _limit(labels, parts if files[0].part is not None else np.zeros_like(parts), division)
    given = _weights(files, read, labels, division, path)
    pt = np.concatenate([one.pt for one in read]) if division.flat_pt else None
    sets = {}
    for number, part in enumerate(PARTS):
        chosen = np.flatnonzero((parts == number) & (labels >= 0))
        weights = None if given is None else given[chosen]
        if pt is not None and part == "train" and len(chosen):
            factors = flattening(pt[chosen], labels[chosen], weights)
            weights = normalised(
                factors if weights is None else factors * weights, labels[chosen], division.classes, path
            )
            rank_zero_info(
                f"data: flat_pt: weights of the training jets: {said(weights, labels[chosen], division.classes)}"
            )
        sets[part] = ForestData(
            forest,
            chosen,
            labels[chosen].astype(np.float32) if len(division.classes) == 2 else labels[chosen],
            weights=None if weights is None else weights.astype(np.float32),
        )
    return sets


def check_not_empty(counts: Mapping[str, int], part: str, stage: str, division: Division, path: Path) -> None:
    """Raise an error where training or validation lacks a class, or a test has no jets."""
    shares = {"validation": division.validation_fraction, "test": division.test_fraction}
    if stage == "fit" and shares.get(part) == 0 and not sum(counts.values()):
        raise UsageError(
            f"--data.{part}_fraction must be above 0: validation chooses the checkpoint, a test ends the training"
        )
    if stage == "fit" and part != "test":
        missing = [name for name, count in counts.items() if count == 0]
    else:
        missing = list(counts) if sum(counts.values()) == 0 else []
    if missing:
        raise DataError(
            f"there are no {' and no '.join(missing)} jets for {part}. Check the names of the classes "
            f"({division.options}), the shares (--data.validation_fraction, --data.test_fraction)"
            + ("" if division.select is None else f" and the selection (--data.select {division.select!r})"),
            path,
        )


def _read(file: JetFile, clustered: ClusteredFile, division: Division) -> FileOfJets:
    """Return what the columns of a file say, and tell which jets are in no set."""
    columns, jets, classes = clustered.columns, len(clustered.forest), division.classes
    labels = labels_of(file, columns, jets, classes, named="label" in (division.columns or {}))
    if neither := np.count_nonzero(labels < 0):
        none = f"neither {classes[1]} nor {classes[0]}" if len(classes) == 2 else f"none of {', '.join(classes)}"
        rank_zero_info(f"data: left out: {neither:,} jets that are {none}")
    empty = np.diff(clustered.forest.offsets) == 0
    if without := np.count_nonzero(empty & (labels >= 0)):
        rank_zero_info(f"data: {file.path.name}: left out: {without:,} jets without constituents")
    labels = np.where(empty, -1, labels)
    if division.select is not None:
        chosen = selected(division.select, selectable(clustered.forest, columns), file.path)
        rank_zero_info(f"data: {file.path.name}: not selected: {left_out(classes, labels, chosen)}")
        labels = np.where(chosen, labels, -1)
    if file.part is None:
        parts = parts_of(
            columns,
            file.path,
            validation=division.validation_fraction,
            test=division.test_fraction,
            split_seed=division.split_seed,
        )
    else:
        parts = np.full(jets, PARTS.index(file.part))
    return FileOfJets(labels, parts, given_weights(columns, division.weights, file.path), columns["jet_pt"])


def selectable(forest: TreesOfJets, columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the columns that a selection may name: those of the file, and of the jets' momenta and constituents."""
    return {"multiplicity": (np.diff(forest.offsets) + 1) // 2, **columns}


def with_columns_of(select: str, columns: dict[str, str] | None) -> dict[str, str] | None:
    """Return the mapping with the columns of a selection: of files whose momenta are named only named ones are read."""
    names = [name for name in names_in(select) if name not in COMPUTED]
    return {name: name for name in names} | columns if columns and set(ROLES) & set(columns) else columns


def counts_of(labels: NDArray[Any] | None, classes: Sequence[str]) -> dict[str, int]:
    """Return the number of jets of each class; of two, that of signal first."""
    counts = {name: int(np.count_nonzero(labels == label)) for label, name in enumerate(classes)}
    return dict(reversed(counts.items())) if len(counts) == 2 else counts


def _limit(labels: NDArray[np.int64], groups: NDArray[np.int64], division: Division) -> None:
    """Give the label -1 to all but the first ``jets`` of each class in each group."""
    for label in range(len(division.classes)) if division.jets is not None else ():
        for group in np.unique(groups):
            labels[np.flatnonzero((labels == label) & (groups == group))[division.jets :]] = -1


def _weights(
    files: Sequence[JetFile], read: Sequence[FileOfJets], labels: NDArray[np.int64], division: Division, path: Path
) -> NDArray[np.float64] | None:
    """Return the weight of each jet, 1 on average over a class; None where no file has weights.

    A file without weights beside one with them is an error where both may hold jets of a class.
    """
    if all(one.weights is None for one in read):
        return None
    for label in {file.label for file in files}:
        of_label = [(file, one.weights is None) for file, one in zip(files, read, strict=True) if file.label == label]
        without = [file.path.name for file, lacks in of_label if lacks]
        if without and len(without) < len(of_label):
            raise DataError(
                f"{', '.join(without)}: no column `weight`, which other files of the class have; expected it in all or "
                "in none. --data.weights false ignores it",
                path,
            )
    raw = np.concatenate([np.ones(len(one.labels)) if one.weights is None else one.weights for one in read])
    weights = normalised(raw, labels, division.classes, path)
    rank_zero_info(f"data: weights, 1 on average over a class: {said(weights, labels, division.classes)}")
    return weights

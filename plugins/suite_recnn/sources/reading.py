"""Jets from files, in the formats in which they are published.

================  ====================================================================================================
``*.parquet``     generated files, recognised by the column ``constituents``: a list of {px, py, pz, E} for each jet;
                  the Top-Tagging reference set; any other with a list column for each component of the momenta, or
                  a list of structs of them
``*.h5 *.hdf5``   the Top-Tagging reference set (Kasieczka et al., 2019, doi:10.5281/zenodo.2603256), a table or fixed;
                  JetNet (arXiv:2106.11535); any other with an array for each component, padded with zeros
``*.npz``         EnergyFlow's quark and gluon jets and its arrays of four-momenta; any other as in HDF5
``*.root``        Delphes: its e-flow particles are clustered into jets; any other tree with a jagged branch for each
                  component
================  ====================================================================================================

Some layouts of columns are recognised, and a mapping names those of others: ``columns``. Values that cannot be a jet
are an error that names jet and constituent: ``momenta``. The libraries of a format are imported when a file of the
format is read.
"""

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import DataError, SuiteError
from lightning_suite.needs import needs
from lightning_suite.text_files import within_memory
from suite_recnn.jets import Jets, concatenate
from suite_recnn.sources.columns import wanted
from suite_recnn.sources.momenta import rounded_masses
from suite_recnn.sources.units import GEV, Unit, doubt

if TYPE_CHECKING:
    from suite_recnn.jet_finding import JetDefinition
    from suite_recnn.sources.parquet import RowGroups

PARQUET = (".parquet", ".pq")
HDF5 = (".h5", ".hdf5", ".hdf")
NUMPY = (".npz",)
ROOT = (".root",)
SUFFIXES = (*PARQUET, *HDF5, *NUMPY, *ROOT)
ENERGIES = ("jet_pt", "jet_mass", "jet_energy")
"""Columns with a value for each jet that are in the unit of the file."""
BLOCK = 10_000
"""Jets that are read at once: some 20 MB of momenta."""
OPTION = "--data."
"""How options begin in the messages of this package; a caller may have another beginning."""


def read(
    path: Path,
    columns: Mapping[str, str] | None = None,
    *,
    definition: "JetDefinition | None" = None,
    unit: Unit = "GeV",
    only: Collection[str] | None = None,
    option: str = OPTION,
) -> Jets:
    """Return the jets of a file, in its order, also those without constituents.

    In each jet the hardest constituent comes first. There is always a column ``event``, a running number where the
    file has none, and ``label`` is a whole number or a text. A warning says where the momenta cannot be in the unit,
    and another how many masses slightly below zero were taken as 0.

    Args:
        path: of the file.
        columns: the file's column for each of our names, see ``columns``; for ROOT files also ``tree``.
        definition: the jets to find where a file holds events (Delphes); None: ``JetDefinition()``.
        unit: of the momenta, energies and masses in the file; the jets and their columns `ENERGIES` are in GeV.
        only: the columns to read beside the constituents, by our names; the others may be absent or damaged. None: all.
        option: how options begin in messages.

    Raises:
        DataError: the file does not exist, is damaged, has no known format or layout, lacks a column, or holds values
            that cannot be a jet; the message names jet, constituent and column.
        UsageError: the mapping names no complete momentum, or a package is missing.

    Example:
        >>> import suite_recnn
        >>> jets = read(Path(suite_recnn.__file__).parent / "recipes" / "check" / "w_check.parquet")
        >>> len(jets), jets.columns["sample"][0].item()
        (150, 'w')
    """
    blocks = read_blocks(path, columns, definition=definition, unit=unit, only=only, option=option, jets=None)
    return concatenate(list(blocks))


def read_blocks(
    path: Path,
    columns: Mapping[str, str] | None = None,
    *,
    definition: "JetDefinition | None" = None,
    unit: Unit = "GeV",
    only: Collection[str] | None = None,
    option: str = OPTION,
    jets: int | None = BLOCK,
) -> Iterator[Jets]:
    """Yield the jets of a file in its order, block by block, so that not all of them are in memory at once.

    Of a parquet file the row groups are read one by one; files of other formats are read whole, and only what is made
    of their jets is made block by block.

    Args:
        path: of the file; the other arguments and the errors are those of `read`, too.
        columns: see `read`.
        definition: see `read`.
        unit: see `read`.
        only: see `read`.
        option: see `read`.
        jets: about the number of jets in a block; None: the file is one block.
    """
    if not path.is_file():
        raise DataError("is a folder; expected a file" if path.is_dir() else "there is no such file", path)
    if not path.stat().st_size:
        raise DataError("is empty: it has no bytes; expected a file with jets", path)
    first, constituents, rounded = 0, 0, 0
    for groups in _groups(path, jets):
        try:
            with within_memory(path), rounded_masses() as masses:
                block = in_gev(_read(path, wanted(columns or {}, only), definition, unit, only, groups), unit)
        except SuiteError as error:
            counted = f" (counted from jet {first:,} of the file)" if first else ""
            error.args = tuple(f"{words}".replace(OPTION, option) + counted for words in error.args)
            raise
        if not first:
            totals = block.totals()
            doubt_unit(path, np.hypot(totals[:, 0], totals[:, 1]), unit, option)
        rounded += sum(masses)
        first += len(block)
        constituents += len(block.momenta)
        if jets is None or len(block) < 2 * jets:
            yield block
        else:
            for begin in range(0, len(block), jets):
                yield block.take(np.arange(begin, min(begin + jets, len(block))))
    if not first:
        raise DataError("holds no jets; expected at least one", path)
    if not constituents:
        raise DataError(f"none of its {first:,} jets has a constituent; all are padding", path)
    if rounded:
        _warn(path, f"{rounded:,} masses slightly below zero, as rounding leaves them, are taken as 0")


def doubt_unit(path: Path, pt: NDArray[np.float64], unit: Unit, option: str = OPTION) -> None:
    """Warn where the momenta of the jets of a file cannot be in the unit with which they were read.

    Args:
        path: of the file.
        pt: (jet,) transverse momenta in GeV; those of jets without constituents, 0, are left out.
        unit: with which they were read.
        option: see `read`.
    """
    if words := doubt(pt[pt > 0], unit):
        _warn(path, f"{words}. {option}unit says in which unit a file is; it is {unit}")


def _groups(path: Path, jets: int | None) -> Sequence["RowGroups | None"]:
    """Return the row groups of each block of a parquet file; None stands for all that a file holds."""
    if jets is None or path.suffix.lower() not in PARQUET:
        return [None]
    with needs("reading parquet files", "lightning-suite[recnn]"):
        from suite_recnn.sources.parquet import row_groups
    return row_groups(path, jets)


def _warn(path: Path, words: str) -> None:
    warnings.warn(f"{path}: {words}", RuntimeWarning, stacklevel=3)


def in_gev(jets: Jets, unit: Unit) -> Jets:
    """Return jets whose momenta, and columns of energies, are in a unit, in GeV."""
    gev = GEV[unit]
    if gev == 1:
        return jets
    values = {name: jets.columns[name] * gev for name in ENERGIES if name in jets.columns}
    return replace(jets, momenta=jets.momenta * gev, columns=jets.columns | values)


def _read(
    path: Path,
    columns: Mapping[str, str],
    definition: "JetDefinition | None",
    unit: Unit,
    only: Collection[str] | None,
    groups: "RowGroups | None",
) -> Jets:
    """Return the jets in the unit of the file, of a parquet file those of some row groups."""
    suffix = path.suffix.lower()
    if suffix in PARQUET:
        with needs("reading parquet files", "lightning-suite[recnn]"):
            from suite_recnn.sources.parquet import read_parquet
        return read_parquet(path, columns, only, groups)
    if suffix in HDF5:
        with needs("reading HDF5 files", "lightning-suite[recnn]"):
            from suite_recnn.sources.hdf5 import read_hdf5
        return read_hdf5(path, columns, only)
    if suffix in NUMPY:
        from suite_recnn.sources.energyflow import read_arrays

        return read_arrays(path, columns, only)
    if suffix in ROOT:
        with needs("reading ROOT files", "lightning-suite[recnn]"):
            from suite_recnn.jet_finding import JetDefinition
            from suite_recnn.sources.root import read_root
        wanted, gev = definition or JetDefinition(), GEV[unit]
        window = replace(wanted, pt_min=wanted.pt_min / gev, pt_max=wanted.pt_max / gev)
        return read_root(path, columns, window, only)
    known = ", ".join(f"*{ending}" for ending in SUFFIXES)
    raise DataError(f"jets cannot be read from a file that ends in {path.suffix!r}; expected one of {known}", path)

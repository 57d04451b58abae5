"""Jets from files, in the formats in which they are published.

================  ====================================================================================================
``*.parquet``     generated files, recognised by the column ``constituents``: a list of {px, py, pz, E} for each jet;
                  any other with a list column for each component of the momenta
``*.h5 *.hdf5``   the Top-Tagging reference set (Kasieczka et al., 2019, doi:10.5281/zenodo.2603256); any other with an
                  array for each component, padded with zeros
``*.root``        Delphes: its e-flow particles are clustered into jets; any other tree with a jagged branch for each
                  component
================  ====================================================================================================

Some layouts of columns are recognised, and a mapping names those of others: ``columns``. Values that cannot be a jet
are an error that names jet and constituent: ``momenta``. The libraries of a format are imported when a file of the
format is read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_suite.errors import DataError
from lightning_suite.needs import needs
from lightning_suite.text_files import within_memory
from suite_recnn.jets import Jets

if TYPE_CHECKING:
    from suite_recnn.jet_finding import JetDefinition

PARQUET = (".parquet", ".pq")
HDF5 = (".h5", ".hdf5", ".hdf")
ROOT = (".root",)


def read(path: Path, columns: Mapping[str, str] | None = None, *, definition: "JetDefinition | None" = None) -> Jets:
    """Return the jets of a file, in its order.

    In each jet the hardest constituent comes first. There is always a column ``event``, a running number where the
    file has none, and ``label`` is a whole number.

    Args:
        path: of the file.
        columns: the file's column for each of our names, see ``columns``; for ROOT files also ``tree``.
        definition: the jets to find where a file holds events (Delphes); None: ``JetDefinition()``.

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
    if not path.is_file():
        raise DataError("is a folder; expected a file" if path.is_dir() else "there is no such file", path)
    if not path.stat().st_size:
        raise DataError("is empty: it has no bytes; expected a file with jets", path)
    with within_memory(path):
        jets = _read(path, columns, definition)
    if not len(jets):
        raise DataError("holds no jets; expected at least one", path)
    return jets


def _read(path: Path, columns: Mapping[str, str] | None, definition: "JetDefinition | None") -> Jets:
    suffix = path.suffix.lower()
    if suffix in PARQUET:
        with needs("reading parquet files", "lightning-suite[recnn]"):
            from suite_recnn.sources.parquet import read_parquet
        return read_parquet(path, columns)
    if suffix in HDF5:
        with needs("reading HDF5 files", "lightning-suite[recnn]"):
            from suite_recnn.sources.hdf5 import read_hdf5
        return read_hdf5(path, columns)
    if suffix in ROOT:
        with needs("reading ROOT files", "lightning-suite[recnn]"):
            from suite_recnn.sources.root import read_root
        return read_root(path, columns, definition)
    known = ", ".join(f"*{ending}" for ending in (*PARQUET, *HDF5, *ROOT))
    raise DataError(f"jets cannot be read from a file that ends in {path.suffix!r}; expected one of {known}", path)

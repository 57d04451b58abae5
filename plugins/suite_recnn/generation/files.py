"""Files of generated jets: parquet with a row for each jet, whose schema says how the jets were made."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lightning_suite import parquet_files
from lightning_suite.errors import DataError
from lightning_suite.files import atomic_path

METADATA_KEY = b"lightning_suite"
"""The entry of a file's schema that says, as JSON, how its jets were made."""

CONSTITUENT = pa.struct(
    [
        pa.field(name, kind, nullable=False)
        for name, kind in [
            ("px", pa.float32()),
            ("py", pa.float32()),
            ("pz", pa.float32()),
            ("E", pa.float32()),
            ("pid", pa.int32()),
        ]
    ]
)

SCHEMA = pa.schema(
    [
        pa.field(name, kind, nullable=False)
        for name, kind in [
            ("event", pa.int64()),
            ("seed", pa.int64()),
            ("label", pa.int8()),
            ("sample", pa.string()),
            ("jet_pt", pa.float64()),
            ("jet_eta", pa.float64()),
            ("jet_phi", pa.float64()),
            ("jet_mass", pa.float64()),
            ("truth_id", pa.int32()),
            ("truth_pt", pa.float64()),
            ("truth_dr", pa.float64()),
            ("contained", pa.bool_()),
            ("constituents", pa.list_(pa.field("item", CONSTITUENT, nullable=False))),
        ]
    ]
)
"""Columns of a row, which is a jet. ``event`` is unique within (sample, seed); ``jet_*`` belong to the sum of the
constituents, in GeV; ``truth_*`` to the nearest parton that may have made the jet; ``contained``: the quarks of the W's
or the top's decay are all within the jet's radius, always false for the other classes; ``constituents``: the hardest
comes first."""


def description(path: Path) -> dict[str, Any]:
    """Return how the jets of a generated file were made; an empty dict for another parquet file.

    Raises:
        DataError: it is not a parquet file.
    """
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"not a parquet file: {str(error).splitlines()[0]}", path) from error
    stored: dict[str, Any] = json.loads(metadata.get(METADATA_KEY, b"{}"))
    return stored


def write(path: Path, table: pa.Table, how: Mapping[str, Any]) -> None:
    """Write jets and the description of how they were made; the file appears whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic_path(path) as unfinished:
        table = table.replace_schema_metadata({METADATA_KEY: json.dumps(how)})
        parquet_files.write_table(unfinished, table, compression="zstd", row_group_size=10_000)

"""Jets from parquet: generated files, and any other with a list column for each component of the momenta."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lightning_suite.errors import DataError
from lightning_suite.offsets import offsets_of
from suite_recnn.jets import Jets
from suite_recnn.sources.columns import ROLES, choose, finished, values_of_jets
from suite_recnn.sources.momenta import Origin, packed, reading, same_counts

OURS = "constituents"
"""The column by which generated files are recognised: a list of {px, py, pz, E, ...} for each jet."""

_FIELDS = {"px": "px", "py": "py", "pz": "pz", "energy": "E"}


def read_parquet(path: Path, columns: Mapping[str, str] | None, only: Collection[str] | None = None) -> Jets:
    """Return the jets of a parquet file.

    Raises:
        DataError, UsageError: see `suite_recnn.sources.reading.read`.
    """
    with reading(path, "parquet", pa.ArrowException, OSError, UnicodeError):
        schema = pq.read_schema(path)
    scalars = [field.name for field in schema if _is_scalar(field.type)]
    if OURS in schema.names and not set(ROLES) & set(columns or ()):
        of_jets = values_of_jets(path, columns, scalars, only)
        table = _table(path, [OURS, *dict.fromkeys(of_jets.values())])
        momentum, offsets = _structs(path, table.column(OURS))
        names = {role: f"{OURS}.{field}" for role, field in _FIELDS.items()}
        values = {name: _scalars(path, table, column) for name, column in of_jets.items()}
    else:
        lists = [
            field.name for field in schema if _is_list(field.type) and not pa.types.is_struct(field.type.value_type)
        ]
        chosen = choose(path, columns, lists, scalars, schema.names, only)
        names = chosen.momentum
        table = _table(path, list(dict.fromkeys([*names.values(), *chosen.scalars.values()])))
        components = {role: _lists(path, table, name) for role, name in names.items()}
        momentum = {role: content for role, (content, _) in components.items()}
        offsets = same_counts({role: offsets for role, (_, offsets) in components.items()}, Origin(path, names))
        values = {name: _scalars(path, table, column) for name, column in chosen.scalars.items()}
    return packed(momentum, offsets, finished(path, values, len(offsets) - 1), Origin(path, names))


def _table(path: Path, names: list[str]) -> pa.Table:
    with reading(path, "parquet", pa.ArrowException, OSError, UnicodeError):
        table = pq.read_table(path, columns=names)
        table.validate(full=True)  # else a damaged text or list is found wherever it is first looked at
        return table


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_scalar(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    numeric = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    return bool(numeric or types.is_string(kind) or types.is_large_string(kind))


def _structs(path: Path, column: pa.ChunkedArray) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    content, offsets = _content(path, OURS, column)
    fields = [field.name for field in content.type] if pa.types.is_struct(content.type) else []
    missing = [field for field in _FIELDS.values() if field not in fields]
    if missing:
        raise DataError(
            f"column {OURS!r}: expected a list of px, py, pz, E for each jet, got {content.type}, without {missing}",
            path,
        )
    flat = dict(zip(fields, content.flatten(), strict=True))
    return {role: _numbers(path, f"{OURS}.{field}", flat[field], offsets) for role, field in _FIELDS.items()}, offsets


def _lists(path: Path, table: pa.Table, name: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    if not _is_list(table.column(name).type):
        kind = table.column(name).type
        raise DataError(f"column {name!r}: expected a list of numbers for each jet, got {kind}", path)
    content, offsets = _content(path, name, table.column(name))
    return _numbers(path, name, content, offsets), offsets


def _content(path: Path, name: str, column: pa.ChunkedArray) -> tuple[pa.Array, NDArray[np.int64]]:
    """Return the values of a list column end to end, and the offsets of the lists."""
    if column.null_count:
        jet = int(np.argmax(pc.is_null(column).to_numpy()))
        raise DataError(f"jet {jet}: column {name!r} has no value; expected a list", path)
    counts = pc.list_value_length(column).to_numpy()
    content = pc.list_flatten(column)  # of a list array: a view, and within its bounds
    content = content.chunk(0) if content.num_chunks == 1 else content.combine_chunks()
    return content, offsets_of(counts)


def _numbers(path: Path, name: str, values: pa.Array, offsets: NDArray[np.int64]) -> NDArray[Any]:
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise DataError(f"column {name!r}: expected numbers, got {values.type}", path)
    if values.null_count:
        row = int(np.argmax(values.is_null().to_numpy(zero_copy_only=False)))
        jet = int(np.searchsorted(offsets, row, side="right")) - 1
        raise DataError(f"jet {jet}, constituent {row - offsets[jet]}: {name} has no value; expected a number", path)
    numbers: NDArray[Any] = values.to_numpy(zero_copy_only=False)
    return numbers


def _scalars(path: Path, table: pa.Table, name: str) -> NDArray[Any]:
    column = table.column(name)
    if not _is_scalar(column.type):
        raise DataError(f"column {name!r}: expected one number or text for each jet, got {column.type}", path)
    if column.null_count:
        jet = int(np.argmax(pc.is_null(column).to_numpy()))
        raise DataError(f"jet {jet}: column {name!r} has no value; expected one for each jet", path)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _texts(column)
    values: NDArray[Any] = column.to_numpy()
    return values


def _texts(column: pa.ChunkedArray) -> NDArray[np.str_]:
    if not len(column):
        return np.array([], dtype=np.str_)
    encoded = column.combine_chunks().dictionary_encode()  # of few different texts, each is converted once
    texts: NDArray[np.str_] = np.array(encoded.dictionary.to_pylist(), dtype=np.str_)[encoded.indices.to_numpy()]
    return texts

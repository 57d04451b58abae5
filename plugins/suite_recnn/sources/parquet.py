"""Jets from parquet: generated files, and any other with a list column for each component of the momenta.

One column may hold all of them, as a list of structs (``ak.zip``): ``constituents`` of generated files, or
``COLUMN.FIELD`` in a mapping. The Top-Tagging set is read as huggingface.co/datasets/dl4phys/top_tagging has it: a
column for each component of each constituent, ``E_0, PX_0, ...``, padded with zeros.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lightning_suite.errors import DataError
from lightning_suite.offsets import offsets_of
from lightning_suite.progress import track
from suite_recnn.jets import Jets
from suite_recnn.sources import top_tagging
from suite_recnn.sources.arrays import BLOCK, Lists, joined, padded
from suite_recnn.sources.columns import choose, finished, has_momenta, renamed
from suite_recnn.sources.momenta import Origin, packed, reading, same_counts


class RowGroups(NamedTuple):
    """Some row groups of a file.

    Attributes:
        numbers: theirs, one after the other.
        first: the number of their first row in the file.
    """

    numbers: list[int]
    first: int


def row_groups(path: Path, jets: int) -> list[RowGroups]:
    """Return the row groups of a file, together where they have fewer than this number of jets."""
    with reading(path, "parquet", pa.ArrowException, OSError, UnicodeError), pq.ParquetFile(path) as file:
        sizes = [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]
    together = [RowGroups([], 0)]
    for number in range(len(sizes)):
        numbers, first = together[-1]
        if (held := sum(sizes[i] for i in numbers)) >= jets:
            together.append(RowGroups([number], first + held))
        else:
            numbers.append(number)
    return together


def read_parquet(
    path: Path, columns: Mapping[str, str], only: Collection[str] | None, groups: RowGroups | None = None
) -> Jets:
    """Return the jets of a parquet file, or of some of its row groups.

    Raises:
        DataError, UsageError: see `suite_recnn.sources.reading.read`.
    """
    with reading(path, "parquet", pa.ArrowException, OSError, UnicodeError):
        schema = pq.read_schema(path)
    if not has_momenta(columns) and (components := top_tagging.flat(schema.names)):
        return _flat(path, schema, components, columns, only, groups)
    scalars = [field.name for field in schema if _is_scalar(field.type)]
    lists = _lists_of(schema)
    nested = [field.name for field in schema if _is_list(field.type) and _is_list(field.type.value_type)]
    others = [name for name in schema.names if name not in {column for column, _ in lists.values()}]
    chosen = choose(path, columns, lists, scalars, [*lists, *others], only, nested=nested)
    names = chosen.momentum
    for name in names.values():
        if name not in lists:
            raise DataError(
                f"column {name!r}: expected a list of numbers for each jet, got {schema.field(name).type}", path
            )
    for name in chosen.scalars.values():
        if name in lists:
            raise DataError(f"column {name!r}: expected one number or text for each jet, got a list", path)
    needed = list(dict.fromkeys([*(lists[name][0] for name in names.values()), *chosen.scalars.values()]))
    table = _table(path, needed, groups)
    contents = {column: _content(path, column, table) for column in {lists[name][0] for name in names.values()}}
    momentum, offsets = {}, {}
    for role, name in names.items():
        column, field = lists[name]
        content, offsets[role] = contents[column]
        content = content if field is None else content.flatten()[content.type.get_field_index(field)]
        momentum[role] = _numbers(path, name, content, offsets[role])
    values = {name: _scalars(path, table, column) for name, column in chosen.scalars.items()}
    first = 0 if groups is None else groups.first
    shared = same_counts(offsets, Origin(path, names))
    return packed(momentum, shared, finished(path, values, len(shared) - 1, first), Origin(path, names))


def _lists_of(schema: pa.Schema) -> dict[str, tuple[str, str | None]]:
    """Return the columns with a list for each jet by name; those of structs by ``COLUMN.FIELD``: column and field."""
    lists: dict[str, tuple[str, str | None]] = {}
    for field in schema:
        if not _is_list(field.type):
            continue
        inside = field.type.value_type
        if pa.types.is_struct(inside):
            lists |= {f"{field.name}.{part.name}": (field.name, part.name) for part in inside}
        elif not _is_list(inside):
            lists[field.name] = (field.name, None)
    return lists


def _flat(
    path: Path,
    schema: pa.Schema,
    components: Mapping[str, list[str]],
    columns: Mapping[str, str],
    only: Collection[str] | None,
    groups: RowGroups | None,
) -> Jets:
    """Return the jets of the Top-Tagging set, with a column for each component of each constituent."""
    of_jets = [name for name in top_tagging.KNOWN if name in schema.names]
    numbers: dict[str, list[NDArray[Any]]] = {name: [] for name in of_jets}

    def blocks() -> Iterator[tuple[Lists, NDArray[np.int64], Origin]]:
        first = 0
        with pq.ParquetFile(path) as file:
            wanted = [*of_jets, *(name for names in components.values() for name in names)]
            batches = file.iter_batches(BLOCK, None if groups is None else groups.numbers, wanted)
            for batch in track(batches, f"reading {path.name}"):
                origin = Origin(path, top_tagging.NAMES, first=first)
                for name in of_jets:
                    numbers[name].append(batch.column(name).to_numpy(zero_copy_only=False))
                values = {
                    role: np.stack([batch.column(name).to_numpy(zero_copy_only=False) for name in names], axis=1)
                    for role, names in components.items()
                }
                yield *padded(values, origin), origin
                first += len(batch)

    with reading(path, "parquet", pa.ArrowException, OSError):
        jets = joined(blocks(), np.float32)
    values = {name: np.concatenate(parts or [np.zeros(0, dtype=np.int64)]) for name, parts in numbers.items()}
    known = renamed(path, columns, top_tagging.values_of_jets(path, values), only)
    return Jets(jets.momenta, jets.offsets, finished(path, known, len(jets), 0 if groups is None else groups.first))


def _table(path: Path, names: list[str], groups: RowGroups | None) -> pa.Table:
    with reading(path, "parquet", pa.ArrowException, OSError, UnicodeError):
        if groups is None:
            table = pq.read_table(path, columns=names)
        else:
            with pq.ParquetFile(path) as file:
                table = file.read_row_groups(groups.numbers, names)
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


def _content(path: Path, name: str, table: pa.Table) -> tuple[pa.Array, NDArray[np.int64]]:
    """Return the values of a list column end to end, and the offsets of the lists."""
    column = table.column(name)
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

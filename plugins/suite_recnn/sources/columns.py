"""Chooses the columns of a file that hold the momenta of the constituents, and those with a value for each jet.

A mapping from our names to the file's names them: px, py, pz, energy or pt, eta, phi with energy, mass or neither; any
other name is a column with one value for each jet. Without momenta in the mapping these layouts are recognised:

* ``part_px, part_py, part_pz, part_energy``: JetClass (Qu, Li, Qian, 2022, arXiv:2202.03772), and the Top-Tagging and
  quark-gluon sets as weaver converts them. JetClass's ten ``label_*`` become ``label``, their place in ``JETCLASS``;
* the names themselves: ``px, py, pz, energy``, or ``pt, eta, phi`` with ``energy``, ``mass`` or neither; ``rapidity``
  in place of ``eta`` with ``mass`` or neither; the energy may be called ``E`` or ``e``, the mass ``m`` or ``M``, as
  vector has them;
* one column with these as fields, such as the ``constituents`` of generated files: ``constituents.px, ...``.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import DataError, UsageError
from lightning_suite.spelling import no_such

ROLES = ("px", "py", "pz", "energy", "pt", "eta", "rapidity", "phi", "mass")
OURS = "constituents"
"""The column of generated files: a list of {px, py, pz, E, ...} for each jet."""
TREE = "tree"
"""Not a column, but the tree of a ROOT file that has the columns."""
KNOWN = ("event", "seed", "sample", "label")
"""Columns that other modules use: read whenever the file has them, as is any whose name has ``weight`` in it."""

JETCLASS = tuple(f"label_{name}" for name in ("QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl"))
"""The classes of JetClass in the order of its authors; a jet has a 1 in exactly one of these columns."""

HOW = (
    "name the columns, for instance --data.columns '{px: PX, py: PY, pz: PZ, energy: E, label: y}'; "
    "momenta are px, py, pz, energy or pt, eta (or rapidity), phi with energy or mass"
)

_COMPLETE = (
    ("px", "py", "pz", "energy"),
    ("pt", "eta", "phi", "energy"),
    ("pt", "eta", "phi", "mass"),
    ("pt", "eta", "phi"),  # massless; after those with an energy or a mass, so that these are used
    ("pt", "rapidity", "phi", "mass"),
    ("pt", "rapidity", "phi"),
)
_NAMES = {"energy": ("E", "energy", "e"), "mass": ("mass", "m", "M")}
"""What a component is called, where that is not its role alone; the first that is there."""
_RECOGNISED: tuple[dict[str, str], ...] = (
    {"px": "part_px", "py": "part_py", "pz": "part_pz", "energy": "part_energy"},
    *(
        dict(zip(roles, names, strict=True))
        for roles in _COMPLETE
        for names in product(*(_NAMES.get(role, (role,)) for role in roles))
    ),
)


class ColumnNames(NamedTuple):
    """The file's column names: of the momenta by role, and of the values of each jet by our name."""

    momentum: dict[str, str]
    scalars: dict[str, str]


def choose(
    path: Path,
    columns: Mapping[str, str] | None,
    lists: Collection[str],
    scalars: Sequence[str],
    listed: Sequence[str] | None = None,
    only: Collection[str] | None = None,
    nested: Sequence[str] = (),
) -> ColumnNames:
    """Return the names of the columns to read.

    Args:
        path: of the file, for messages.
        columns: the mapping; without momenta in it the layout is recognised.
        lists: the file's columns with a list for each jet.
        scalars: the file's columns with one value for each jet.
        listed: the columns that a message lists; by default both.
        only: the values of each jet that are wanted, by our names; None: all.
        nested: the file's columns with lists of lists, for messages.

    Raises:
        UsageError: the mapping lacks a component of the momentum, or has one too many.
        DataError: a column is missing, or the layout is not recognised.
    """
    listed = [*lists, *scalars] if listed is None else listed
    columns = columns or {}
    momentum = {role: name for role, name in columns.items() if role in ROLES}
    others = {name: column for name, column in columns.items() if name not in ROLES}
    if momentum and tuple(role for role in ROLES if role in momentum) not in map(_in_order, _COMPLETE):
        raise UsageError(f"the mapping of columns names {', '.join(columns)}, which is not a complete momentum: {HOW}")
    for name in columns.values():
        if name not in listed:
            raise DataError(f"{no_such('column', name, listed, 'there are')}\n{HOW}", path)
    if momentum:
        known = {name: name for name in scalars if name in KNOWN or "weight" in name.lower()}
        return ColumnNames(momentum, wanted(known, only) | others)
    if momentum := _recognised(path, lists):
        return ColumnNames(momentum, wanted({name: name for name in scalars}, only) | others)
    raise unknown_layout(path, [name for name in listed if name not in nested], nested)


def _recognised(path: Path, lists: Collection[str]) -> dict[str, str]:
    """Return the columns of the momenta in a known layout, of columns or of one column's fields; empty if none is."""
    structs = dict.fromkeys(name.rpartition(".")[0] for name in lists if "." in name)
    found = {}
    for prefix in ("", f"{OURS}.", *(f"{column}." for column in structs)):
        layouts = ({role: f"{prefix}{name}" for role, name in layout.items()} for layout in _RECOGNISED)
        if names := next((names for names in layouts if set(names.values()) <= set(lists)), None):
            found[prefix] = names
    if len(found) > 1 and not {"", f"{OURS}."} & set(found):
        choice = ", ".join(prefix.rstrip(".") for prefix in found)
        raise DataError(f"several columns hold momenta: {choice}; expected one. Say which: {HOW}", path)
    return next(iter(found.values()), {})


def wanted(columns: Mapping[str, str], only: Collection[str] | None) -> dict[str, str]:
    """Return the part of a mapping with the constituents' momenta and, of the other names, only these; None: all."""
    kept = only if only is None else (*ROLES, TREE, *only)
    return {name: column for name, column in columns.items() if kept is None or name in kept}


def renamed(
    path: Path, columns: Mapping[str, str], values: Mapping[str, NDArray[Any]], only: Collection[str] | None
) -> dict[str, NDArray[Any]]:
    """Return the values of each jet in a layout whose momenta are known: by the file's names, and by a mapping's.

    Raises:
        DataError: there is no column that the mapping names.
    """
    for name in columns.values():
        if name not in values:
            raise DataError(no_such("column with one value for each jet", name, values, "there are"), path)
    kept = wanted({name: name for name in values}, only) | dict(columns)
    return {name: values[column] for name, column in kept.items()}


def has_momenta(columns: Mapping[str, str]) -> bool:
    """Return whether a mapping names components of momenta."""
    return bool(set(ROLES) & set(columns))


def unknown_layout(path: Path, names: Sequence[str], nested: Sequence[str] = ()) -> DataError:
    """Return the error for a file without columns that look like constituents."""
    if nested:
        return DataError(
            f"{', '.join(nested[:6])} hold lists of lists (vector<vector>), an entry for each event with its jets; "
            "expected an entry for each jet. With awkward: flat = ak.flatten(array, axis=1) for each of them, then "
            "ak.to_parquet(ak.Array({'px': flat, ...}), FILE)",
            path,
        )
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    expected = f"'{OURS}' (ours), or part_px, part_py, part_pz, part_energy, or px, py, pz, energy"
    return DataError(f"expected columns with a list for each jet, {expected}; there are {shown or 'none'}\n{HOW}", path)


def _in_order(roles: Sequence[str]) -> tuple[str, ...]:
    return tuple(role for role in ROLES if role in roles)


def finished(path: Path, columns: Mapping[str, NDArray[Any]], jets: int, first: int = 0) -> dict[str, NDArray[Any]]:
    """Return the columns in their final form: with ``event``; ``label`` as whole numbers or texts; texts as str.

    Where there are no events the jets are numbered, from ``first`` on.

    Raises:
        DataError: a column has another length, an event is not a whole number, or a label is neither that nor a text.
    """
    done = {name: _plain(values) for name, values in columns.items()}
    if "label" not in done and set(JETCLASS) <= set(done):
        done["label"] = np.argmax(np.stack([done[name] for name in JETCLASS], axis=1), axis=1)
    done.setdefault("event", np.arange(first, first + jets))
    for name, values in done.items():
        if values.shape != (jets,):
            raise DataError(
                f"column {name!r} has the shape {values.shape} beside the constituents of {jets} jets; expected one "
                "value for each jet",
                path,
            )
    whole = ("event", "seed") if done.get("label", np.zeros(0)).dtype.kind == "U" else ("event", "seed", "label")
    return done | {name: _whole(path, name, done[name]) for name in whole if name in done}


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind in "OS":
        decoded = [text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text) for text in values.flat]
        return np.array(decoded, dtype=np.str_).reshape(values.shape)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _whole(path: Path, name: str, values: NDArray[Any]) -> NDArray[np.int64]:
    if values.dtype.kind in "biu":
        return values.astype(np.int64)
    numeric = values.dtype.kind == "f"
    wrong = ~(np.isfinite(values) & (values == np.floor(values))) if numeric else np.ones(len(values), dtype=bool)
    if wrong.any():
        jet = int(np.argmax(wrong))
        raise DataError(
            f"jet {jet}: {name} is {values[jet].item()!r}; expected a whole number. Another column: "
            f"--data.columns.{name} NAME",
            path,
        )
    return values.astype(np.int64)

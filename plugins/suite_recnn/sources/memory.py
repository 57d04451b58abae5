"""Jets from memory: arrays of four-momenta, or columns by name, of numpy, torch, awkward or lists.

==============================  ========================================================================================
(jet, constituent, 4)           px, py, pz, E of each constituent; padded with zeros, masked (``numpy.ma``), or an array
                                of awkward; or a list with one (constituent, 4) for each jet
(constituent, 4)                one jet
``{"px": ..., "py": ..., ...}`` the columns of `suite_recnn.sources.columns`, or an array of awkward with such fields:
                                (jet, constituent) padded with zeros, or a list of numbers for each jet; ``mask`` is
                                true where there is a constituent; any other has one value for each jet
==============================  ========================================================================================
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import DataError
from lightning_suite.offsets import offsets_of
from suite_recnn.jets import Jets
from suite_recnn.sources.arrays import Lists, padded
from suite_recnn.sources.columns import OURS, choose, finished
from suite_recnn.sources.momenta import Origin, are_angles, is_constituent, packed, same_counts
from suite_recnn.sources.reading import doubt_unit, in_gev
from suite_recnn.sources.units import Unit

WHERE = Path("jets in memory")
"""What messages say in place of a file."""

MOMENTUM = ("px", "py", "pz", "energy")
"""The order of the components in an array."""

MASK = "mask"

FORMS = (
    "expected an array (jet, constituent, 4) of px, py, pz, E, or (constituent, 4) of one jet, or a list of such, or "
    "columns by name, such as {'pt': ..., 'eta': ..., 'phi': ...} with (jet, constituent) each"
)


def jets_of(given: Any, columns: Mapping[str, str] | None = None, unit: Unit = "GeV") -> tuple[Jets, bool]:
    """Return jets in memory in the form of ``jets.py``, in GeV, and whether they were a single one.

    Args:
        given: arrays, columns, or `Jets`, which are in GeV and stay as they are.
        columns: the names of columns by ours; without momenta in it they are recognised.
        unit: of the momenta.

    Raises:
        TypeError: it has none of the forms above.
        DataError: a constituent cannot be a particle, or columns do not belong together.
        UsageError: the mapping names no complete momentum.

    Example:
        >>> jets, is_single = jets_of([[3.0, 0, 4, 5], [1, 0, 0, 1]])
        >>> jets.totals().tolist(), is_single
        ([[4.0, 0.0, 4.0, 6.0]], True)
        >>> len(jets_of({"pt": [[3.0, 1.0], [2.0]], "eta": [[0.1, 0.2], [0.3]], "phi": [[0.0, 0.1], [3.0]]})[0])
        2
    """
    if isinstance(given, Jets):
        known = "event" in given.columns
        return given if known else replace(given, columns=finished(WHERE, given.columns, len(given))), False
    fields = getattr(given, "fields", None) if _is_awkward(given) else None
    is_single = False
    if fields:
        inner = given[OURS] if OURS in fields else None
        nested = {name: inner[name] for name in inner.fields} if inner is not None else {}
        jets = _of_columns({name: given[name] for name in fields if name != OURS} | nested, columns or {})
    elif isinstance(given, Mapping):
        jets = _of_columns(given, columns or {})
    else:
        arrays, is_single = _arrays(given)
        jets = _of_arrays(arrays)
    jets = in_gev(jets, unit)
    totals = jets.totals()
    doubt_unit(WHERE, np.hypot(totals[:, 0], totals[:, 1]), unit)
    return jets, is_single


def _arrays(given: Any) -> tuple[list[NDArray[Any]], bool]:
    """Return an array (constituent, 4) for each jet, and whether it was a single one."""
    if _is_awkward(given) or (isinstance(given, Sequence) and not isinstance(given, str | bytes)):
        parts = [_array(part) for part in given]
        if parts and all(part.shape == (len(MOMENTUM),) for part in parts):
            return [np.stack(parts)], True
    elif hasattr(given, "__array__"):
        whole = _array(given)
        if whole.ndim == 2 and whole.shape[1] == len(MOMENTUM):
            return [whole], True
        parts = [*whole]
    else:
        raise TypeError(f"jets: {FORMS}; got {type(given).__name__}")
    parts = [part if part.size else part.reshape(0, len(MOMENTUM)) for part in parts]
    wrong = next((i for i, part in enumerate(parts) if part.ndim != 2 or part.shape[1] != len(MOMENTUM)), None)
    if wrong is not None:
        raise TypeError(f"jets: {FORMS}; got the shape {parts[wrong].shape} in jet {wrong}")
    return parts, False


def _of_arrays(arrays: list[NDArray[Any]]) -> Jets:
    whole = np.concatenate(arrays) if arrays else np.empty((0, len(MOMENTUM)))
    offsets = offsets_of([len(array) for array in arrays])
    origin = Origin(WHERE, dict(zip(MOMENTUM, MOMENTUM, strict=True)))
    momentum = dict(zip(MOMENTUM, whole.T, strict=True))
    _doubt_angles(momentum)
    return packed(momentum, offsets, finished(WHERE, {}, len(arrays)), origin)


def _doubt_angles(momentum: Mapping[str, NDArray[Any]]) -> None:
    """Warn where E is pt cosh eta all over, if the first three are pt, eta, phi: no momentum then looks impossible."""
    kept = {role: numbers[is_constituent(momentum)].astype(np.float64) for role, numbers in momentum.items()}
    if are_angles(kept) and np.allclose(kept["energy"], kept["px"] * np.cosh(kept["py"]), rtol=1e-2, atol=0):
        warnings.warn(
            f"{WHERE}: expected px, py, pz, E, but these numbers look like pt, eta, phi, E: give columns by name, "
            "{'pt': ..., 'eta': ..., 'phi': ..., 'energy': ...}",
            RuntimeWarning,
            stacklevel=5,
        )


def _of_columns(given: Mapping[str, Any], columns: Mapping[str, str]) -> Jets:
    values = {name: value if _is_ragged(value) else _array(value) for name, value in given.items() if name != MASK}
    lists = [name for name, value in values.items() if _is_ragged(value) or value.ndim == 2]
    scalars = [name for name in values if name not in lists]
    if values and not lists:
        raise TypeError(f"jets: {FORMS}; got one axis in each: of one jet give {{'pt': [[...]], ...}}")
    chosen = choose(WHERE, columns, lists, scalars)
    origin = Origin(WHERE, {**chosen.momentum, MASK: MASK})
    momentum = {role: values[name] for role, name in chosen.momentum.items()}
    if any(map(_is_ragged, momentum.values())):
        beside = {MASK: given[MASK]} if MASK in given else {}
        each = {role: _listed(value) for role, value in {**momentum, **beside}.items()}
        flat: Lists = {role: numbers for role, (numbers, _) in each.items()}
        offsets = same_counts({role: offsets for role, (_, offsets) in each.items()}, origin)
        flat = _masked(flat, flat.pop(MASK, None))
    else:
        flat, offsets = padded(_masked(momentum, _array(given[MASK]) if MASK in given else None), origin)
    of_jets = {name: values[column] for name, column in chosen.scalars.items()}
    return packed(flat, offsets, finished(WHERE, of_jets, len(offsets) - 1), origin)


def _masked(momentum: Lists, mask: NDArray[Any] | None) -> Lists:
    """Return momenta with zeros where a mask, of the same shape, is false.

    Raises:
        DataError: it has another shape.
    """
    if mask is None:
        return momentum
    shape = next(iter(momentum.values())).shape
    if mask.shape != shape:
        raise DataError(
            f"{MASK} has the shape {mask.shape}; expected {shape}, (jet, constituent) as the momenta", WHERE
        )
    return {role: np.where(mask, value, 0.0) for role, value in momentum.items()}


def _listed(values: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the values of a list for each jet end to end, and where each begins."""
    parts = [_array(part) for part in values]
    numbers = np.concatenate(parts) if parts else np.empty(0)
    return numbers.astype(np.float64, copy=False), offsets_of([len(part) for part in parts])


def _array(values: Any) -> NDArray[Any]:
    """Return an array of numpy; what is masked in it is 0."""
    if isinstance(values, np.ma.MaskedArray):
        return values.filled(0)
    if hasattr(values, "detach"):  # of torch
        values = values.detach().cpu()
    return np.asarray(values)


def _is_ragged(values: Any) -> bool:
    """Return whether values are a list of numbers for each jet, not an array."""
    if _is_awkward(values):
        return bool(values.ndim > 1)
    is_list = isinstance(values, list | tuple) or (isinstance(values, np.ndarray) and values.dtype == np.object_)
    return is_list and len(values) > 0 and np.ndim(values[0]) == 1


def _is_awkward(values: Any) -> bool:
    """Return whether values are an array of awkward, or of a class derived from it, such as vector's."""
    return any(each.__module__.partition(".")[0] == "awkward" for each in type(values).__mro__)

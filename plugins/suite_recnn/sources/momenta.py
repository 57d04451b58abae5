"""Checks the constituents that a file holds, whatever its format, and packs them into the form of ``jets.py``.

A file holds momenta as px, py, pz, energy or as pt, eta (or rapidity), phi with energy or mass (neither: massless), one
value for each constituent. A constituent whose four-momentum is zero, or whose pt is zero, is padding and left out, so
that a jet may have none. Masses slightly below zero are rounding (ROOT writes -sqrt(-m^2)): they are taken as 0 and
counted. Anything else that cannot be a particle is an error that names jet and constituent: E < |p| beyond rounding,
nan, a negative pt.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import DataError, SuiteError
from lightning_suite.offsets import offsets_of
from suite_recnn.clustering import LARGEST
from suite_recnn.jets import Jets, sort_by_pt

ROUNDING = 1e-3  # of the energy; float32 angles at high |eta| and text with a few digits stay well below

FARTHEST = 10.0
"""No detector sees a larger pseudorapidity."""

_rounded_masses: ContextVar[list[int]] = ContextVar("numbers of masses that were taken as 0, block by block")


class Origin(NamedTuple):
    """Where momenta come from, for messages.

    Attributes:
        path: of the file.
        names: the file's column for each of px, py, pz, energy or pt, eta, phi, energy, mass.
        sequence: the name of a list of momenta: jet or event.
        first: the number of the first jet or event in the file.
    """

    path: Path
    names: Mapping[str, str]
    sequence: str = "jet"
    first: int = 0

    def position(self, sequence: int, member: int | None = None) -> str:
        """Return the words for a jet or one of its constituents, counted from 0: "jet 12, constituent 3"."""
        words = f"{self.sequence} {self.first + sequence}"
        if member is None:
            return words
        return f"{words}, {'constituent' if self.sequence == 'jet' else 'particle'} {member}"


@contextmanager
def reading(path: Path, kind: str, *raised: type[Exception]) -> Iterator[None]:
    """Turn the exceptions that a library raises for damaged files into one line.

    Raises:
        DataError: the library raised one of the exceptions.
    """
    try:
        yield
    except (SuiteError, MemoryError):
        raise
    except raised as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        reason = reason if len(reason) <= 200 else reason[:200] + " ..."
        raise DataError(f"cannot be read as {kind}; it may be cut short or damaged: {reason}", path) from error


@contextmanager
def rounded_masses() -> Iterator[list[int]]:
    """Collect how many masses are below zero by rounding in what is read meanwhile, a number for each block."""
    counts: list[int] = []
    token = _rounded_masses.set(counts)
    try:
        yield counts
    finally:
        _rounded_masses.reset(token)


def packed(
    momentum: Mapping[str, NDArray[Any]],
    offsets: NDArray[np.int64],
    columns: Mapping[str, NDArray[Any]],
    origin: Origin,
) -> Jets:
    """Return jets from the values of their constituents as a file holds them.

    Args:
        momentum: (constituent,) values of px, py, pz, energy or of pt, eta, phi and energy, mass or neither.
        offsets: (jet + 1,) where each jet begins among the constituents.
        columns: (jet,) values by name.
        origin: for messages.

    Raises:
        DataError: a constituent cannot be a particle.
    """
    momenta, offsets = four_momenta(momentum, offsets, origin)
    return Jets(_hardest_first(momenta, offsets), offsets, dict(columns))


def four_momenta(
    momentum: Mapping[str, NDArray[Any]], offsets: NDArray[np.int64], origin: Origin
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the checked momenta, (constituent, 4) px, py, pz, E, without padding, and their offsets.

    Raises:
        DataError: a constituent cannot be a particle.
    """
    values = {role: np.asarray(numbers, dtype=np.float64) for role, numbers in momentum.items()}
    real = is_constituent(values)
    for role, numbers in values.items():
        _check_none(real & ~np.isfinite(numbers), numbers, role, "a finite number", offsets, origin)
    if "pt" in values:
        _check_none(real & (values["pt"] < 0), values["pt"], "pt", "at least 0", offsets, origin)
    momenta = np.stack(_cartesian(values), axis=1)  # constituent, 4
    if "mass" in values:
        negative = real & (values["mass"] < 0)
        wrong = negative & (values["mass"] < -ROUNDING * momenta[:, 3])
        _check_none(wrong, values["mass"], "mass", f"at least 0, or -{ROUNDING:g} of the energy", offsets, origin)
        if negative.any():
            _rounded_masses.get([]).append(int(negative.sum()))
    size = np.sqrt(np.einsum("ij,ij->i", momenta[:, :3], momenta[:, :3]))
    with np.errstate(invalid="ignore"):
        wrong = real & ~((momenta[:, 3] >= size * (1 - ROUNDING)) & np.isfinite(size))  # infinite at |eta| > 700
    if wrong.any():
        sequence, member, row = _first(wrong, offsets)
        name = origin.names.get("energy", "energy")
        raise DataError(
            f"{origin.position(sequence, member)}: {name} is {momenta[row, 3]:.6g} and |p| is {size[row]:.6g}; "
            f"expected E >= |p|. {_order(values, real, origin)}",
            origin.path,
        )
    _check_none(
        real & (momenta[:, 3] > LARGEST / 2), momenta[:, 3], "energy", f"below {LARGEST / 2:g}", offsets, origin
    )
    if real.all():
        return momenta, offsets
    return momenta[real], offsets_of(real)[offsets]


def _order(values: Mapping[str, NDArray[np.float64]], real: NDArray[np.bool_], origin: Origin) -> str:
    """Return what to do where E < |p|: which component would be an energy everywhere, or which are angles."""
    if "px" in values:
        kept = {role: numbers[real] for role, numbers in values.items()}
        taken = f"The order was taken to be {', '.join(origin.names.get(role, role) for role in values)}, but"
        if are_angles(kept):
            return f"{taken} the second and third are as small as angles are: for pt, eta, phi, name the columns"
        total = np.sum([numbers**2 for numbers in kept.values()], axis=0)
        for role in ("px", "py", "pz"):
            if (kept[role] >= 0).all() and (2 * kept[role] ** 2 >= total * (1 - ROUNDING)).all():
                return f"{taken} {origin.names.get(role, role)} is as large as an energy everywhere: change the order"
    return "Check the order of the columns, and that all are in one unit"


def are_angles(values: Mapping[str, NDArray[np.float64]]) -> bool:
    """Return whether what should be px, py, pz may be pt, eta, phi: none below 0, then two as small as angles are."""
    small = bool((np.abs(values["py"]) <= FARTHEST).all() and (np.abs(values["pz"]) <= 2 * np.pi).all())
    return small and len(values["px"]) > 1 and bool((values["px"] >= 0).all()) and values["px"].max() > 2 * FARTHEST


def is_constituent(values: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Return where the components of the momenta, of the same shape, hold a constituent and not padding."""
    components = [values["pt"]] if "pt" in values else list(values.values())
    nonzero: NDArray[np.bool_] = np.logical_or.reduce([component != 0 for component in components])
    return nonzero


def _cartesian(values: Mapping[str, NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    if "px" in values:
        return [values[role] for role in ("px", "py", "pz", "energy")]
    pt, phi = values["pt"], values["phi"]
    with np.errstate(over="ignore", invalid="ignore"):  # padding may hold any values
        if "rapidity" in values:
            across = np.sqrt(pt**2 + _mass_squared(values))
            pz = across * np.sinh(values["rapidity"])
        else:
            pz = pt * np.sinh(values["eta"])
        energy = values["energy"] if "energy" in values else np.sqrt(pt**2 + pz**2 + _mass_squared(values))
        return [pt * np.cos(phi), pt * np.sin(phi), pz, energy]


def _mass_squared(values: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64] | float:
    return np.maximum(values["mass"], 0.0) ** 2 if "mass" in values else 0.0


def _hardest_first(momenta: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    pt = np.hypot(momenta[:, 0], momenta[:, 1])
    rises = pt[1:] > pt[:-1]
    between = offsets[(offsets > 0) & (offsets < len(pt))]
    rises[between - 1] = False  # it may rise from one jet to the next
    if not rises.any():
        return momenta  # most files are in this order, and the check costs a tenth of sorting
    return momenta[sort_by_pt(momenta, offsets)]


def _check_none(
    wrong: NDArray[np.bool_],
    values: NDArray[np.float64],
    role: str,
    expected: str,
    offsets: NDArray[np.int64],
    origin: Origin,
) -> None:
    """Raise a DataError for the first value that is wrong."""
    if wrong.any():
        sequence, member, row = _first(wrong, offsets)
        name, position = origin.names.get(role, role), origin.position(sequence, member)
        raise DataError(f"{position}: {name} is {values[row]:g}; expected {expected}", origin.path)


def _first(wrong: NDArray[np.bool_], offsets: NDArray[np.int64]) -> tuple[int, int, int]:
    """Return the sequence of the first value that is wrong, its number within the sequence, and its row."""
    row = int(np.argmax(wrong))
    sequence = int(np.searchsorted(offsets, row, side="right")) - 1
    return sequence, row - int(offsets[sequence]), row


def same_counts(offsets: Mapping[str, NDArray[np.int64]], origin: Origin) -> NDArray[np.int64]:
    """Return the offsets that the columns of all components share.

    Raises:
        DataError: two columns have different numbers of jets, or of constituents in a jet.
    """
    (role, first), *others = offsets.items()
    name = origin.names[role]
    for other, second in others:
        where = f"in column {name!r} and {{}} in column {origin.names[other]!r}; expected equal numbers"
        if len(second) != len(first):
            raise DataError(f"{len(first) - 1} {origin.sequence}s {where.format(len(second) - 1)}", origin.path)
        differ = np.flatnonzero(np.diff(second) != np.diff(first))
        if len(differ):
            i = int(differ[0])
            one, two = first[i + 1] - first[i], second[i + 1] - second[i]
            raise DataError(f"{origin.position(i)} has {one} values {where.format(two)}", origin.path)
    return first

"""Checks the constituents that a file holds, whatever its format, and puts them into the form of ``jets.py``.

A file gives momenta as px, py, pz, energy or as pt, eta, phi with energy or mass (none: massless), one value a
constituent. A constituent whose four-momentum is zero, or whose pt is zero, is padding and left out. Everything else
that cannot be a particle is refused with its place: E < |p| beyond rounding, nan, a negative pt, a jet of nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import DataError, SuiteError
from lightning_suite.offsets import offsets_of
from suite_recnn.jets import Jets, sort_by_pt

ROUNDING = 1e-3  # of the energy; float32 angles at high |eta| and text with a few digits stay well below


class Origin(NamedTuple):
    """Where momenta come from, in the words of a message.

    Attributes:
        names: what each of px, py, pz, energy or pt, eta, phi, energy, mass is called in the file.
        sequence: what a list of momenta is: a jet, or an event.
        first: number of the first of them in the file.
    """

    path: Path
    names: Mapping[str, str]
    sequence: str = "jet"
    first: int = 0

    def place(self, sequence: int, member: int | None = None) -> str:
        """Such as "jet 12, constituent 3", both counted from 0."""
        words = f"{self.sequence} {self.first + sequence}"
        if member is None:
            return words
        return f"{words}, {'constituent' if self.sequence == 'jet' else 'particle'} {member}"


@contextmanager
def reading(path: Path, kind: str, *raised: type[Exception]) -> Iterator[None]:
    """Turns what a library raises over damaged bytes, one of ``raised``, into one line.

    Raises:
        DataError: the library raised one of them.
    """
    try:
        yield
    except (SuiteError, MemoryError):
        raise
    except raised as error:
        said = " ".join(str(error).split()) or type(error).__name__
        said = said if len(said) <= 200 else said[:200] + " ..."
        raise DataError(f"cannot be read as {kind}; it may be cut short or damaged: {said}", path) from error


def packed(
    momentum: Mapping[str, NDArray[Any]],
    offsets: NDArray[np.int64],
    columns: Mapping[str, NDArray[Any]],
    origin: Origin,
) -> Jets:
    """Jets of constituents as a file holds them.

    Args:
        momentum: (constituent,) values of px, py, pz, energy or of pt, eta, phi and energy, mass or neither; GeV.
        offsets: (jet + 1,) where each jet begins among them.
        columns: (jet,) values by name.

    Raises:
        DataError: a jet has no constituent, or a constituent cannot be a particle.
    """
    momenta, offsets = four_momenta(momentum, offsets, origin)
    empty = np.flatnonzero(np.diff(offsets) == 0)
    if len(empty):
        raise DataError(
            f"{origin.place(int(empty[0]))} has no constituents; expected at least one in each", origin.path
        )
    return Jets(_hardest_first(momenta, offsets), offsets, dict(columns))


def four_momenta(
    momentum: Mapping[str, NDArray[Any]], offsets: NDArray[np.int64], origin: Origin
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The checked momenta, (constituent, 4) px, py, pz, E in GeV, without padding, and their offsets.

    Raises:
        DataError: a constituent cannot be a particle.
    """
    values = {role: np.asarray(each, dtype=np.float64) for role, each in momentum.items()}
    there = is_constituent(values)
    for role, each in values.items():
        wrong = there & ~np.isfinite(each)
        _refuse(wrong, each, role, "a finite number", offsets, origin)
    if "pt" in values:
        _refuse(there & (values["pt"] < 0), values["pt"], "pt", "at least 0 GeV", offsets, origin)
    if "mass" in values:
        _refuse(there & (values["mass"] < 0), values["mass"], "mass", "at least 0 GeV", offsets, origin)
    momenta = np.stack(_cartesian(values), axis=1)  # constituent, 4
    size = np.sqrt(np.einsum("ij,ij->i", momenta[:, :3], momenta[:, :3]))
    with np.errstate(invalid="ignore"):
        wrong = there & ~((momenta[:, 3] >= size * (1 - ROUNDING)) & np.isfinite(size))  # at |eta| > 700 it is not
    if wrong.any():
        sequence, member, row = _first(wrong, offsets)
        name = origin.names.get("energy", "energy")
        raise DataError(
            f"{origin.place(sequence, member)}: {name} is {momenta[row, 3]:.6g} GeV and |p| is {size[row]:.6g} GeV; "
            "expected E >= |p|. Are the columns named in the right order, and are all in GeV?",
            origin.path,
        )
    if there.all():
        return momenta, offsets
    return momenta[there], offsets_of(there)[offsets]


def is_constituent(values: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Where there is a constituent and not padding, by the components of the momenta, each of the same shape."""
    components = [values["pt"]] if "pt" in values else list(values.values())
    there: NDArray[np.bool_] = components[0] != 0
    for each in components[1:]:
        there = there | (each != 0)
    return there


def _cartesian(values: Mapping[str, NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    if "px" in values:
        return [values[role] for role in ("px", "py", "pz", "energy")]
    pt, eta, phi = values["pt"], values["eta"], values["phi"]
    with np.errstate(over="ignore", invalid="ignore"):  # in padding anything may stand
        pz = pt * np.sinh(eta)
        energy = values["energy"] if "energy" in values else np.sqrt(pt**2 + pz**2 + values.get("mass", 0.0) ** 2)
        return [pt * np.cos(phi), pt * np.sin(phi), pz, energy]


def _hardest_first(momenta: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    pt = np.hypot(momenta[:, 0], momenta[:, 1])
    rises = pt[1:] > pt[:-1]
    rises[offsets[1:-1] - 1] = False  # from one jet to the next it may
    if not rises.any():
        return momenta  # most files are in this order, and the check costs a tenth of sorting
    return momenta[sort_by_pt(momenta, offsets)]


def _refuse(
    wrong: NDArray[np.bool_],
    values: NDArray[np.float64],
    role: str,
    expected: str,
    offsets: NDArray[np.int64],
    origin: Origin,
) -> None:
    if wrong.any():
        sequence, member, row = _first(wrong, offsets)
        name = origin.names.get(role, role)
        place = origin.place(sequence, member)
        raise DataError(f"{place}: {name} is {values[row]:g}; expected {expected}", origin.path)


def _first(wrong: NDArray[np.bool_], offsets: NDArray[np.int64]) -> tuple[int, int, int]:
    """Of the first that is wrong: its sequence, its place in it, its row."""
    row = int(np.argmax(wrong))
    sequence = int(np.searchsorted(offsets, row, side="right")) - 1
    return sequence, row - int(offsets[sequence]), row


def same_counts(offsets: Mapping[str, NDArray[np.int64]], origin: Origin) -> NDArray[np.int64]:
    """The offsets that all components, by their roles, share.

    Raises:
        DataError: two columns differ in how many jets they have, or in how many constituents a jet has.
    """
    (role, first), *others = offsets.items()
    name = origin.names[role]
    for other, each in others:
        there = f"in column {name!r} and {{}} in column {origin.names[other]!r}; expected as many"
        if len(each) != len(first):
            raise DataError(f"{len(first) - 1} {origin.sequence}s {there.format(len(each) - 1)}", origin.path)
        differ = np.flatnonzero(np.diff(each) != np.diff(first))
        if len(differ):
            i = int(differ[0])
            here, otherwise = first[i + 1] - first[i], each[i + 1] - each[i]
            raise DataError(f"{origin.place(i)} has {here} values {there.format(otherwise)}", origin.path)
    return first

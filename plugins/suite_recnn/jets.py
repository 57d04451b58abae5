"""Jets as numbers: the four-momenta of their constituents end to end, and a few columns with one value a jet.

Everything that reads, makes, measures or clusters jets speaks this form; it holds no object for a particle or a jet,
so that a hundred thousand jets are a handful of arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Kinematics(NamedTuple):
    """Transverse momentum (GeV), pseudorapidity, azimuth in (-pi, pi] and mass (GeV), each of the momenta's shape."""

    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    mass: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Jets:
    """Some jets.

    Attributes:
        momenta: (constituent, 4) px, py, pz, E in GeV; within each jet the hardest transverse momentum comes first.
        offsets: (jet + 1,) where each jet begins; the last is the number of constituents.
        columns: (jet,) values by name. The names that others look for: ``event``, a number that jets of one event
            share, ``seed`` and ``sample``, which with it tell events of different files apart, and ``label``.
    """

    momenta: NDArray[np.float64]
    offsets: NDArray[np.int64]
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def counts(self) -> NDArray[np.int64]:
        """Constituents of each jet: (jet,)."""
        return np.diff(self.offsets)

    def totals(self) -> NDArray[np.float64]:
        """Four-momentum of each jet, the sum of its constituents: (jet, 4)."""
        sums = np.zeros((len(self) + 1, 4))
        if len(self.momenta):
            # reduceat gives the next value for an empty jet, so empty ones are set to nothing afterwards.
            sums = np.add.reduceat(np.vstack([self.momenta, np.zeros(4)]), self.offsets)
        totals: NDArray[np.float64] = np.where(self.counts()[:, None] > 0, sums[:-1], 0.0)
        return totals

    def take(self, jets: NDArray[np.integer[Any]] | NDArray[np.bool_]) -> "Jets":
        """The jets at these places, or where a mask is true, in this order."""
        chosen: NDArray[np.int64] = np.arange(len(self))[jets]
        rows, offsets = rows_of(self.offsets, chosen)
        return Jets(self.momenta[rows], offsets, {name: values[chosen] for name, values in self.columns.items()})


def rows_of(
    offsets: NDArray[np.int64], chosen: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The values of some sequences of a packed array, and where each sequence begins among them.

    Args:
        offsets: (sequence + 1,) of the array.
        chosen: (chosen,) sequences, in any order, also repeated.

    Returns:
        (value,) rows of the array, and (chosen + 1,) offsets of the chosen sequences.
    """
    counts = np.diff(offsets)[chosen]
    begins = np.concatenate([[0], np.cumsum(counts)])
    rows = np.arange(begins[-1]) + np.repeat(offsets[:-1][chosen] - begins[:-1], counts)
    return rows, begins


def concatenate(parts: Sequence[Jets]) -> Jets:
    """All jets of the parts, with the columns that every part has.

    Raises:
        ValueError: there is no part.
    """
    if not parts:
        raise ValueError("jets.concatenate: expected at least one part, got none")
    names = [name for name in parts[0].columns if all(name in part.columns for part in parts)]
    before = np.cumsum([0, *(len(part.momenta) for part in parts)])
    return Jets(
        np.concatenate([part.momenta for part in parts]),
        np.concatenate([[0], *(part.offsets[1:] + first for part, first in zip(parts, before, strict=False))]),
        {name: np.concatenate([part.columns[name] for part in parts]) for name in names},
    )


def sort_by_pt(momenta: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """The order, (constituent,), in which the hardest of each jet comes first; equals keep their order."""
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return np.lexsort((-np.hypot(momenta[:, 0], momenta[:, 1]), owner))


def kinematics(momenta: NDArray[np.float64]) -> Kinematics:
    """Of four-momenta (..., 4), in float64: at float32 the mass of a light jet is lost in E^2 - p^2.

    A momentum along the beam has a pseudorapidity of plus or minus infinity, none at all has 0; a rounding error that
    makes E^2 - p^2 negative gives the mass 0.
    """
    px, py, pz, energy = np.moveaxis(np.asarray(momenta, dtype=np.float64), -1, 0)
    pt = np.hypot(px, py)
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.where((pt == 0) & (pz == 0), 0.0, np.arcsinh(pz / pt))
    mass = np.sqrt(np.maximum((energy - pz) * (energy + pz) - pt * pt, 0.0))
    return Kinematics(pt, eta, np.arctan2(py, px), mass)

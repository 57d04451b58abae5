"""Jets as arrays: the four-momenta of their constituents end to end, and a few columns with one value a jet.

Everything that reads, generates, measures or clusters jets uses this form. There is no object for a particle or a jet,
so that a hundred thousand jets are a handful of arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.offsets import offsets_of, select


class Kinematics(NamedTuple):
    """Transverse momentum (GeV), pseudorapidity, azimuth in (-pi, pi] and mass (GeV), one array each."""

    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    mass: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Jets:
    """Jets: their constituents packed end to end, and columns.

    Attributes:
        momenta: (constituent, 4) px, py, pz, E in GeV; within each jet the hardest transverse momentum comes first.
        offsets: (jet + 1,) where each jet begins; the last is the number of constituents.
        columns: (jet,) values by name. The names that other modules look for: ``event``, a number that the jets of one
            event share, ``seed`` and ``sample``, which with it distinguish events of different files, and ``label``.

    Example:
        >>> jets = Jets(np.array([[3.0, 0, 4, 5], [1, 0, 0, 1], [0, 2, 0, 2]]), np.array([0, 2, 3]))
        >>> len(jets), jets.totals().tolist()
        (2, [[4.0, 0.0, 4.0, 6.0], [0.0, 2.0, 0.0, 2.0]])
        >>> jets.take(np.array([1])).momenta.tolist()
        [[0.0, 2.0, 0.0, 2.0]]
    """

    momenta: NDArray[np.float64]
    offsets: NDArray[np.int64]
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def counts(self) -> NDArray[np.int64]:
        """Return the number of constituents of each jet: (jet,)."""
        return np.diff(self.offsets)

    def totals(self) -> NDArray[np.float64]:
        """Return the four-momentum of each jet, the sum of its constituents: (jet, 4)."""
        sums = np.zeros((len(self) + 1, 4))
        if len(self.momenta):
            # reduceat gives the next value for an empty jet, so that empty jets are set to zero afterwards.
            sums = np.add.reduceat(np.vstack([self.momenta, np.zeros(4)]), self.offsets)
        totals: NDArray[np.float64] = np.where(self.counts()[:, None] > 0, sums[:-1], 0.0)
        return totals

    def take(self, jets: NDArray[np.integer[Any]] | NDArray[np.bool_]) -> "Jets":
        """Return the jets of these numbers, in this order, or the jets where a mask is true."""
        rows, offsets = select(self.offsets, jets)
        return Jets(self.momenta[rows], offsets, {name: values[jets] for name, values in self.columns.items()})


def owners_of(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the jet that each constituent belongs to, from the offsets of the jets: (constituent,).

    Example:
        >>> owners_of(np.array([0, 2, 2, 3])).tolist()
        [0, 0, 2]
    """
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def concatenate(parts: Sequence[Jets]) -> Jets:
    """Return the jets of all parts, with the columns that every part has.

    Raises:
        ValueError: there is no part.
    """
    if not parts:
        raise ValueError("jets.concatenate: expected at least one part, got none")
    if len(parts) == 1:
        return parts[0]
    names = [name for name in parts[0].columns if all(name in part.columns for part in parts)]
    return Jets(
        np.concatenate([part.momenta for part in parts]),
        offsets_of(np.concatenate([part.counts() for part in parts])),
        {name: np.concatenate([part.columns[name] for part in parts]) for name in names},
    )


def sort_by_pt(momenta: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the order, (constituent,), in which the hardest of each jet comes first; equals keep their order."""
    return np.lexsort((-np.hypot(momenta[:, 0], momenta[:, 1]), owners_of(offsets)))


def kinematics(momenta: NDArray[np.float64]) -> Kinematics:
    """Return the kinematics of four-momenta (..., 4), in float64: float32 loses a light jet's mass in E^2 - p^2.

    A momentum along the beam has a pseudorapidity of plus or minus infinity, a momentum of zero has 0; a rounding error
    that makes E^2 - p^2 negative gives the mass 0.

    Example:
        >>> pt, eta, phi, mass = kinematics(np.array([3.0, 4.0, 0.0, 13.0]))
        >>> float(pt), float(eta), float(mass)
        (5.0, 0.0, 12.0)
    """
    px, py, pz, energy = np.moveaxis(np.asarray(momenta, dtype=np.float64), -1, 0)
    pt = np.hypot(px, py)
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.where((pt == 0) & (pz == 0), 0.0, np.arcsinh(pz / pt))
    mass = np.sqrt(np.maximum((energy - pz) * (energy + pz) - pt * pt, 0.0))
    return Kinematics(pt, eta, np.arctan2(py, px), mass)

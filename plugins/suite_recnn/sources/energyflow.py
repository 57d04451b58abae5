"""Jets from .npz: EnergyFlow's quark and gluon jets, its arrays of four-momenta, and any others by a mapping.

EnergyFlow (Komiske, Metodiev, Thaler; energyflow.network) writes an array ``X`` (jet, constituent, 3 or 4), padded with
zeros, of one of

* pt, rapidity, phi and PDG identity: the quark and gluon jets (doi:10.5281/zenodo.3164691), with ``y`` 1 for quarks;
* pt, rapidity, phi, and mass or nothing;
* E, px, py, pz.

Which one it is follows from the values, because the file does not say it. A particle's mass follows from its identity.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_suite.array_files import read_npz
from lightning_suite.errors import DataError
from suite_recnn.jets import Jets
from suite_recnn.sources.arrays import Lists, columns_of, in_blocks, padded, read_mapped
from suite_recnn.sources.columns import finished, has_momenta, renamed
from suite_recnn.sources.momenta import Origin

MASSES = {
    11: 0.000511,
    12: 0.0,
    13: 0.105658,
    14: 0.0,
    16: 0.0,
    22: 0.0,
    130: 0.497611,
    211: 0.139570,
    310: 0.497611,
    321: 0.493677,
    2112: 0.939565,
    2212: 0.938272,
    3112: 1.197449,
    3122: 1.115683,
    3222: 1.18937,
    3312: 1.32171,
    3322: 1.31486,
    3334: 1.67245,
}
"""GeV, of the particles that live long enough to reach a detector, by PDG identity (Particle Data Group, 2022)."""

_CARTESIAN = {"energy": "X[0]", "px": "X[1]", "py": "X[2]", "pz": "X[3]"}
_HADRONIC = {"pt": "X[0]", "rapidity": "X[1]", "phi": "X[2]"}


def read_arrays(path: Path, columns: Mapping[str, str], only: Collection[str] | None) -> Jets:
    """Return the jets of an .npz file.

    Raises:
        DataError, UsageError: see `suite_recnn.sources.reading.read`.
    """
    arrays = read_npz(path)
    values = arrays.get("X")
    is_known = values is not None and values.ndim == 3 and values.shape[2] in (3, 4) and values.dtype.kind in "fiu"
    if values is None or not is_known or has_momenta(columns):
        return read_mapped(path, columns_of(arrays), columns, only)
    names = layout(values)
    if "mass" in names and _are_energies(values):
        raise DataError(
            "X[3] is at least X[0] in every constituent, as an energy is and no mass; expected pt, rapidity, phi, "
            "mass, or E, px, py, pz.\n"
            "Of pt, eta, phi, E: --data.columns '{pt: X[0], eta: X[1], phi: X[2], energy: X[3]}'",
            path,
        )

    def block(rows: slice, origin: Origin) -> tuple[Lists, NDArray[np.int64]]:
        some = values[rows].astype(np.float64)
        momenta = {role: some[..., place] for place, role in enumerate(names)}
        if "identity" in momenta:
            momenta["mass"] = masses(momenta.pop("identity"))
        return padded(momenta, origin)

    jets = in_blocks(path, len(values), block, names, np.float64)
    of_jets = {name: array for name, array in arrays.items() if array.shape == (len(values),) or name == "y"}
    of_jets |= {"label": of_jets["y"]} if "y" in of_jets else {}
    return Jets(jets.momenta, jets.offsets, finished(path, renamed(path, columns, of_jets, only), len(jets)))


def layout(values: NDArray[Any]) -> dict[str, str]:
    """Return the role of each value along the last axis, with the name that messages give it.

    Of three, they are pt, rapidity, phi. The fourth is an identity where all are whole numbers, and a mass where none
    is negative and the third is an angle; a longitudinal momentum is negative half of the time.

    Example:
        >>> list(layout(np.array([[[100.0, 0.1, 3.0, 211], [20, 0.2, 3.1, -2212], [0, 0, 0, 0]]])))
        ['pt', 'rapidity', 'phi', 'identity']
        >>> list(layout(np.array([[[100.0, 0.1, 3.0, 0.139], [20, 0.2, 3.1, 0]]])))
        ['pt', 'rapidity', 'phi', 'mass']
        >>> list(layout(np.array([[[100.0, 60.0, 70.0, -15.5], [20, 9, -12, 0]]])))
        ['energy', 'px', 'py', 'pz']
    """
    if values.shape[2] == 3:
        return dict(_HADRONIC)
    third, fourth = values[..., 2], values[..., 3]
    if (fourth == np.rint(fourth)).all():
        return _HADRONIC | {"identity": "X[3]"}
    if (fourth >= 0).all() and (np.abs(third) <= 2 * np.pi).all():
        return _HADRONIC | {"mass": "X[3]"}
    return dict(_CARTESIAN)


def _are_energies(values: NDArray[Any]) -> bool:
    """Return whether the fourth values are no masses: all are as large as pt or larger."""
    pt, fourth = values[..., 0], values[..., 3]
    return bool((pt > 0).any() and (fourth >= pt)[pt > 0].all())


def masses(identities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mass of each particle in GeV, of (...) identities; 0 of padding and of what is not in `MASSES`.

    Example:
        >>> masses(np.array([211.0, -211.0, 22.0, 0.0])).tolist()
        [0.13957, 0.13957, 0.0, 0.0]
    """
    known = np.abs(identities)
    found = np.zeros(identities.shape)
    for identity, mass in MASSES.items():
        found[known == identity] = mass
    return found

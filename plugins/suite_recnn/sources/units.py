"""The unit of energies in a file, and how to see that it is another one."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Unit = Literal["GeV", "MeV"]
GEV: dict[Unit, float] = {"GeV": 1.0, "MeV": 1e-3}
"""How many GeV one of the unit is."""

LEAST, MOST = 5.0, 7_000.0
"""GeV: below there are no jets to tag, and above a beam of the LHC has no proton."""


def doubt(pt: NDArray[np.float64], unit: Unit) -> str:
    """Return what speaks against the unit: a sentence that begins with the median momentum; empty where nothing does.

    Args:
        pt: (jet,) transverse momenta of the jets in GeV, as read with this unit.
        unit: with which they were read.

    Example:
        >>> doubt(np.array([520e3, 590e3, 640e3]), "GeV")[:77]
        'the median transverse momentum of its jets is 590,000 GeV; in MeV it would be'
        >>> doubt(np.array([520.0, 590.0, 640.0]), "GeV")
        ''
    """
    median = float(np.median(pt)) if len(pt) else LEAST
    if LEAST <= median <= MOST:
        return ""
    shown = f"the median transverse momentum of its jets is {median:,.3g} GeV"
    if median >= 1000:
        shown = f"the median transverse momentum of its jets is {median:,.0f} GeV"
    for other, gev in GEV.items():
        if LEAST <= (fitting := median * gev / GEV[unit]) <= MOST:
            return f"{shown}; in {other} it would be {fitting:,.0f} GeV (a factor of {gev / GEV[unit]:g})"
    if 0.1 < median < LEAST:
        return f"{shown}; are they relative to their jet's? Then multiply them by the transverse momentum of the jet"
    return f"{shown}; are its columns in another order or unit?"

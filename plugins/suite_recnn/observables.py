"""What physicists measure of a jet: angularities, masses and N-subjettiness, one number a jet.

The generalised angularities, with z_i the constituent's transverse momentum over the sum of all constituents' and R_i
its distance to the jet's axis in rapidity and azimuth, are

    lambda^kappa_beta = sum_i z_i^kappa (R_i / R)^beta

(Larkoski, Thaler, Waalewijn: "Gaining (Mutual) Information about Quark/Gluon Discrimination", 2014, arXiv:1408.3122;
equation 1 of arXiv:1911.01872). Pairs are written (kappa, beta) here and everywhere in this plugin. The paper writes
lambda_1^1 for the width, but lambda_2^1 for (1, 2) and lambda_0^2 for (2, 0): its lower index is beta.

    multiplicity (0, 0)   width (1, 1)   mass_angularity (1, 2)   ptd_squared (2, 0)

The last is what the paper probes under the name p_T^D. Elsewhere p_T^D is its square root, which is ``ptd`` here; and
``mass`` is the invariant mass in GeV, whose square is (1, 2) times (pT R)^2 for small angles only.

Grooming and N-subjettiness are FastJet's own: soft drop (Larkoski, Marzani, Soyez, Thaler, 2014, arXiv:1402.2657) and
tau_N = sum_i pt_i min(R_i1, ..., R_iN)^beta / (sum_i pt_i R^beta) over the nearest of N axes (Thaler, Van Tilburg,
2010, arXiv:1011.2268).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, final

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import UsageError
from lightning_suite.spelling import no_such
from suite_recnn.jet_finding import clustered
from suite_recnn.jets import Jets, kinematics

BLOCK: Final = 1024
"""Jets that FastJet holds at once: enough to hide the cost of a call, half a second between two steps of a bar."""

AXES: Final = (
    "KT_Axes",
    "CA_Axes",
    "WTA_KT_Axes",
    "WTA_CA_Axes",
    "OnePass_KT_Axes",
    "OnePass_CA_Axes",
    "OnePass_WTA_KT_Axes",
    "OnePass_WTA_CA_Axes",
)
"""FastJet's axes that need no parameter of their own; OnePass moves them to the nearest minimum of tau.

FastJet takes ``KT_Axes`` for a name that it does not know, without a word; so names are checked against these.
"""

# Every constituent is merged, however wide the jet: at R = 0.8 the last of two prongs that are farther apart would be
# what FastJet calls the one exclusive jet, and the other would be gone.
_WHOLE_JET: Final = 1000.0

# FastJet's rapidity of a massless momentum along the beam, so that no distance is infinite.
_BEAM_RAPIDITY: Final = 1e5


def angularity(jets: Jets, kappa: float, beta: float, radius: float = 0.8) -> NDArray[np.float64]:
    """The generalised angularity lambda^kappa_beta of each jet: (jet,), without unit; 0 for an empty jet.

    The axis is that of the summed four-momentum, distances are in rapidity and azimuth, and z is a share of the
    scalar sum of transverse momenta, so that (1, 0) is 1. Infrared and collinear safe for kappa = 1, beta > 0.

    Args:
        jets: of any number of constituents.
        kappa: exponent of the momentum shares; with 0 every constituent counts alike.
        beta: exponent of the distances; with 0 they do not matter.
        radius: R, the unit of the distances.

    Raises:
        UsageError: an exponent is negative or the radius is not above 0.
    """
    if not (kappa >= 0 and beta >= 0):
        raise UsageError(f"angularity: expected kappa and beta of at least 0, got kappa = {kappa}, beta = {beta}")
    _check_radius(radius)
    pt = kinematics(jets.momenta).pt
    shares = _ratio(pt, np.repeat(_sums(pt, jets.offsets), jets.counts()))
    values = shares**kappa
    if beta:
        values = values * (_distances(jets) / radius) ** beta
    return _sums(values, jets.offsets)


def multiplicity(jets: Jets) -> NDArray[np.float64]:
    """Constituents of each jet, which is the angularity (0, 0): (jet,)."""
    return jets.counts().astype(np.float64)


def width(jets: Jets, radius: float = 0.8) -> NDArray[np.float64]:
    """The angularity (1, 1), also called girth over R: (jet,)."""
    return angularity(jets, 1, 1, radius)


def ptd(jets: Jets) -> NDArray[np.float64]:
    """sqrt(sum pt^2) / sum pt: 1 for a single constituent, 1 / sqrt(n) for n equal ones: (jet,).

    It is the square root of the angularity (2, 0), which the paper names p_T^D.
    """
    return np.sqrt(angularity(jets, 2, 0))


def mass(jets: Jets) -> NDArray[np.float64]:
    """Invariant mass of the sum of the constituents in GeV: (jet,)."""
    return kinematics(jets.totals()).mass


def soft_drop_mass(
    jets: Jets, beta: float = 0.0, symmetry_cut: float = 0.1, radius: float = 0.8
) -> NDArray[np.float64]:
    """Mass in GeV of what soft drop leaves of each jet: (jet,).

    The Cambridge/Aachen tree is followed from the root along the harder branch, and the softer one is dropped, until
    min(pt_1, pt_2) / (pt_1 + pt_2) > symmetry_cut (Delta_12 / radius)^beta. beta = 0 is the modified mass drop. A jet
    of one constituent keeps it; the result for an empty jet is 0.

    Raises:
        UsageError: the symmetry cut is not between 0 and 1, or the radius is not above 0.
        ValueError: a momentum is not finite.
    """
    if not 0 <= symmetry_cut < 1:
        raise UsageError(f"soft_drop_mass: expected a symmetry_cut from 0 to below 1, got {symmetry_cut}")
    _check_radius(radius)
    masses = np.zeros(len(jets))
    for filled, clusters in _clustered(jets):
        groomed = clusters.exclusive_jets_softdrop_grooming(1, beta=beta, symmetry_cut=symmetry_cut, R0=radius)
        found: NDArray[np.float64] = ak.to_numpy(groomed.msoftdrop)
        masses[filled] = np.maximum(found, 0.0)  # FastJet marks a rounding error in m^2 by a negative mass
    return masses


def n_subjettiness(
    jets: Jets,
    numbers: Sequence[int] = (1, 2, 3),
    beta: float = 1.0,
    radius: float = 0.8,
    axes: str = "OnePass_KT_Axes",
) -> NDArray[np.float64]:
    """tau_N of each jet for each N: (jet, number), without unit.

    Low when the jet has N prongs or fewer. A jet of N constituents or fewer has an axis for each of them: 0.

    Args:
        jets: of any number of constituents.
        numbers: the N.
        beta: exponent of the distances.
        radius: R of the normalisation.
        axes: how FastJet looks for the N axes, one of AXES.

    Raises:
        UsageError: an N is below 1, there are no such axes, or beta or the radius is not above 0.
        ValueError: a momentum is not finite.
    """
    if not numbers or min(numbers) < 1:
        raise UsageError(f"n_subjettiness: expected numbers of axes from 1, got {list(numbers)}")
    if axes not in AXES:
        raise UsageError(no_such("definition of axes", axes, AXES, "FastJet has, without a parameter"))
    if not beta > 0:
        raise UsageError(f"n_subjettiness: expected beta above 0, got {beta}")
    _check_radius(radius)
    taus = np.zeros((len(jets), len(numbers)))
    for filled, clusters in _clustered(jets):
        found = clusters.njettiness(
            measure_definition="NormalizedMeasure",
            axes_definition=axes,
            njets=list(numbers),
            beta=beta,
            R0=radius,
        )
        taus[filled] = ak.to_numpy(found)
    taus[jets.counts()[:, None] <= np.asarray(numbers)] = 0.0  # not a rounding error that a ratio would blow up
    return taus


def subjettiness_ratio(upper: NDArray[np.float64], lower: NDArray[np.float64]) -> NDArray[np.float64]:
    """tau_N / tau_M, such as tau21 = tau2 / tau1; 0 where tau_M is 0, for then the jet has no prong to spare."""
    return _ratio(upper, lower)


@final
class Block:
    """Some jets, with what several of their observables share: computed when it is first asked for, and once.

    Attributes:
        jets: the jets.
        radius: R of their jet algorithm.
    """

    def __init__(self, jets: Jets, radius: float) -> None:
        self.jets = jets
        self.radius = radius

    @cached_property
    def taus(self) -> NDArray[np.float64]:
        """tau1, tau2, tau3: (jet, 3)."""
        return n_subjettiness(self.jets, (1, 2, 3), radius=self.radius)


Observable = Callable[[Block], NDArray[np.float64]]

NAMES: Final[Mapping[str, Observable]] = {
    "multiplicity": lambda block: multiplicity(block.jets),
    "width": lambda block: width(block.jets, block.radius),
    "mass_angularity": lambda block: angularity(block.jets, 1, 2, block.radius),
    "ptd_squared": lambda block: angularity(block.jets, 2, 0),
    "ptd": lambda block: ptd(block.jets),
    "mass": lambda block: mass(block.jets),
    "soft_drop_mass": lambda block: soft_drop_mass(block.jets, radius=block.radius),
    "tau1": lambda block: block.taus[:, 0],
    "tau2": lambda block: block.taus[:, 1],
    "tau3": lambda block: block.taus[:, 2],
    "tau21": lambda block: subjettiness_ratio(block.taus[:, 1], block.taus[:, 0]),
    "tau32": lambda block: subjettiness_ratio(block.taus[:, 2], block.taus[:, 1]),
}
"""The observables by name. Any other angularity is called ``angularity_KAPPA_BETA``, such as ``angularity_1_0.5``."""


def observable(name: str) -> Observable:
    """The observable of a name: one of NAMES or any angularity.

    Raises:
        UsageError: there is none of this name.
    """
    if name in NAMES:
        return NAMES[name]
    if exponents := re.fullmatch(r"angularity_(\d+(?:\.\d+)?)_(\d+(?:\.\d+)?)", name):
        kappa, beta = map(float, exponents.groups())
        return lambda block: angularity(block.jets, kappa, beta, block.radius)
    raise UsageError(no_such("observable", name, [*NAMES, "angularity_KAPPA_BETA"], "there are"))


def table(
    jets: Jets,
    names: Sequence[str] = tuple(NAMES),
    *,
    radius: float = 0.8,
    progress: Callable[[int], None] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Several observables of each jet, by name, each (jet,).

    The jets are taken in blocks, so that the memory needed beyond them is that of one block.

    Args:
        jets: of any number of constituents.
        names: from NAMES, or ``angularity_KAPPA_BETA``.
        radius: R of the jet algorithm.
        progress: called after each block with its number of jets.

    Raises:
        UsageError: there is no observable of such a name, or the radius is not above 0.
        ValueError: a momentum is not finite.
    """
    _check_radius(radius)
    measures = {name: observable(name) for name in names}
    values = {name: np.empty(len(jets)) for name in measures}
    for places in _blocks(len(jets)):
        block = Block(jets.take(places), radius)
        for name, measure in measures.items():
            values[name][places] = measure(block)
        if progress is not None:
            progress(len(places))
    return values


def _blocks(jets: int) -> Iterator[NDArray[np.int64]]:
    """The places of the jets, a block at a time."""
    for first in range(0, jets, BLOCK):
        yield np.arange(first, min(first + BLOCK, jets))


def _clustered(jets: Jets) -> Iterator[tuple[NDArray[np.int64], fastjet.ClusterSequence]]:
    """The places of the jets that are not empty and their Cambridge/Aachen clusterings, a block at a time.

    To FastJet each jet is an event of its own. Empty ones are left out: it fails on them.
    """
    if not np.isfinite(jets.momenta).all():
        row = int(np.flatnonzero(~np.isfinite(jets.momenta).all(axis=1))[0])
        jet = int(np.searchsorted(jets.offsets, row, side="right")) - 1
        raise ValueError(f"jet {jet} has a constituent whose momentum is not finite: {jets.momenta[row]}")
    algorithm = fastjet.JetDefinition(fastjet.cambridge_algorithm, _WHOLE_JET)
    for places in _blocks(len(jets)):
        filled = places[jets.counts()[places] > 0]
        block = jets.take(filled)
        yield filled, clustered(block.momenta, block.offsets, algorithm)


def _distances(jets: Jets) -> NDArray[np.float64]:
    """Of each constituent to the axis of its jet in rapidity and azimuth: (constituent,)."""
    axes = np.repeat(jets.totals(), jets.counts(), axis=0)  # constituent, 4
    azimuth = np.abs(np.arctan2(jets.momenta[:, 1], jets.momenta[:, 0]) - np.arctan2(axes[:, 1], axes[:, 0]))
    azimuth = np.minimum(azimuth, 2 * np.pi - azimuth)
    distances: NDArray[np.float64] = np.hypot(_rapidity(jets.momenta) - _rapidity(axes), azimuth)
    return distances


def _rapidity(momenta: NDArray[np.float64]) -> NDArray[np.float64]:
    """1/2 ln((E + pz) / (E - pz)) of four-momenta (..., 4), written so that a large |pz| does not cancel."""
    _, _, pz, energy = np.moveaxis(momenta, -1, 0)
    found = kinematics(momenta)
    transverse = np.hypot(found.pt, found.mass)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(transverse > 0, np.log((energy + np.abs(pz)) / transverse), _BEAM_RAPIDITY)
    rapidity: NDArray[np.float64] = np.sign(pz) * size
    return rapidity


def _sums(values: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of the values of each jet: (jet,)."""
    jets = len(offsets) - 1
    owners = np.repeat(np.arange(jets), np.diff(offsets))
    return np.asarray(np.bincount(owners, weights=values, minlength=jets), dtype=np.float64)


def _ratio(upper: NDArray[np.float64], lower: NDArray[np.float64]) -> NDArray[np.float64]:
    """One over the other, 0 where the other is 0."""
    return np.divide(upper, lower, out=np.zeros_like(upper), where=lower != 0)


def _check_radius(radius: float) -> None:
    if not radius > 0:
        raise UsageError(f"radius of the jets: expected a number above 0, got {radius}")

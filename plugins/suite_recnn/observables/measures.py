"""What physicists measure of a jet: angularities, masses and N-subjettiness, one number for each jet.

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

from collections.abc import Iterator, Sequence
from typing import Final

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import UsageError
from lightning_suite.spelling import no_such
from suite_recnn.jet_finding import clustered
from suite_recnn.jets import Jets, kinematics, owners_of

BLOCK: Final = 1024
"""Jets that FastJet gets at once: enough to hide the cost of a call, half a second between two steps of a bar."""

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

FastJet silently uses ``KT_Axes`` for a name that it does not know, so that names are checked against these.
"""

# All constituents are merged, however wide the jet: at R = 0.8 FastJet's one exclusive jet would be the last of two
# prongs that are farther apart, without the other.
_WHOLE_JET: Final = 1000.0

# FastJet's rapidity of a massless momentum along the beam, so that no distance is infinite.
_BEAM_RAPIDITY: Final = 1e5


def angularity(jets: Jets, kappa: float, beta: float, radius: float = 0.8) -> NDArray[np.float64]:
    """Return the generalised angularity lambda^kappa_beta of each jet: (jet,), without unit; 0 for an empty jet.

    The axis is that of the summed four-momentum, distances are in rapidity and azimuth, and z is a share of the
    scalar sum of transverse momenta, so that (1, 0) is 1. Infrared and collinear safe for kappa = 1, beta > 0.

    Args:
        jets: with any number of constituents.
        kappa: exponent of the momentum shares; with 0 all constituents have equal weight.
        beta: exponent of the distances; with 0 they do not matter.
        radius: R, the unit of the distances.

    Raises:
        UsageError: an exponent is negative, or the radius is not above 0.

    Example:
        >>> two_equal = Jets(np.array([[1.0, 0, 0, 1], [0, 1, 0, 1]]), np.array([0, 2]))
        >>> angularity(two_equal, 2, 0).tolist()
        [0.5]
    """
    if not (kappa >= 0 and beta >= 0):
        raise UsageError(f"angularity: expected kappa and beta of at least 0, got kappa = {kappa}, beta = {beta}")
    check_radius(radius)
    pt = kinematics(jets.momenta).pt
    shares = _ratio(pt, np.repeat(_sums(pt, jets.offsets), jets.counts()))
    values = shares**kappa
    if beta:
        values = values * (_distances(jets) / radius) ** beta
    return _sums(values, jets.offsets)


def multiplicity(jets: Jets) -> NDArray[np.float64]:
    """Return the number of constituents of each jet, the angularity (0, 0): (jet,)."""
    return jets.counts().astype(np.float64)


def width(jets: Jets, radius: float = 0.8) -> NDArray[np.float64]:
    """Return the angularity (1, 1), also called girth over R: (jet,)."""
    return angularity(jets, 1, 1, radius)


def ptd(jets: Jets) -> NDArray[np.float64]:
    """Return sqrt(sum pt^2) / sum pt: 1 for a single constituent, 1 / sqrt(n) for n equal ones: (jet,).

    It is the square root of the angularity (2, 0), which the paper calls p_T^D.
    """
    return np.sqrt(angularity(jets, 2, 0))


def mass(jets: Jets) -> NDArray[np.float64]:
    """Return the invariant mass of the sum of the constituents in GeV: (jet,)."""
    return kinematics(jets.totals()).mass


def soft_drop_mass(
    jets: Jets, beta: float = 0.0, symmetry_cut: float = 0.1, radius: float = 0.8
) -> NDArray[np.float64]:
    """Return the mass in GeV that soft drop leaves of each jet: (jet,).

    The Cambridge/Aachen tree is followed from the root along the harder branch, dropping the softer one, until
    min(pt_1, pt_2) / (pt_1 + pt_2) > symmetry_cut (Delta_12 / radius)^beta. beta = 0 is the modified mass drop. A jet
    of one constituent keeps it; the result for an empty jet is 0.

    Raises:
        UsageError: the symmetry cut is not between 0 and 1, or the radius is not above 0.
        ValueError: a momentum is not finite.
    """
    if not 0 <= symmetry_cut < 1:
        raise UsageError(f"soft_drop_mass: expected a symmetry_cut from 0 to below 1, got {symmetry_cut}")
    check_radius(radius)
    masses = np.zeros(len(jets))
    for filled, clusters in _clusterings(jets):
        groomed = clusters.exclusive_jets_softdrop_grooming(1, beta=beta, symmetry_cut=symmetry_cut, R0=radius)
        # FastJet marks a rounding error in m^2 by a negative mass.
        masses[filled] = np.maximum(ak.to_numpy(groomed.msoftdrop), 0.0)
    return masses


def n_subjettiness(
    jets: Jets,
    numbers: Sequence[int] = (1, 2, 3),
    beta: float = 1.0,
    radius: float = 0.8,
    axes: str = "OnePass_KT_Axes",
) -> NDArray[np.float64]:
    """Return tau_N of each jet for each N: (jet, number), without unit.

    It is low when the jet has at most N prongs, and 0 when it has at most N constituents, each with an axis of its own.

    Args:
        jets: with any number of constituents.
        numbers: the values of N.
        beta: exponent of the distances.
        radius: R of the normalisation.
        axes: how FastJet looks for the N axes, one of AXES.

    Raises:
        UsageError: an N is below 1, FastJet has no such axes, or beta or the radius is not above 0.
        ValueError: a momentum is not finite.
    """
    if not numbers or min(numbers) < 1:
        raise UsageError(f"n_subjettiness: expected numbers of axes from 1, got {list(numbers)}")
    if axes not in AXES:
        raise UsageError(no_such("definition of axes", axes, AXES, "FastJet has, without a parameter"))
    if not beta > 0:
        raise UsageError(f"n_subjettiness: expected beta above 0, got {beta}")
    check_radius(radius)
    taus = np.zeros((len(jets), len(numbers)))
    for filled, clusters in _clusterings(jets):
        measured = clusters.njettiness(
            measure_definition="NormalizedMeasure",
            axes_definition=axes,
            njets=list(numbers),
            beta=beta,
            R0=radius,
        )
        taus[filled] = ak.to_numpy(measured)
    taus[jets.counts()[:, None] <= np.asarray(numbers)] = 0.0  # exactly: a ratio would amplify a rounding error
    return taus


def subjettiness_ratio(upper: NDArray[np.float64], lower: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return tau_N / tau_M, such as tau21 = tau2 / tau1; 0 where tau_M is 0.

    Example:
        >>> subjettiness_ratio(np.array([0.1, 0.0]), np.array([0.4, 0.0])).tolist()
        [0.25, 0.0]
    """
    return _ratio(upper, lower)


def blocks(jets: int) -> Iterator[NDArray[np.int64]]:
    """Yield the numbers of the jets, a block at a time."""
    for first in range(0, jets, BLOCK):
        yield np.arange(first, min(first + BLOCK, jets))


def _clusterings(jets: Jets) -> Iterator[tuple[NDArray[np.int64], fastjet.ClusterSequence]]:
    """Yield the numbers of the jets that are not empty, and their Cambridge/Aachen clusterings, a block at a time.

    Each jet is an event for FastJet. Empty jets are left out: it fails on them.
    """
    if not np.isfinite(jets.momenta).all():
        row = int(np.flatnonzero(~np.isfinite(jets.momenta).all(axis=1))[0])
        jet = int(np.searchsorted(jets.offsets, row, side="right")) - 1
        raise ValueError(f"jet {jet} has a constituent whose momentum is not finite: {jets.momenta[row]}")
    algorithm = fastjet.JetDefinition(fastjet.cambridge_algorithm, _WHOLE_JET)
    for rows in blocks(len(jets)):
        filled = rows[jets.counts()[rows] > 0]
        block = jets.take(filled)
        yield filled, clustered(block.momenta, block.offsets, algorithm)


def _distances(jets: Jets) -> NDArray[np.float64]:
    """Return the distance of each constituent to the axis of its jet in rapidity and azimuth: (constituent,)."""
    axes = np.repeat(jets.totals(), jets.counts(), axis=0)  # constituent, 4
    azimuth = np.abs(np.arctan2(jets.momenta[:, 1], jets.momenta[:, 0]) - np.arctan2(axes[:, 1], axes[:, 0]))
    azimuth = np.minimum(azimuth, 2 * np.pi - azimuth)
    distances: NDArray[np.float64] = np.hypot(_rapidity(jets.momenta) - _rapidity(axes), azimuth)
    return distances


def _rapidity(momenta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1/2 ln((E + pz) / (E - pz)) of four-momenta (..., 4), without the cancellation at large |pz|."""
    _, _, pz, energy = np.moveaxis(momenta, -1, 0)
    pt, _, _, mass = kinematics(momenta)
    transverse = np.hypot(pt, mass)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(transverse > 0, np.log((energy + np.abs(pz)) / transverse), _BEAM_RAPIDITY)
    rapidity: NDArray[np.float64] = np.sign(pz) * size
    return rapidity


def _sums(values: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the sum of the values of each jet: (jet,)."""
    jets = len(offsets) - 1
    return np.asarray(np.bincount(owners_of(offsets), weights=values, minlength=jets), dtype=np.float64)


def _ratio(upper: NDArray[np.float64], lower: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return upper / lower, 0 where the lower is 0."""
    return np.divide(upper, lower, out=np.zeros_like(upper), where=lower != 0)


def check_radius(radius: float) -> None:
    """Raise a UsageError for a radius that is not above 0."""
    if not radius > 0:
        raise UsageError(f"radius of the jets: expected a number above 0, got {radius}")

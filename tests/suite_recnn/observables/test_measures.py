"""Observables of jets made by hand, of random jets against FastJet, and of simulated W, top, quark and gluon jets."""

from pathlib import Path

import awkward as ak
import fastjet
import numpy as np
import pytest
from numpy.typing import NDArray

from lightning_suite.errors import UsageError
from suite_recnn.jets import Jets, concatenate
from suite_recnn.observables.measures import (
    angularity,
    mass,
    multiplicity,
    n_subjettiness,
    ptd,
    soft_drop_mass,
    subjettiness_ratio,
    width,
)
from suite_recnn.observables.table import OBSERVABLES, table

CLASSES = ("w", "top", "qcd", "quark", "gluon")


def massless(pt: float, rapidity: float, phi: float) -> list[float]:
    return [pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(rapidity), pt * np.cosh(rapidity)]


def jet(*constituents: list[float]) -> Jets:
    return Jets(np.asarray(constituents, dtype=np.float64).reshape(-1, 4), np.array([0, len(constituents)]))


def random_jets(number: int, seed: int = 3) -> Jets:
    """Sprays of 1 to 40 massless constituents around an axis, some of them across phi = pi."""
    random = np.random.default_rng(seed)
    parts = []
    for count in random.integers(1, 41, number):
        y, phi = random.uniform(-2, 2), random.uniform(-np.pi, np.pi)
        spray = zip(random.exponential(30, count), *random.normal(0, 0.25, (2, count)), strict=True)
        parts.append(jet(*(massless(pt, y + dy, phi + dphi) for pt, dy, dphi in spray)))
    return concatenate(parts)


ONE = jet(massless(100, 0.3, 3.1))
EMPTY = Jets(np.zeros((0, 4)), np.zeros(1, np.int64))
# Equal momenta, so that the axis lies half-way: each is 0.2 from it.
TWO = jet(massless(50, 0.2, 1.0), massless(50, -0.2, 1.0))
ACROSS = jet(massless(50, 0, np.pi - 0.2), massless(50, 0, -np.pi + 0.2))


def test_a_single_constituent_has_no_width_and_no_mass() -> None:
    measured = table(ONE)
    assert measured["multiplicity"][0] == measured["ptd"][0] == measured["ptd_squared"][0] == 1
    for name in sorted(set(OBSERVABLES) - {"multiplicity", "ptd", "ptd_squared"}):
        assert measured[name][0] == pytest.approx(0, abs=1e-5), name


@pytest.mark.parametrize(
    ("kappa", "beta", "expected"),
    [(0, 0, 2), (1, 0, 1), (2, 0, 1 / 2), (1, 1, 1 / 4), (1, 2, 1 / 16), (0.5, 1, 2 * 0.5**0.5 / 4), (0, 1, 1 / 2)],
)
def test_angularities_of_two_equal_constituents(kappa: float, beta: float, expected: float) -> None:
    assert angularity(TWO, kappa, beta)[0] == pytest.approx(expected)
    assert angularity(ACROSS, kappa, beta)[0] == pytest.approx(expected)


def test_shares_are_of_the_sum_of_transverse_momenta() -> None:
    uneven = jet(massless(75, 0, 0.3), massless(25, 0, -0.3))  # |sum of vectors| is less than 100
    assert angularity(uneven, 2, 0)[0] == pytest.approx(0.75**2 + 0.25**2, rel=1e-12)
    assert angularity(uneven, 1, 0)[0] == pytest.approx(1, rel=1e-12)


def test_distances_are_in_rapidity_also_for_massive_constituents() -> None:
    boosted = []  # of mass 20 and pT 30 at rapidities 1.5 and 1.1: nowhere near those pseudorapidities
    for rapidity in (1.5, 1.1):
        transverse = np.hypot(30, 20)
        boosted.append([30.0, 0.0, transverse * np.sinh(rapidity), transverse * np.cosh(rapidity)])
    assert width(jet(*boosted))[0] == pytest.approx(0.2 / 0.8)


def test_the_radius_is_the_unit_of_distances() -> None:
    assert angularity(TWO, 1, 2, radius=0.4)[0] == pytest.approx(4 * angularity(TWO, 1, 2, radius=0.8)[0])
    assert n_subjettiness(TWO, (1,), radius=0.4)[0, 0] == pytest.approx(2 * n_subjettiness(TWO, (1,))[0, 0])


def test_width_and_ptd_are_angularities() -> None:
    jets = random_jets(20)
    np.testing.assert_array_equal(width(jets), angularity(jets, 1, 1))
    np.testing.assert_allclose(ptd(jets) ** 2, angularity(jets, 2, 0))
    np.testing.assert_array_equal(multiplicity(jets), angularity(jets, 0, 0))


def test_a_collinear_splitting_changes_multiplicity_and_ptd_only() -> None:
    whole = jet(massless(60, 0.1, 0.2), massless(40, -0.2, 0.5))
    split = jet(massless(60, 0.1, 0.2), massless(25, -0.2, 0.5), massless(15, -0.2, 0.5))
    before, after = table(whole), table(split)
    for name in ("width", "mass_angularity", "mass", "soft_drop_mass", "tau1"):
        assert after[name][0] == pytest.approx(before[name][0], rel=1e-6), name
    assert (before["multiplicity"][0], after["multiplicity"][0]) == (2, 3)
    assert after["ptd_squared"][0] == pytest.approx(0.6**2 + 0.25**2 + 0.15**2)


def test_a_soft_emission_changes_multiplicity_only() -> None:
    whole = jet(massless(60, 0.1, 0.2), massless(40, -0.2, 0.5))
    emitted = jet(massless(60, 0.1, 0.2), massless(40, -0.2, 0.5), massless(1e-9, 0.6, -0.4))
    before, after = table(whole), table(emitted)
    for name in ("width", "mass_angularity", "ptd", "mass", "soft_drop_mass", "tau1"):
        assert after[name][0] == pytest.approx(before[name][0], rel=1e-6), name
    assert (before["multiplicity"][0], after["multiplicity"][0]) == (2, 3)


def test_a_constituent_along_the_beam_has_no_share() -> None:
    along = jet(massless(60, 0.1, 0.2), massless(40, -0.2, 0.5), [0.0, 0.0, 1.0, 1.0])
    assert np.isfinite(width(along)).all()
    assert angularity(along, 0, 0)[0] == 3
    assert angularity(along, 2, 0)[0] == pytest.approx(0.6**2 + 0.4**2)


def test_the_mass_of_two_massless_constituents() -> None:
    expected = np.sqrt(2 * 50 * 50 * (np.cosh(0.4) - 1))
    assert mass(TWO)[0] == pytest.approx(expected, rel=1e-12)
    assert mass(TWO)[0] ** 2 == pytest.approx(angularity(TWO, 1, 2)[0] * (100 * 0.8) ** 2, rel=0.03)


def test_the_mass_is_that_of_fastjet() -> None:
    jets = random_jets(50)
    names = ["px", "py", "pz", "E"]
    columns = {name: ak.unflatten(jets.momenta[:, i], jets.counts()) for i, name in enumerate(names)}
    events = ak.zip(columns, with_name="Momentum4D")
    whole = fastjet.ClusterSequence(events, fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0)).inclusive_jets()
    px, py, pz, energy = (ak.to_numpy(ak.flatten(whole[name])) for name in names)
    expected = np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0))
    np.testing.assert_allclose(mass(jets), expected, rtol=1e-6, atol=1e-3)


def test_soft_drop_takes_a_soft_prong_away_and_keeps_a_hard_one() -> None:
    prongs = [massless(60, 0, 0), massless(40, 0.3, 0.2)]
    two = jet(*prongs)
    soft = jet(*prongs, massless(5, -0.5, -0.5))  # 5 / 105 is below the cut of 0.1
    hard = jet(*prongs, massless(15, -0.5, -0.5))  # 15 / 115 is above it
    assert soft_drop_mass(two)[0] == pytest.approx(mass(two)[0])
    assert soft_drop_mass(soft)[0] == pytest.approx(mass(two)[0])
    assert soft_drop_mass(hard)[0] == pytest.approx(mass(hard)[0])
    assert soft_drop_mass(hard, symmetry_cut=0.14)[0] == pytest.approx(mass(two)[0])


def test_beta_lets_soft_drop_keep_what_is_near() -> None:
    near = jet(massless(95, 0, 0), massless(5, 0.2, 0))  # 0.05 is above 0.1 (0.2 / 0.8)^1
    assert soft_drop_mass(near)[0] == pytest.approx(0, abs=1e-5)
    assert soft_drop_mass(near, beta=1.0)[0] == pytest.approx(mass(near)[0])
    assert soft_drop_mass(near, beta=1.0, radius=0.3)[0] == pytest.approx(0, abs=1e-5)


def test_soft_drop_sees_prongs_that_are_farther_apart_than_the_radius() -> None:
    wide = jet(massless(60, 0, 0), massless(40, 1.2, 0))
    assert soft_drop_mass(wide)[0] == pytest.approx(mass(wide)[0])


def test_tau_of_two_prongs() -> None:
    taus = n_subjettiness(jet(massless(60, 0, 0), massless(40, 0.3, 0.4)))[0]
    # The best single axis is the harder prong: only the other, 0.5 away, counts.
    assert taus[0] == pytest.approx(40 * 0.5 / (100 * 0.8), rel=1e-3)
    assert taus[1] == taus[2] == 0


def test_two_sprays_look_like_two_prongs() -> None:
    random = np.random.default_rng(1)
    sprays = [
        massless(pt, y + random.normal(0, 0.02), random.normal(0, 0.02))
        for pt, y in [(20, 0.0)] * 10 + [(15, 0.6)] * 10
    ]
    tau1, tau2, tau3 = n_subjettiness(jet(*sprays))[0]
    assert tau1 > 5 * tau2
    assert tau2 > tau3 > 0.3 * tau2


def test_taus_fall_with_the_number_of_axes() -> None:
    taus = n_subjettiness(random_jets(100))
    assert (taus >= 0).all()
    assert (np.diff(taus, axis=1) <= 1e-9).all()


def test_a_jet_of_no_more_constituents_than_axes_has_tau_zero() -> None:
    three = jet(massless(60, 0, 0), massless(40, 0.3, 0.4), massless(20, -0.3, 0.4))
    taus = n_subjettiness(concatenate([ONE, TWO, three]), (1, 2, 3, 4))
    np.testing.assert_array_equal(taus == 0, [[True] * 4, [False, *[True] * 3], [False, False, True, True]])


def test_a_ratio_over_nothing_is_zero() -> None:
    np.testing.assert_array_equal(subjettiness_ratio(np.array([0.0, 0.2]), np.array([0.0, 0.4])), [0, 0.5])
    assert table(ONE, ["tau21", "tau32"]) == {"tau21": [0], "tau32": [0]}


def test_axes_that_fastjet_would_silently_replace_are_refused() -> None:
    with pytest.raises(UsageError, match=r"(?s)'OnePass_KT_Axis'.*Did you mean 'OnePass_KT_Axes'"):
        n_subjettiness(TWO, axes="OnePass_KT_Axis")


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match=r"kappa = -1"):
        angularity(TWO, -1, 0)
    with pytest.raises(UsageError, match=r"above 0, got 0"):
        table(TWO, radius=0)
    with pytest.raises(UsageError, match=r"symmetry_cut .* got 1"):
        soft_drop_mass(TWO, symmetry_cut=1)
    with pytest.raises(UsageError, match=r"from 1, got \[0, 1\]"):
        n_subjettiness(TWO, (0, 1))
    with pytest.raises(UsageError, match=r"beta above 0, got -1"):
        n_subjettiness(TWO, beta=-1)


def test_a_momentum_that_is_not_finite_is_refused_with_its_jet() -> None:
    jets = concatenate([ONE, TWO])
    jets.momenta[2, 3] = np.nan
    with pytest.raises(ValueError, match=r"jet 1 .* not finite"):
        soft_drop_mass(jets)


# What follows measures simulated jets: 13 TeV, 500 < pT < 700 GeV, anti-kt 0.8, particle level.


@pytest.fixture(scope="module")
def simulated(shared_data: Path) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Observables of the first 1,000 jets of each class."""
    folder = shared_data / "jets"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: this test measures simulated jets that are not part of the repository")
    from suite_recnn.sources.reading import read

    measured = {}
    for name in CLASSES:
        jets = read(min(folder.glob(f"{name}_*.parquet")))
        measured[name] = table(jets.take(np.arange(min(1000, len(jets)))))
    return measured


def mode(values: NDArray[np.float64], smoothing: float = 3.0) -> float:
    """Where the density is highest, each value smeared by a Gaussian of this many GeV; above 20 GeV only.

    Below lie the jets of which soft drop leaves a single prong.
    """
    at = np.arange(20.0, 300.0, 0.25)
    density = np.exp(-0.5 * ((at[:, None] - values) / smoothing) ** 2).sum(axis=1)
    return float(at[density.argmax()])


def separation(signal: NDArray[np.float64], background: NDArray[np.float64]) -> float:
    """AUC: how often the signal has the higher value, an equal one counting half."""
    above = np.sign(signal[:, None] - background).mean()
    return float((above + 1) / 2)


def test_soft_drop_finds_the_masses_of_w_and_top(simulated: dict[str, dict[str, NDArray[np.float64]]]) -> None:
    assert mode(simulated["w"]["soft_drop_mass"]) == pytest.approx(80, abs=3)
    assert mode(simulated["top"]["soft_drop_mass"]) == pytest.approx(173, abs=6)


def test_soft_drop_removes_what_underlies_a_w(simulated: dict[str, dict[str, NDArray[np.float64]]]) -> None:
    assert mode(simulated["w"]["mass"]) > mode(simulated["w"]["soft_drop_mass"]) + 3


@pytest.mark.parametrize(("name", "expected"), [("w", 50), ("top", 74), ("qcd", 64), ("quark", 50), ("gluon", 77)])
def test_mean_multiplicities_are_those_of_the_sample(
    name: str, expected: float, simulated: dict[str, dict[str, NDArray[np.float64]]]
) -> None:
    assert simulated[name]["multiplicity"].mean() == pytest.approx(expected, abs=2)


@pytest.mark.parametrize(
    ("signal", "background", "name", "pole", "expected"),
    [
        ("qcd", "w", "tau21", None, 0.826),
        ("qcd", "w", "soft_drop_mass", 80.0, 0.80),
        ("qcd", "top", "soft_drop_mass", 173.0, 0.895),
        ("qcd", "top", "tau32", None, 0.846),
        ("top", "qcd", "mass", None, 0.869),
        ("gluon", "quark", "multiplicity", None, 0.828),
        ("gluon", "quark", "mass", None, 0.712),
    ],
)
def test_one_observable_separates_two_classes_as_measured_before(
    signal: str,
    background: str,
    name: str,
    pole: float | None,
    expected: float,
    simulated: dict[str, dict[str, NDArray[np.float64]]],
) -> None:
    values = [simulated[sample][name] for sample in (signal, background)]
    if pole is not None:
        values = [np.abs(masses - pole) for masses in values]
    assert separation(*values) == pytest.approx(expected, abs=0.02)

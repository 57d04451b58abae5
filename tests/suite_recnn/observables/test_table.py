"""The observables by name: the whole table, blocks, angularities of any exponents, symbols and units."""

import numpy as np
import pytest

from lightning_suite.errors import UsageError
from suite_recnn.jets import Jets, concatenate
from suite_recnn.observables import measures
from suite_recnn.observables.measures import BLOCK, angularity, n_subjettiness, ptd
from suite_recnn.observables.table import OBSERVABLES, observable, table

EMPTY = Jets(np.zeros((0, 4)), np.zeros(1, np.int64))
TWO = Jets(
    np.array([[3.0, 40.0, 5.0, 41.0], [-10.0, 45.0, -5.0, 47.0]]),
    np.array([0, 2]),
)


def random_jets(make_jets, number: int, seed: int = 3) -> Jets:
    return make_jets(np.random.default_rng(seed).integers(1, 41, number).tolist(), seed=seed)


def test_ratios_are_of_the_taus(make_jets) -> None:
    measured = table(random_jets(make_jets, 30, seed=5))
    some = measured["multiplicity"] > 3
    np.testing.assert_allclose(measured["tau21"][some], measured["tau2"][some] / measured["tau1"][some])
    np.testing.assert_allclose(measured["tau32"][some], measured["tau3"][some] / measured["tau2"][some])


def test_no_jets_have_no_observables() -> None:
    measured = table(EMPTY)
    assert list(measured) == list(OBSERVABLES)
    assert all(values.shape == (0,) and values.dtype == np.float64 for values in measured.values())
    assert n_subjettiness(EMPTY).shape == (0, 3)


def test_a_jet_without_constituents_has_zeros_and_harms_no_other() -> None:
    hollow = Jets(TWO.momenta, np.array([0, 0, 2, 2]))
    measured = table(hollow)
    expected = table(TWO)
    for name, values in measured.items():
        np.testing.assert_array_equal(values, [0, expected[name][0], 0], err_msg=name)


def test_only_jets_without_constituents_have_zeros() -> None:
    for name, values in table(Jets(np.zeros((0, 4)), np.zeros(3, np.int64))).items():
        np.testing.assert_array_equal(values, [0, 0], err_msg=name)


def test_the_table_does_not_depend_on_the_blocks(make_jets, monkeypatch: pytest.MonkeyPatch) -> None:
    jets = random_jets(make_jets, 40)
    expected = table(jets)
    monkeypatch.setattr(measures, "BLOCK", 7)
    for name, values in table(jets).items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def test_progress_counts_every_jet_once() -> None:
    jets = concatenate([TWO] * (BLOCK + 5))
    steps: list[int] = []
    table(jets, ["width"], progress=steps.append)
    assert steps == [BLOCK, 5]


def test_any_angularity_has_a_name(make_jets) -> None:
    jets = random_jets(make_jets, 10)
    measured = table(jets, ["angularity_1_0.5", "angularity_2_0"], radius=0.6)
    np.testing.assert_array_equal(measured["angularity_1_0.5"], angularity(jets, 1, 0.5, radius=0.6))
    np.testing.assert_allclose(measured["angularity_2_0"], ptd(jets) ** 2)


def test_what_was_not_asked_for_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "_clusterings", None)
    assert list(table(TWO, ["mass", "width"])) == ["mass", "width"]


def test_an_unknown_observable_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"(?s)no observable 'widht'.*Did you mean 'width'\?"):
        table(TWO, ["widht"])


@pytest.mark.parametrize("name", ["angularity_1", "angularity_-1_2", "angularity_1_x"])
def test_a_mistaken_angularity_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="angularity_KAPPA_BETA"):
        table(TWO, [name])


def test_every_observable_has_a_symbol_and_masses_have_a_unit() -> None:
    assert all(observable(name).symbol for name in OBSERVABLES)
    assert {name for name in OBSERVABLES if observable(name).unit == "GeV"} == {"mass", "soft_drop_mass"}

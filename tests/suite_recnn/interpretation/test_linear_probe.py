import numpy as np
import pytest

from suite_recnn.interpretation.linear_probe import explained, folds_of, held_out

GENERATOR = np.random.default_rng(5)
JETS = 2000
UNITS = GENERATOR.normal(size=(JETS, 3))
NOISE = GENERATOR.normal(size=JETS)
EVENTS = np.arange(JETS)
FOLDS = folds_of(EVENTS, 4)
ONES = np.ones(JETS)


def r2(inputs: np.ndarray, target: np.ndarray, weights: np.ndarray = ONES, kind: str = "ridge") -> float:
    found = held_out(inputs, target[:, None], FOLDS, weights, kind)
    return explained(target[:, None], found, EVENTS, weights)[0].value


@pytest.mark.parametrize("kind", ["ridge", "linear"])
def test_the_score_is_the_share_of_the_variance_that_a_linear_function_explains(kind: str) -> None:
    assert r2(UNITS, 5 + UNITS @ [1.0, -1.0, 0.0] + NOISE, kind=kind) == pytest.approx(2 / 3, abs=0.03)


def test_a_target_without_relation_to_the_units_scores_zero() -> None:
    assert r2(UNITS, NOISE) == pytest.approx(0, abs=0.005)


def test_the_scale_of_units_and_targets_does_not_matter() -> None:
    target = UNITS @ [1.0, 1.0, 1.0] + NOISE
    assert r2(UNITS * [1e-6, 1, 1e6], 1e-5 * target) == pytest.approx(r2(UNITS, target), abs=1e-6)


def test_a_unit_that_is_nearly_dead_changes_nothing() -> None:
    target = UNITS @ [1.0, 1.0, 1.0] + NOISE
    dead = np.zeros((JETS, 1))
    dead[:3] = [[1e-4], [50.0], [2e-4]]
    assert r2(np.hstack([UNITS, dead]), target, kind="linear") == r2(UNITS, target, kind="linear")


def test_units_that_are_all_dead_give_the_mean() -> None:
    assert r2(np.zeros((JETS, 2)), NOISE) == pytest.approx(0, abs=0.005)


def test_jets_of_an_event_are_in_one_fold() -> None:
    events = GENERATOR.integers(0, 100, 500)
    folds = folds_of(events, 3)
    assert all(len(set(folds[events == event])) == 1 for event in np.unique(events))
    assert min(np.bincount(folds)) > 100


def test_no_jet_is_predicted_by_a_regression_that_saw_it() -> None:
    """Copies of a jet in one event: a regression that had seen one would know the others by heart."""
    events = np.repeat(np.arange(30), 10)
    units, target = GENERATOR.normal(size=(30, 40))[events], GENERATOR.normal(size=30)[events]
    found = held_out(units, target[:, None], folds_of(events, 3), np.ones(300), "linear")
    assert explained(target[:, None], found, events, np.ones(300))[0].value < 0.1


def test_jets_of_weight_zero_do_not_count() -> None:
    target = UNITS @ [1.0, 0.0, 0.0] + NOISE
    target[:1000] = 100 * NOISE[:1000]
    weights = np.where(EVENTS < 1000, 0.0, 3.0)
    assert r2(UNITS, target, weights) == pytest.approx(0.5, abs=0.06)


def test_a_constant_target_has_no_score() -> None:
    assert np.isnan(r2(UNITS, np.full(JETS, 0.1)))


def test_the_error_is_the_scatter_of_other_jets() -> None:
    def score(seed: int) -> tuple[float, float]:
        generator = np.random.default_rng(seed)
        truth = generator.normal(size=(400, 1))
        return explained(truth + generator.normal(size=(400, 1)), truth, np.arange(400), np.ones(400))[0]

    values, errors = np.array([score(seed) for seed in range(40)]).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.35)


def test_jets_that_come_in_pairs_have_a_larger_error() -> None:
    target, found = (UNITS[:, :1] + NOISE[:, None])[:500].repeat(2, axis=0), UNITS[:500, :1].repeat(2, axis=0)
    apart, together = (
        explained(target, found, events, np.ones(1000))[0].error for events in (np.arange(1000), np.arange(1000) // 2)
    )
    assert together == pytest.approx(np.sqrt(2) * apart, rel=0.25)


def test_partial_scores_count_what_the_others_leave() -> None:
    target = 3 * UNITS[:, :1] + UNITS[:, 1:2] + NOISE[:, None]
    known, both = 3 * UNITS[:, :1], 3 * UNITS[:, :1] + UNITS[:, 1:2]
    partial = explained(target, both, EVENTS, ONES, known)[0].value
    assert partial == pytest.approx(1 - (NOISE**2).sum() / ((target - known) ** 2).sum(), abs=1e-9)
    assert partial == pytest.approx(0.5, abs=0.05)

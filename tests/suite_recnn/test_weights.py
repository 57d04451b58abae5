"""Weights of jets: those of files, scaled by class, and those that make the spectrum of jet pT flat."""

from pathlib import Path

import numpy as np
import pytest

from lightning_suite.errors import DataError
from suite_recnn.weights import BINS, MOST, flattening, given_weights, normalised, said

PATH = Path("w.parquet")


def test_the_column_is_read_where_there_is_one() -> None:
    columns = {"weight": np.array([2, 3]), "mcEventWeight": np.array([5.0, 5.0])}
    assert given_weights(columns, "auto", PATH).tolist() == [2.0, 3.0]
    assert given_weights(columns, True, PATH).tolist() == [2.0, 3.0]
    assert given_weights(columns, False, PATH) is None
    assert given_weights({"event": np.array([1])}, "auto", PATH) is None


def test_a_column_that_looks_like_weights_is_not_passed_over_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    assert given_weights({"mcEventWeight": np.array([5.0])}, "auto", PATH) is None
    assert "not used: mcEventWeight; --data.columns '{weight: mcEventWeight}'" in caplog.text


def test_weights_that_must_be_there_are_missed_with_the_columns_there_are() -> None:
    with pytest.raises(DataError, match=r"no column 'weight'\nthere are: mcEventWeight, event(.|\n)*\{weight: NAME\}"):
        given_weights({"event": np.array([1]), "mcEventWeight": np.array([5.0])}, True, PATH)


@pytest.mark.parametrize("wrong", [np.array([1.0, np.nan]), np.array([1.0, np.inf])])
def test_a_weight_that_is_not_finite_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"jet 1: weight is (nan|inf); expected a finite number"):
        given_weights({"weight": wrong}, "auto", PATH)


def test_weights_are_one_on_average_over_each_class_and_keep_their_signs() -> None:
    labels = np.array([0, 0, 1, 1, 1, -1])
    weights = normalised(np.array([1e-6, 3e-6, 2.0, -1.0, 5.0, 7.0]), labels, ["qcd", "w"], PATH)
    np.testing.assert_allclose(weights, [0.5, 1.5, 1.0, -0.5, 2.5, 0.0])


def test_weights_that_sum_up_to_less_than_nothing_are_refused() -> None:
    with pytest.raises(DataError, match=r"the weights of w are -0\.5 on average; expected above 0"):
        normalised(np.array([1.0, -2.0, 1.0]), np.array([1, 1, 0]), ["qcd", "w"], PATH)


def spectrum(jets: int, slope: float, seed: int) -> np.ndarray:
    """Jets of 500 to 700 GeV, fewer by a factor of e every ``slope`` GeV."""
    uniform = np.random.default_rng(seed).uniform(size=jets)
    return 500 - slope * np.log1p(-uniform * -np.expm1(-200 / slope))


def test_a_falling_spectrum_becomes_flat_in_each_class_by_itself() -> None:
    pt = np.concatenate([spectrum(20_000, 120, 0), spectrum(5_000, 400, 1)])
    labels = np.repeat([0, 1], [20_000, 5_000])
    factors = flattening(pt, labels, None)
    edges = np.linspace(*np.percentile(pt, [1, 99]), BINS + 1)
    for label in (0, 1):
        of_class = labels == label
        flat, _ = np.histogram(pt[of_class], edges[1:-1], weights=factors[of_class])  # all but the outer bins
        np.testing.assert_allclose(flat, flat.mean(), rtol=1e-9)
        assert factors[of_class].mean() == pytest.approx(1)


def test_the_weights_that_jets_have_count_in_the_spectrum() -> None:
    pt = spectrum(5_000, 100, 0)
    given = np.exp((pt - 500) / 100)  # makes the spectrum nearly flat by itself
    factors = flattening(pt, np.zeros(5_000, dtype=np.int64), given)
    unweighted = flattening(pt, np.zeros(5_000, dtype=np.int64), None)
    assert factors.max() / factors.min() < 2 < unweighted.max() / unweighted.min()


def test_no_jet_counts_more_than_ten_times_as_much_as_on_average() -> None:
    pt = np.concatenate([np.full(10_000, 510.0), np.full(200, 690.0)])
    assert flattening(pt, np.zeros(len(pt), dtype=np.int64), None).max() == MOST


def test_jets_of_one_pt_are_left_alone() -> None:
    assert flattening(np.full(5, 600.0), np.zeros(5, dtype=np.int64), None).tolist() == [1.0] * 5


def test_a_bin_with_negative_weights_alone_does_not_count() -> None:
    pt, weights = np.repeat([500.0, 600.0], 100), np.repeat([1.0, -1.0], 100)
    assert flattening(pt, np.zeros(200, dtype=np.int64), weights).tolist() == [1.0] * 100 + [0.0] * 100


def test_weights_are_told_by_class_with_the_negative_ones_counted() -> None:
    words = said(np.array([1.0, 1.0, 2.0, -0.5]), np.array([0, 0, 1, 1]), ["qcd", "w"])
    assert words == "w -0.5 to 2, 1 of 2 negative"

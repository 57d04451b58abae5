import csv

import numpy as np
import pytest

from suite_recnn.tagging import auc, rejection, roc, write_roc


@pytest.fixture
def scored() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    labels = (generator.random(400) < 0.4).astype(np.float32)
    return np.round(generator.normal(size=400) + labels, 1), labels  # rounded, so that scores tie


def test_the_auc_is_the_share_of_pairs_in_the_right_order(scored) -> None:
    scores, labels = scored
    signal, background = scores[labels == 1][:, None], scores[labels == 0]
    pairs = (signal > background).mean() + (signal == background).mean() / 2
    assert auc(scores, labels).value == pytest.approx(pairs)


def test_the_auc_is_the_area_under_the_curve(scored) -> None:
    curve = roc(*scored)
    assert auc(*scored).value == pytest.approx(np.trapezoid(curve.signal, curve.background))


def test_the_error_is_the_scatter_of_the_auc_over_samples() -> None:
    generator = np.random.default_rng(2)
    labels = np.repeat([1, 0], [150, 250])
    samples = [auc(generator.normal(size=400) + labels, labels) for _ in range(400)]
    values, errors = np.array(samples).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.12)


def test_a_perfect_tagger_has_an_auc_of_one_and_no_error() -> None:
    assert auc(np.array([3.0, 2.0, 1.0, 0.0]), np.array([1, 1, 0, 0])) == (1.0, 0.0)


def test_scores_turned_round_turn_the_auc_round(scored) -> None:
    scores, labels = scored
    assert auc(-scores, labels).value == pytest.approx(1 - auc(scores, labels).value)


def test_the_curve_begins_at_the_origin_ends_at_one_and_never_falls(scored) -> None:
    curve = roc(*scored)
    assert (curve.signal[0], curve.background[0], curve.signal[-1], curve.background[-1]) == (0, 0, 1, 1)
    assert (np.diff(curve.signal) >= 0).all()
    assert (np.diff(curve.background) >= 0).all()


def test_a_point_of_the_curve_counts_what_passes_its_threshold(scored) -> None:
    scores, labels = scored
    curve = roc(scores, labels)
    for place in (1, 10, 25):
        passing = scores >= curve.thresholds[place]
        assert curve.signal[place] == pytest.approx(passing[labels == 1].mean())
        assert curve.background[place] == pytest.approx(passing[labels == 0].mean())


def test_rejection_is_read_at_the_signal_efficiency() -> None:
    scores = np.concatenate([np.linspace(0, 1, 1001), np.linspace(-9, 1, 10001)])  # the upper tenth of background
    labels = np.repeat([1, 0], [1001, 10001])
    assert rejection(scores, labels, 0.5).value == pytest.approx(20, rel=0.01)
    assert rejection(scores, labels, 0.3).value == pytest.approx(33.3, rel=0.01)


def test_the_error_of_the_rejection_is_its_scatter_over_samples() -> None:
    generator = np.random.default_rng(3)
    labels = np.repeat([1, 0], [4000, 4000])
    samples = [rejection(generator.normal(size=8000) + labels, labels, 0.5) for _ in range(200)]
    values, errors = np.array(samples).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.25)  # the threshold's own scatter is left out


def test_of_thresholds_with_one_efficiency_the_one_that_rejects_most_counts() -> None:
    scores, labels = np.array([10, 9, 8, 7, 8.5, 7.5, 7.2, 1]), np.repeat([1, 0], 4)
    assert rejection(scores, labels, 0.75).value == 4


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="1 of 3 are not: the network has diverged"):
        auc(np.array([0.1, np.nan, 0.3]), np.array([0, 1, 1]))


def test_background_that_never_passes_is_rejected_without_end() -> None:
    assert rejection(np.array([3.0, 2.0, 1.0, 0.0]), np.array([1, 1, 0, 0]), 0.5) == (np.inf, np.inf)


@pytest.mark.parametrize("labels", [[1, 1], [0, 0]])
def test_one_class_alone_has_no_curve(labels) -> None:
    with pytest.raises(ValueError, match="needs signal and background"):
        roc(np.array([0.1, 0.2]), np.array(labels))


@pytest.mark.parametrize("efficiency", [0.0, 1.5, -1.0])
def test_an_efficiency_beyond_what_can_be_is_refused(efficiency) -> None:
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        rejection(np.array([0.1, 0.2]), np.array([1, 0]), efficiency)


def test_the_picture_has_its_numbers_beside_it(scored, tmp_path) -> None:
    curve = roc(*scored)
    write_roc(tmp_path / "roc.png", curve, "a title")
    assert (tmp_path / "roc.png").stat().st_size > 5000
    with (tmp_path / "roc.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(curve.signal)
    assert float(rows[7]["background_efficiency"]) == curve.background[7]

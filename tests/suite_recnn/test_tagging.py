import csv

import numpy as np
import pytest

from suite_recnn.tagging import (
    auc,
    background_errors,
    confusion,
    effective_background,
    one_vs_rest,
    rejection,
    roc,
    write_roc,
    write_scores,
)


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


@pytest.fixture
def weighted(scored) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Jets with weights between 0.1 and 5, and every tenth with one below 0."""
    scores, labels = scored
    weights = np.random.default_rng(4).lognormal(sigma=0.8, size=400)
    weights[::10] *= -0.5
    return scores, labels, weights


def test_the_weighted_auc_is_the_weight_of_the_pairs_in_the_right_order(weighted) -> None:
    scores, labels, weights = weighted
    is_signal = labels == 1
    right, all_pairs = 0.0, 0.0
    for score, weight in zip(scores[is_signal], weights[is_signal], strict=True):
        for other, of_other in zip(scores[~is_signal], weights[~is_signal], strict=True):
            right += weight * of_other * (1.0 if score > other else 0.5 if score == other else 0.0)
            all_pairs += weight * of_other
    assert auc(scores, labels, weights).value == pytest.approx(right / all_pairs, rel=1e-12)


def test_the_weighted_auc_is_the_area_under_the_curve_also_where_the_curve_turns_back(weighted) -> None:
    curve = roc(*weighted)
    assert (np.diff(curve.signal) < 0).any()
    assert auc(*weighted).value == pytest.approx(np.trapezoid(curve.signal, curve.background))


def test_a_weight_of_two_is_a_jet_twice(scored) -> None:
    scores, labels = scored
    twice = np.random.default_rng(5).integers(1, 3, size=400)
    again = [np.repeat(values, twice) for values in (scores, labels)]
    assert auc(scores, labels, twice).value == pytest.approx(auc(*again).value)
    assert rejection(scores, labels, 0.5, twice).value == pytest.approx(rejection(*again, 0.5).value)


def test_the_size_of_the_weights_of_a_class_does_not_matter(weighted) -> None:
    scores, labels, weights = weighted
    larger = weights * np.where(labels == 1, 7, 1e-9)
    assert auc(scores, labels, larger) == pytest.approx(auc(*weighted))
    assert rejection(scores, labels, 0.3, larger) == pytest.approx(rejection(scores, labels, 0.3, weights))


def test_equal_weights_change_nothing(scored) -> None:
    scores, labels = scored
    assert auc(scores, labels, np.full(400, 2.0)) == auc(scores, labels)
    assert rejection(scores, labels, 0.5, np.full(400, 2.0)) == pytest.approx(rejection(scores, labels, 0.5), rel=1e-12)


def test_without_weights_the_error_is_delongs(scored) -> None:
    scores, labels = scored
    signal, background = scores[labels == 1][:, None], scores[labels == 0]
    kernel = (signal > background) + (signal == background) / 2
    parts = kernel.mean(axis=1), kernel.mean(axis=0)
    expected = np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts))
    assert auc(scores, labels).error == pytest.approx(expected, rel=1e-12)


def resampled(weights_of) -> tuple[np.ndarray, np.ndarray]:
    """Estimates (sample, quantity, value and error) of one bootstrap, and those of the sample that it draws from."""
    generator = np.random.default_rng(6)
    labels = np.repeat([1, 0], [400, 600])
    scores = generator.normal(size=1000) + labels
    weights = weights_of(generator, scores)

    def estimates(jets: np.ndarray) -> list[tuple[float, float]]:
        chosen = scores[jets], labels[jets]
        return [auc(*chosen, weights[jets]), rejection(*chosen, 0.8, weights[jets])]

    draws = [np.append(generator.integers(400, size=400), 400 + generator.integers(600, size=600)) for _ in range(400)]
    return np.array([estimates(jets) for jets in draws]), np.array(estimates(np.arange(1000)))


@pytest.mark.parametrize(
    "weights_of",
    [
        lambda generator, scores: generator.lognormal(sigma=1.0, size=len(scores)),
        lambda generator, scores: np.exp(scores / 2),  # weights that go with the score
        lambda generator, scores: np.where(generator.random(len(scores)) < 0.15, -1.0, 1.0),
    ],
    ids=["independent", "with-score", "negative"],
)
def test_weighted_errors_are_those_of_a_bootstrap(weights_of) -> None:
    drawn, (of_auc, of_rejection) = resampled(weights_of)
    assert of_auc[1] == pytest.approx(drawn[:, 0, 0].std(), rel=0.15)
    # The scatter of the threshold, which the error of a rejection leaves out, is less than half of it here.
    assert 0.4 * drawn[:, 1, 0].std() < of_rejection[1] < 1.1 * drawn[:, 1, 0].std()


def test_one_heavy_jet_is_no_sample() -> None:
    weights = np.array([1.0, 1e-12, 1.0, 1.0])
    assert np.isnan(auc(np.array([3.0, 2.0, 1.0, 0.0]), np.array([1, 1, 0, 0]), weights).error)


@pytest.mark.parametrize("weights", [[1.0, -1.0, 1.0, 1.0], [1.0, 1.0, np.nan, 1.0], [0.0, 0.0, 1.0, 1.0]])
def test_weights_without_a_sum_are_refused(weights) -> None:
    with pytest.raises(ValueError, match="must each have a sum above 0"):
        roc(np.array([3.0, 2.0, 1.0, 0.0]), np.array([1, 1, 0, 0]), np.array(weights))


def three_classes(generator: np.random.Generator, jets: int = 300) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(3), jets // 3)
    return generator.normal(size=(jets, 3)) + np.eye(3)[labels], labels


def test_a_class_against_the_rest_is_an_auc_like_any_other() -> None:
    scores, labels = three_classes(np.random.default_rng(7))
    weights = np.random.default_rng(8).random(300)
    classes, mean = one_vs_rest(scores, labels, weights)
    for place, one in enumerate(classes):
        assert one == pytest.approx(auc(scores[:, place], labels == place, weights))
    assert mean.value == pytest.approx(np.mean([one.value for one in classes]))


def test_the_error_of_the_mean_auc_is_its_scatter_over_samples() -> None:
    generator = np.random.default_rng(9)
    means = np.array([one_vs_rest(*three_classes(generator))[1] for _ in range(300)])
    assert means[:, 1].mean() == pytest.approx(means[:, 0].std(), rel=0.12)


def test_a_confusion_matrix_adds_up_the_weights_of_true_and_predicted_classes() -> None:
    predicted, labels = np.array([0, 1, 1, 2]), np.array([0.0, 0.0, 1.0, 1.0])
    assert confusion(predicted, labels, 3).tolist() == [[1, 1, 0], [0, 1, 1], [0, 0, 0]]
    assert confusion(predicted, labels, 3, np.array([1, 2, 4, -0.5])).tolist() == [[1, 2, 0], [0, 4, -0.5], [0, 0, 0]]


def test_several_curves_share_a_picture_and_name_their_numbers(scored, tmp_path) -> None:
    scores, labels = scored
    write_roc(tmp_path / "roc.png", {"w": roc(scores, labels), "qcd": roc(-scores, 1 - labels)}, "a title")
    with (tmp_path / "roc.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["class"] for row in rows} == {"w", "qcd"}
    assert len(rows) == 2 * len(roc(scores, labels).signal)


def test_the_picture_has_its_numbers_beside_it(scored, tmp_path) -> None:
    curve = roc(*scored)
    write_roc(tmp_path / "roc.png", {"tagger": curve}, "a title")
    assert (tmp_path / "roc.png").stat().st_size > 5000
    with (tmp_path / "roc.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(curve.signal)
    assert float(rows[7]["background_efficiency"]) == curve.background[7]


def test_the_band_of_a_curve_is_the_error_of_the_rejection(scored, tmp_path) -> None:
    scores, labels = scored
    curve = roc(scores, labels)
    jets = effective_background(labels)
    assert jets == (labels == 0).sum()
    point = len(curve.signal) // 2
    expected = rejection(scores, labels, float(curve.signal[point]))
    errors = background_errors(curve, jets)
    write_roc(tmp_path / "roc.png", {"tagger": curve}, "a title", {"tagger": jets})
    with (tmp_path / "roc.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[point]["background_error"]) == errors[point]
    same = np.flatnonzero(curve.signal == curve.signal[point])[0]  # the threshold that rejects most
    assert errors[same] * expected.value**2 == pytest.approx(expected.error, rel=1e-9)


def test_scores_are_drawn_by_class_with_their_bins_beside(tmp_path) -> None:
    scores = {"w": np.array([0.99, 0.96, 0.21]), "qcd": np.array([0.0, 1.0])}
    write_scores(tmp_path / "scores.png", scores, {"w": np.array([1.0, 1.0, 2.0]), "qcd": np.ones(2)})
    assert (tmp_path / "scores.png").stat().st_size > 5000
    with (tmp_path / "scores.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    assert [float(rows[bin]["weight_w"]) for bin in (8, 38, 39)] == [2.0, 1.0, 1.0]
    assert sum(float(row["density_w"]) for row in rows) / 40 == pytest.approx(1)
    assert [float(rows[bin]["weight_qcd"]) for bin in (0, 39)] == [1.0, 1.0]

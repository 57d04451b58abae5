import pytest
import torch
from torch import Tensor

from suite_spectral.accuracy import MatchedAccuracy, contingency, matched_accuracy


def numbers(*values: int) -> Tensor:
    return torch.tensor(values)


def test_clusters_that_are_the_classes_under_other_names_are_all_right() -> None:
    assert matched_accuracy(numbers(2, 2, 0, 1), numbers(0, 0, 1, 2)) == 1.0


def test_a_class_is_matched_with_one_cluster_alone() -> None:
    assert matched_accuracy(numbers(0, 0, 0, 1, 1), numbers(0, 0, 0, 0, 0)) == pytest.approx(3 / 5)


def test_the_matching_is_the_best_of_all_and_not_the_greedy_one() -> None:
    # Greedy takes the 3 first and is left with 0; the best is 2 + 2.
    labels = numbers(0, 0, 0, 0, 0, 1, 1)
    classes = numbers(0, 0, 0, 1, 1, 0, 0)
    assert contingency(labels, classes).tolist() == [[3, 2], [2, 0]]
    assert matched_accuracy(labels, classes) == pytest.approx(4 / 7)


def test_there_may_be_fewer_classes_than_clusters() -> None:
    assert matched_accuracy(numbers(0, 1, 2, 2), numbers(0, 0, 1, 1)) == pytest.approx(3 / 4)


def test_no_points_have_no_accuracy() -> None:
    assert torch.isnan(torch.tensor(matched_accuracy(numbers().long(), numbers().long())))


def test_the_metric_counts_all_batches_together() -> None:
    metric = MatchedAccuracy()
    metric.update(numbers(1, 1), numbers(0, 0))
    metric.update(numbers(0, 1), numbers(1, 1))
    assert metric.compute().item() == pytest.approx(3 / 4)


def test_the_metric_forgets_when_it_is_reset() -> None:
    metric = MatchedAccuracy()
    metric.update(numbers(0, 1), numbers(0, 0))
    metric.reset()
    metric.update(numbers(0, 1), numbers(1, 0))
    assert metric.compute().item() == 1.0

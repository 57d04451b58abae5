"""Labels of any kind become numbers with names."""

from pathlib import Path

import numpy as np
import pytest

from lightning_suite.errors import DataError
from suite_spectral.sources.contents import class_labels, labels_of_used

PLACE = Path("labels.npy")


def classes_of(labels: np.ndarray) -> tuple[list[str], list[int]]:
    names, numbers = labels_of_used(class_labels(labels), np.arange(len(labels)), PLACE)
    return names, numbers.tolist()


def test_numbers_keep_their_order() -> None:
    assert classes_of(np.array([10, 9, 10, -1])) == (["-1", "9", "10"], [2, 1, 2, 0])


def test_numbers_that_are_text_keep_the_order_of_numbers() -> None:
    assert classes_of(np.array(["10", "9", "10"])) == (["9", "10"], [1, 0, 1])


def test_words_come_in_the_order_of_the_alphabet() -> None:
    assert classes_of(np.array(["wheat", "corn", "wheat"])) == (["corn", "wheat"], [1, 0, 1])


def test_one_and_one_point_zero_are_one_class() -> None:
    assert classes_of(np.array([1.0, 2.0, 2.5])) == (["1", "2", "2.5"], [0, 1, 2])


def test_what_is_not_used_has_no_class() -> None:
    names, numbers = labels_of_used(class_labels(np.array([0, 5, 7])), np.array([1, 2]), PLACE)
    assert (names, numbers.tolist()) == (["5", "7"], [-1, 0, 1])


def test_a_missing_label_is_found() -> None:
    with pytest.raises(DataError, match="labels are missing: 1, the first in row 2"):
        classes_of(np.array([1.0, 2.0, np.nan]))

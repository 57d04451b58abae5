"""Which examples are clustered and which are held out."""

import numpy as np
import pytest

from lightning_suite.errors import UsageError
from suite_spectral.data_settings import DataSettings
from suite_spectral.division import division
from suite_spectral.sources.contents import class_labels

LABELS = class_labels(np.array(["a", "noise", "a", "b", "noise", "b"]))


def test_without_options_everything_is_clustered() -> None:
    clustered, held_out = division(4, None, DataSettings())
    assert (clustered.tolist(), held_out.tolist()) == ([0, 1, 2, 3], [])


def test_points_with_the_label_of_noise_are_in_neither_part() -> None:
    clustered, held_out = division(6, LABELS, DataSettings(noise_label="noise", test_fraction=0.5))
    assert sorted([*clustered.tolist(), *held_out.tolist()]) == [0, 2, 3, 5]
    assert len(held_out) == 2


def test_one_at_least_is_held_out() -> None:
    assert len(division(10, None, DataSettings(test_fraction=0.01))[1]) == 1


def test_a_limit_is_taken_at_random_and_in_order() -> None:
    clustered, _ = division(100, None, DataSettings(limit=10))
    assert clustered.tolist() == sorted(set(clustered.tolist()))
    assert clustered.tolist() != division(100, None, DataSettings(limit=10, split_seed=1))[0].tolist()


@pytest.mark.parametrize(("labels", "said"), [(None, "there are no labels"), (LABELS, "no point has the label 'none'")])
def test_a_label_that_is_not_there_is_refused(labels: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        division(6, labels, DataSettings(noise_label="none"))  # type: ignore[arg-type]

import numpy as np
import pytest

from suite_recnn.schedule import warm_cosine


def test_the_learning_rate_rises_in_the_first_tenth_of_the_steps_and_ends_at_nothing() -> None:
    rates = [warm_cosine(step, steps=100) for step in range(101)]
    assert rates[:10] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert rates[10] == 1
    assert rates[55] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0)
    assert (np.diff(rates[10:]) < 0).all()


def test_a_run_that_goes_on_longer_than_was_planned_learns_no_more() -> None:
    assert warm_cosine(150, steps=100) == pytest.approx(0)

from typing import get_args

from suite_spectral.graphs.affinities import AFFINITIES
from suite_spectral.settings import WITH_LANDMARKS, Affinity


def test_every_affinity_that_can_be_asked_for_has_a_class() -> None:
    assert set(AFFINITIES) == set(get_args(Affinity))


def test_landmarks_are_offered_where_an_affinity_has_weights_to_them() -> None:
    assert {name for name, affinity in AFFINITIES.items() if affinity.landmark_class is not None} == set(WITH_LANDMARKS)

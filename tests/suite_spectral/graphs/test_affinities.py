from typing import get_args

from suite_spectral.graphs.affinities import AFFINITIES
from suite_spectral.settings import Affinity


def test_every_affinity_that_can_be_asked_for_has_a_class() -> None:
    assert set(AFFINITIES) == set(get_args(Affinity))

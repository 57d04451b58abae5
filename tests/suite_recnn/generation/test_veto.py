"""Collisions that are given up: they would have made no jets, and the others are as they were."""

import numpy as np
import pytest

from lightning_suite.errors import UsageError
from suite_recnn.generation import collisions, veto
from suite_recnn.generation.collisions import Collider
from suite_recnn.generation.settings import Chunk, Settings

EVENTS = Settings(detector="none", events_per_chunk=12)


def test_jets_come_from_collisions_far_below_them_and_the_others_do_not_count() -> None:
    collider = Collider("qcd", EVENTS, (300.0, 350.0))
    jets = collider.jets(Chunk("qcd", 0, 3, EVENTS))
    # 1.1 % of these collisions make a jet, and two fifths of those that are not given up.
    assert jets.num_rows >= 2
    assert (jets["jet_pt"].to_numpy() > 500).all()
    # 4.7e-6 mb in all, of which 1.7e-7 has hard enough partons.
    assert collider.cross_section() == pytest.approx(1.7e-7, rel=0.8)


@pytest.mark.parametrize("name", ["qcd", "top"])
def test_no_collision_with_a_jet_is_given_up(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[bool] = []

    class Watching(veto.Veto):  # type: ignore[misc]
        def doVetoPT(self, position: int, event: object) -> bool:
            given_up = super().doVetoPT(position, event)
            if position != veto.IN_DECAYS:
                passed.append(not given_up)
            return False

    monkeypatch.setattr(collisions, "Veto", Watching)
    settings = Settings(detector="none", events_per_chunk=30)
    jets = Collider(name, settings, (400.0, 500.0)).jets(Chunk(name, 0, 3, settings))
    assert len(passed) == 30 and not all(passed)
    with_jets = np.unique(jets["event"].to_numpy())
    assert len(with_jets) > 3
    assert all(passed[event] for event in with_jets)


def test_a_window_that_no_collision_reaches_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(veto, "PATIENCE", 50)
    collider = Collider("qcd", EVENTS, (50.0, 60.0))
    with pytest.raises(UsageError, match=r"of the class 'qcd' left no parton that is hard enough"):
        collider.jets(Chunk("qcd", 0, 3, EVENTS))

"""Pythia's events: the quarks of a decay, the parton nearest to a jet, and what is visible."""

import numpy as np
import pytest

from suite_recnn.generation.event_record import EventRecord
from suite_recnn.generation.settings import RECIPES


def decayed_top() -> EventRecord:
    """An event: the system, a top that decays to W and b, and the W, copied once, that decays to two quarks."""
    particles = [
        (90, -11, (0, 0), (0, 0, 0, 1000)),
        (6, -62, (2, 3), (500, 0, 0, 530)),
        (24, -22, (4, 4), (300, 30, 0, 312)),
        (5, -23, (7, 7), (200, -30, 0, 203)),
        (24, -52, (6, 5), (300, 30, 0, 312)),
        (-1, -23, (0, 0), (100, 0, 0, 100)),
        (2, -23, (0, 0), (200, 30, 0, 203)),
        (5, 51, (0, 0), (199, -30, 0, 202)),
    ]
    identities, status, daughters, momenta = zip(*particles, strict=True)
    one = (np.array(momenta, float), np.array(identities, np.int32), np.array(status, np.int32), np.array(daughters))
    return EventRecord(*(np.concatenate([part, part]) for part in one), np.array([0, 8, 16]))  # twice


def test_the_quarks_of_a_top_are_those_of_its_decay() -> None:
    assert decayed_top().quarks_of(1) == [3, 5, 6]
    assert decayed_top().quarks_of(9) == [11, 13, 14]


def test_the_nearest_parton_is_looked_for_in_the_jets_own_event() -> None:
    record, eta = decayed_top(), np.zeros(3)
    truth = record.nearest(RECIPES["top"], 100.0, eta, np.array([0.1, 0.5, -3.0]), np.array([0, 1, 1]))
    assert truth.rows.tolist() == [1, 9, 9]
    assert truth.distance.tolist() == pytest.approx([0.1, 0.5, 3.0])


def test_a_jet_without_a_parton_has_none() -> None:
    truth = decayed_top().nearest(RECIPES["gluon"], 100.0, np.zeros(1), np.zeros(1), np.zeros(1, int))
    assert truth.rows.tolist() == [-1] and truth.distance.tolist() == [np.inf]


def test_neutrinos_and_particles_along_the_beam_are_not_visible() -> None:
    momenta = np.array([[1, 0, 0, 1], [1, 0, 0, 1], [1, 0, 100, 100], [1, 0, 70, 70], [1, 0, 0, 1]], float)
    identities, status = np.array([22, 12, 22, 22, 22], np.int32), np.array([1, 1, 1, 1, -1], np.int32)
    record = EventRecord(momenta, identities, status, np.zeros((5, 2), np.int32), np.array([0, 5]))
    assert record.visible().tolist() == [0, 3]

"""Jets of events, against FastJet called one event at a time and against events whose jets are known."""

import subprocess
import sys
from pathlib import Path

import fastjet
import numpy as np
import pytest
from numpy.typing import NDArray

from lightning_suite.errors import UsageError
from suite_recnn.jet_finding import JetDefinition, find_jets
from suite_recnn.jets import Jets, kinematics


def momenta_of(*particles: tuple[float, float, float]) -> NDArray[np.float64]:
    """Massless particles from (pt, eta, phi)."""
    pt, eta, phi = np.array(particles, float).reshape(-1, 3).T
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], axis=1)


def event(seed: int, particles: int = 150) -> NDArray[np.float64]:
    """Two sprays back to back, and soft particles everywhere."""
    generator = np.random.default_rng(seed)
    pt = generator.exponential(12.0, particles)
    eta, phi = generator.normal(0, 0.3, particles), generator.normal(0, 0.3, particles)
    phi += np.pi * (np.arange(particles) % 2)
    soft = particles // 3
    pt[:soft], eta[:soft], phi[:soft] = (
        generator.exponential(0.5, soft),
        generator.uniform(-4, 4, soft),
        generator.uniform(-np.pi, np.pi, soft),
    )
    return momenta_of(*zip(pt.tolist(), eta.tolist(), phi.tolist(), strict=True))


ANY = JetDefinition(pt_min=1.0, pt_max=1e6, eta_max=10.0, constituents_min=1)


def test_the_jets_are_those_of_fastjet_one_event_at_a_time() -> None:
    events = [event(seed) for seed in range(20)]
    definition = JetDefinition(pt_min=300.0, pt_max=900.0)
    found_jets = find_jets(np.concatenate(events), np.arange(21) * 150, definition)
    expected = []
    for number, momenta in enumerate(events):
        inputs = []
        for place, momentum in enumerate(momenta.tolist()):
            inputs.append(fastjet.PseudoJet(*momentum))
            inputs[-1].set_user_index(150 * number + place)
        clusters = fastjet.ClusterSequence(inputs, fastjet.JetDefinition(fastjet.antikt_algorithm, 0.8))
        for jet in fastjet.sorted_by_pt(clusters.inclusive_jets(300.0)):
            rows = sorted(constituent.user_index() for constituent in jet.constituents())
            if jet.pt() < 900 and abs(jet.eta()) < 2 and len(rows) >= 3:
                expected.append((number, rows))
    assert len(expected) > 10
    jets = zip(found_jets.events.tolist(), np.split(found_jets.particles, found_jets.offsets[1:-1]), strict=True)
    assert [(number, sorted(rows.tolist())) for number, rows in jets] == expected


def test_constituents_and_jets_stand_in_order_of_falling_pt() -> None:
    momenta = momenta_of((100, 0, 0), (300, 0.1, 0), (200, 0, 0.1), (900, 0, 3), (1, 0, 3.1))
    found_jets = find_jets(momenta, np.array([0, 5]), ANY)
    assert found_jets.particles.tolist() == [3, 4, 1, 2, 0]
    assert found_jets.offsets.tolist() == [0, 2, 5]


def test_a_jet_knows_its_event_also_after_an_empty_one() -> None:
    momenta = momenta_of((600, 0, 0), (600, 0, 1))
    found_jets = find_jets(momenta, np.array([0, 0, 1, 1, 2, 2]), ANY)
    assert found_jets.events.tolist() == [1, 3]


def test_events_without_particles_have_no_jets() -> None:
    found_jets = find_jets(np.zeros((0, 4)), np.zeros(4, np.int64), ANY)
    assert len(found_jets.events) == 0 and found_jets.offsets.tolist() == [0]


@pytest.mark.parametrize(
    ("particles", "why"),
    [
        ([(490, 0, 0), (4, 0, 0.1), (4, 0, 0.2)], "too soft"),
        ([(690, 0, 0), (10, 0, 0.1), (10, 0, 0.2)], "too hard"),
        ([(590, 2.1, 0), (10, 2.1, 0.1), (10, 2.1, 0.2)], "too far forward"),
        ([(590, 0, 0), (10, 0, 0.1)], "too few"),
    ],
)
def test_a_jet_that_does_not_fit_the_definition_is_left_out(
    particles: list[tuple[float, float, float]], why: str
) -> None:
    fitting = momenta_of((590, 0, 0), (10, 0, 0.1), (10, 0, 0.2))
    assert len(find_jets(fitting, np.array([0, 3]), JetDefinition()).events) == 1
    momenta = momenta_of(*particles)
    assert len(find_jets(momenta, np.array([0, len(momenta)]), JetDefinition()).events) == 0, why


def test_the_window_is_decided_by_the_sum_of_the_constituents() -> None:
    momenta = event(3)
    everything = find_jets(momenta, np.array([0, 150]), ANY)
    pt = kinematics(Jets(momenta[everything.particles], everything.offsets).totals()).pt
    exactly = JetDefinition(pt_min=float(pt[0]), pt_max=1e6, eta_max=10.0, constituents_min=1)
    below = JetDefinition(pt_min=float(np.nextafter(pt[0], 0)), pt_max=1e6, eta_max=10.0, constituents_min=1)
    assert len(find_jets(momenta, np.array([0, 150]), exactly).events) == 0
    assert len(find_jets(momenta, np.array([0, 150]), below).events) == 1


def test_a_momentum_that_is_not_finite_is_refused() -> None:
    momenta = momenta_of((600, 0, 0), (600, 0, 1))
    momenta[1, 2] = np.nan
    with pytest.raises(ValueError, match="particle 1 is not finite"):
        find_jets(momenta, np.array([0, 2]), ANY)


def test_offsets_that_do_not_cover_the_particles_are_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to the 1 particles"):
        find_jets(momenta_of((600, 0, 0)), np.array([0, 2]), ANY)


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(UsageError, match=r"pt_min and pt_max: .* in GeV, got 700\.0 and 500\.0"):
        JetDefinition(pt_min=700.0, pt_max=500.0)


def test_fastjet_prints_nothing(tmp_path: Path) -> None:
    code = (
        "import numpy as np; from suite_recnn.jet_finding import JetDefinition, find_jets;"
        "find_jets(np.array([[600., 0, 0, 600]]), np.array([0, 1]), JetDefinition())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout == "" and done.stderr == ""

"""Delphes: its e-flow particles become jets, and errors name event, particle and branch."""

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from lightning_suite.errors import DataError
from suite_recnn.jet_finding import JetDefinition
from suite_recnn.jets import kinematics
from suite_recnn.sources import root
from suite_recnn.sources.reading import read

DEFINITION = JetDefinition(radius=0.8, pt_min=100, pt_max=1000, eta_max=2.0, constituents_min=3)

Branches = dict[str, list[list[float]]]


def events() -> Branches:
    """Three events: one jet of all three kinds at phi = 1, nothing, two jets back to back."""
    return {
        "EFlowTrack.PT": [[100.0, 50.0], [], [200.0, 30.0, 300.0]],
        "EFlowTrack.Eta": [[0.1, 0.2], [], [0.5, 0.6, -0.5]],
        "EFlowTrack.Phi": [[1.0, 1.1], [], [0.0, 0.1, 3.1]],
        "EFlowTrack.Mass": [[0.13957, 0.13957], [], [0.13957, 0.49368, 0.0]],
        "EFlowPhoton.ET": [[40.0], [], [20.0, 30.0]],
        "EFlowPhoton.Eta": [[0.15], [], [0.55, -0.5]],
        "EFlowPhoton.Phi": [[1.05], [], [0.05, 3.0]],
        "EFlowNeutralHadron.ET": [[10.0], [], [10.0]],
        "EFlowNeutralHadron.Eta": [[0.0], [], [-0.6]],
        "EFlowNeutralHadron.Phi": [[0.9], [], [3.0]],
    }


def write(path: Path, branches: Branches) -> Path:
    arrays: dict[str, Any] = {name: ak.values_astype(ak.Array(values), np.float32) for name, values in branches.items()}
    with uproot.recreate(path) as file:
        types = dict.fromkeys(arrays, "var * float32")
        file.mktree("Delphes", types, counter_name=lambda name: f"n{name}").extend(arrays)
    return path


def test_the_particles_of_an_event_become_its_jets(tmp_path: Path) -> None:
    jets = read(write(tmp_path / "events.root", events()), definition=DEFINITION)
    assert jets.columns["event"].tolist() == [0, 2, 2]
    assert jets.counts().tolist() == [4, 3, 3]
    actual = kinematics(jets.momenta)
    np.testing.assert_allclose(actual.pt, [100, 50, 40, 10, 300, 30, 10, 200, 30, 20], rtol=1e-6)
    np.testing.assert_allclose(actual.phi[:4], [1.0, 1.1, 1.05, 0.9], rtol=1e-6)
    np.testing.assert_allclose(actual.eta[:4], [0.1, 0.2, 0.15, 0.0], atol=1e-6)


def test_tracks_have_their_mass_and_towers_none(tmp_path: Path) -> None:
    jets = read(write(tmp_path / "events.root", events()), definition=DEFINITION)
    np.testing.assert_allclose(kinematics(jets.momenta).mass[:4], [0.13957, 0.13957, 0, 0], atol=1e-4)


def test_tracks_without_a_branch_of_the_mass_are_massless(tmp_path: Path) -> None:
    branches = events()
    del branches["EFlowTrack.Mass"]
    jets = read(write(tmp_path / "events.root", branches), definition=DEFINITION)
    np.testing.assert_allclose(kinematics(jets.momenta).mass, 0, atol=1e-4)


@pytest.mark.parametrize("block", [1, 2])
def test_the_size_of_a_block_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    path = write(tmp_path / "events.root", events())
    expected = read(path, definition=DEFINITION)
    monkeypatch.setattr(root, "EVENTS", block)
    jets = read(path, definition=DEFINITION)
    np.testing.assert_array_equal(expected.momenta, jets.momenta)
    assert expected.columns["event"].tolist() == jets.columns["event"].tolist()


def test_the_definition_chooses_the_jets(tmp_path: Path) -> None:
    definition = JetDefinition(radius=0.8, pt_min=300, pt_max=1000, eta_max=2.0, constituents_min=3)
    jets = read(write(tmp_path / "events.root", events()), definition=definition)
    assert jets.columns["event"].tolist() == [2]


def test_a_file_of_events_in_mev_gives_the_same_jets(tmp_path: Path) -> None:
    in_mev = {name: [[1000 * v for v in event] for event in values] for name, values in events().items()}
    in_mev |= {name: values for name, values in events().items() if name.endswith(("Eta", "Phi"))}
    jets = read(write(tmp_path / "mev.root", in_mev), definition=DEFINITION, unit="MeV")
    expected = read(write(tmp_path / "gev.root", events()), definition=DEFINITION)
    np.testing.assert_allclose(jets.momenta, expected.momenta, rtol=1e-6)


def test_events_without_a_jet_are_refused_with_the_definition(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none of the 3 events has a jet of 500 to 700 .*--data\.pt_min"):
        read(write(tmp_path / "events.root", events()))


def test_more_entries_than_a_file_can_have_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.root", events())
    monkeypatch.setattr("suite_recnn.sources.root.MOST_ENTRIES", 0)
    with pytest.raises(DataError, match=r"it is damaged: a file of [\d,]+ bytes says that it has \d entries"):
        read(path)


def test_a_missing_branch_is_named(tmp_path: Path) -> None:
    branches = events()
    del branches["EFlowPhoton.ET"]
    with pytest.raises(DataError, match=r"there is no branch EFlowPhoton\.ET; expected the e-flow branches"):
        read(write(tmp_path / "events.root", branches), definition=DEFINITION)


def test_a_value_that_is_not_finite_is_refused_with_event_and_branch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(root, "EVENTS", 2)
    branches = events()
    branches["EFlowTrack.Eta"][2][1] = float("nan")
    with pytest.raises(DataError, match=r"event 2, particle 1: EFlowTrack\.Eta is nan; expected a finite number"):
        read(write(tmp_path / "events.root", branches), definition=DEFINITION)


def test_branches_of_different_lengths_are_refused(tmp_path: Path) -> None:
    branches = events()
    branches["EFlowTrack.Phi"][0].pop()
    with pytest.raises(DataError, match=r"event 0 has 2 values in column 'EFlowTrack\.PT' and 1 in column"):
        read(write(tmp_path / "events.root", branches), definition=DEFINITION)

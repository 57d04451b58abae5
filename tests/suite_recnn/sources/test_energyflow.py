"""Jets from .npz: each of EnergyFlow's layouts gives the same jets back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lightning_suite.errors import DataError
from suite_recnn.sources.reading import read

PT = np.array([[300.0, 120.0, 40.0], [450.0, 30.0, 0.0]])
RAPIDITY = np.array([[0.5, 0.6, -1.2], [-0.3, -0.35, 0.0]])
PHI = np.array([[6.2, 6.25, 0.1], [3.1, 2.9, 0.0]])
IDENTITY = np.array([[22.0, 211.0, -2212.0], [130.0, -321.0, 0.0]])
MASS = np.array([[0.0, 0.13957, 0.938272], [0.497611, 0.493677, 0.0]])


def momenta(mass: NDArray[Any] = MASS) -> NDArray[np.float64]:
    """(5, 4) px, py, pz, E of the five particles."""
    across = np.sqrt(PT**2 + mass**2)
    values = [PT * np.cos(PHI), PT * np.sin(PHI), across * np.sinh(RAPIDITY), across * np.cosh(RAPIDITY)]
    return np.stack(values, axis=-1)[PT > 0]


def written(path: Path, *components: NDArray[Any], **others: Any) -> Path:
    np.savez(path, X=np.stack(components, axis=-1), **others)
    return path


def test_quark_and_gluon_jets_are_read_with_the_masses_of_their_particles(tmp_path: Path) -> None:
    jets = read(written(tmp_path / "QG_jets.npz", PT, RAPIDITY, PHI, IDENTITY, y=np.array([1.0, 0.0])))
    assert jets.offsets.tolist() == [0, 3, 5]
    np.testing.assert_allclose(jets.momenta, momenta(), rtol=1e-12)
    assert jets.columns["label"].tolist() == [1, 0]
    assert jets.columns["event"].tolist() == [0, 1]


def test_an_unknown_particle_is_massless(tmp_path: Path) -> None:
    jets = read(written(tmp_path / "QG_jets.npz", PT, RAPIDITY, PHI, np.where(IDENTITY > 100, 99999, IDENTITY)))
    expected = momenta(np.where(IDENTITY > 100, 0.0, MASS))
    np.testing.assert_allclose(jets.momenta, expected, rtol=1e-12)


def test_masses_in_place_of_identities_are_masses(tmp_path: Path) -> None:
    jets = read(written(tmp_path / "jets.npz", PT, RAPIDITY, PHI, MASS))
    np.testing.assert_allclose(jets.momenta, momenta(), rtol=1e-12)


def test_without_a_fourth_value_particles_are_massless(tmp_path: Path) -> None:
    jets = read(written(tmp_path / "jets.npz", PT, RAPIDITY, PHI))
    np.testing.assert_allclose(jets.momenta, momenta(np.zeros_like(MASS)), rtol=1e-12)


def test_energies_and_momenta_are_read_as_such(tmp_path: Path) -> None:
    values = np.zeros((2, 3, 4))
    values[PT > 0] = momenta()
    px, py, pz, energy = np.moveaxis(values, 2, 0)
    jets = read(written(tmp_path / "jets.npz", energy, px, py, pz))
    np.testing.assert_allclose(jets.momenta, momenta(), rtol=1e-12)


def test_a_mapping_names_parts_of_an_array(tmp_path: Path) -> None:
    path = written(tmp_path / "jets.npz", PHI, PT, RAPIDITY, is_quark=np.array([0, 1]))
    jets = read(path, {"pt": "X[1]", "rapidity": "X[2]", "phi": "X[0]", "label": "is_quark"})
    np.testing.assert_allclose(jets.momenta, momenta(np.zeros_like(MASS)), rtol=1e-12)
    assert jets.columns["label"].tolist() == [0, 1]


def test_a_mapping_of_the_label_alone_leaves_the_known_momenta(tmp_path: Path) -> None:
    jets = read(written(tmp_path / "jets.npz", PT, RAPIDITY, PHI, kind=np.array(["q", "g"])), {"label": "kind"})
    np.testing.assert_allclose(jets.momenta, momenta(np.zeros_like(MASS)), rtol=1e-12)
    assert jets.columns["label"].tolist() == ["q", "g"]


def test_labels_that_are_not_asked_for_may_be_damaged(tmp_path: Path) -> None:
    path = written(tmp_path / "jets.npz", PT, RAPIDITY, PHI, y=np.array([0.5, 0.0, 1.0]), bins=np.arange(9))
    assert set(read(path, only=("event",)).columns) == {"event"}
    with pytest.raises(DataError, match=r"column 'y' has the shape \(3,\) beside the constituents of 2 jets"):
        read(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": np.zeros((2, 3))}, r"there are X, X\[0\], .*name the columns"),
        ({"X": np.array([[1.0], None], dtype=object)}, "cannot be read as arrays"),
        ({"X": np.full((1, 2, 3), np.nan)}, "none of its 1 jets has a constituent"),
    ],
    ids=["no momenta", "pickled", "nan"],
)
def test_other_arrays_are_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "jets.npz", **arrays)
    with pytest.raises(DataError, match=f"(?s){message}"):
        read(tmp_path / "jets.npz")


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "jets.npz", PT, RAPIDITY, PHI)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="cannot be read as arrays"):
        read(path)


def test_the_energy_at_the_end_is_told(tmp_path: Path) -> None:
    momenta = np.random.default_rng(0).normal(size=(6, 5, 3)) * 30
    energies = np.linalg.norm(momenta, axis=2, keepdims=True)
    np.savez(tmp_path / "jets.npz", X=np.concatenate([momenta, energies], axis=2))
    with pytest.raises(DataError, match=r"taken to be X\[0\], .*, X\[3\], but X\[3\] is as large as an energy"):
        read(tmp_path / "jets.npz")


def test_an_energy_is_not_taken_for_a_mass(tmp_path: Path) -> None:
    pt, eta, phi = np.array([[40.5, 20.25]]), np.array([[0.5, -0.5]]), np.array([[3.0, 2.5]])
    np.savez(tmp_path / "jets.npz", X=np.stack([pt, eta, phi, pt * np.cosh(eta)], axis=2))
    with pytest.raises(DataError, match=r"X\[3\] is at least X\[0\] (?s:.*): --data.columns '\{pt: X\[0\], eta"):
        read(tmp_path / "jets.npz")
    columns = {"pt": "X[0]", "eta": "X[1]", "phi": "X[2]", "energy": "X[3]"}
    np.testing.assert_allclose(np.hypot(*read(tmp_path / "jets.npz", columns).momenta[:, :2].T), pt[0])

"""Jets in memory: every form gives the jets that a file of them gives."""

import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import torch

import suite_recnn
from lightning_suite.errors import DataError, UsageError
from suite_recnn.jets import Jets, kinematics
from suite_recnn.sources.memory import jets_of
from suite_recnn.sources.reading import read

FILE = Path(suite_recnn.__file__).parent / "recipes" / "check" / "w_check.parquet"
COUNT = 7


@pytest.fixture(scope="module")
def jets() -> Jets:
    return read(FILE).take(np.arange(COUNT))


def arrays(jets: Jets) -> list[Any]:
    return np.split(jets.momenta, jets.offsets[1:-1])


def padded(jets: Jets, fill: float = 0.0) -> Any:
    whole = np.full((len(jets), int(jets.counts().max()), 4), fill)
    for row, array in zip(whole, arrays(jets), strict=True):
        row[: len(array)] = array
    return whole


def angles(jets: Jets) -> dict[str, list[Any]]:
    found = kinematics(jets.momenta)
    parts = {**found._asdict(), "energy": jets.momenta[:, 3]}
    return {name: np.split(parts[name], jets.offsets[1:-1]) for name in ("pt", "eta", "phi", "energy")}


def columns(jets: Jets, whole: Any) -> dict[str, Any]:
    return {name: whole[..., k] for k, name in enumerate(("px", "py", "pz", "E"))}


class Momenta(ak.Array):  # type: ignore[misc]
    """What vector makes of an array of awkward: a class of another package."""


FORMS: dict[str, Any] = {
    "a list of arrays": arrays,
    "nested lists": lambda jets: [array.tolist() for array in arrays(jets)],
    "tensors": lambda jets: [torch.from_numpy(array) for array in arrays(jets)],
    "padded": padded,
    "a padded tensor": lambda jets: torch.from_numpy(padded(jets)),
    "masked": lambda jets: np.ma.masked_equal(padded(jets, -9.0), -9.0),
    "awkward": lambda jets: ak.Array([array.tolist() for array in arrays(jets)]),
    "padded columns": lambda jets: columns(jets, padded(jets)),
    "columns with a mask": lambda jets: (
        columns(jets, padded(jets, 5.0)) | {"mask": np.arange(padded(jets).shape[1]) < jets.counts()[:, None]}
    ),
    "lists with a mask": lambda jets: (
        {name: column.tolist() for name, column in columns(jets, padded(jets, 5.0)).items()}
        | {"mask": (np.arange(padded(jets).shape[1]) < jets.counts()[:, None]).tolist()}
    ),
    "lists by name": angles,
    "awkward by name": lambda jets: ak.Array({name: ak.Array(parts) for name, parts in angles(jets).items()}),
    "awkward of a class of its own": lambda jets: ak.zip(
        {name: ak.Array(parts) for name, parts in angles(jets).items()},
        with_name="Momentum4D",
        behavior={("*", "Momentum4D"): Momenta},
    ),
    "awkward constituents": lambda jets: ak.Array(
        {"constituents": ak.zip({name: ak.Array(parts) for name, parts in angles(jets).items()})}
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_jets(form: str, jets: Jets) -> None:
    found, is_single = jets_of(FORMS[form](jets))
    assert not is_single
    assert found.offsets.tolist() == jets.offsets.tolist()
    np.testing.assert_allclose(found.momenta, jets.momenta, rtol=1e-6, atol=1e-6)
    assert found.columns["event"].tolist() == list(range(COUNT))


@pytest.mark.parametrize("name", ["energy", "E", "e", "mass", "m", "M"])
def test_no_energy_or_mass_is_overlooked(name: str, jets: Jets) -> None:
    found = angles(jets)
    energies = found.pop("energy")
    momenta = [pt * np.cosh(eta) for pt, eta in zip(found["pt"], found["eta"], strict=True)]
    masses = [np.sqrt(np.maximum(e**2 - p**2, 0)) for e, p in zip(energies, momenta, strict=True)]
    given = {**found, name: masses if name.lower().startswith("m") else energies}
    np.testing.assert_allclose(jets_of(given)[0].momenta, jets.momenta, rtol=1e-6, atol=1e-6)


def test_one_jet_is_single(jets: Jets) -> None:
    found, is_single = jets_of(jets.momenta[: jets.offsets[1]])
    assert (len(found), is_single) == (1, True)


def test_jets_stay_as_they_are(jets: Jets) -> None:
    assert jets_of(jets, unit="MeV") == (jets, False)
    nameless = replace(jets, columns={})
    assert jets_of(nameless)[0].columns["event"].tolist() == list(range(COUNT))


def test_units_names_and_further_columns_are_taken(jets: Jets) -> None:
    given = {f"P{name}": part * 1000 for name, part in columns(jets, padded(jets)).items()} | {"run": np.arange(COUNT)}
    names = {"px": "Ppx", "py": "Ppy", "pz": "Ppz", "energy": "PE", "event": "run"}
    found, _ = jets_of(given, names, "MeV")
    np.testing.assert_allclose(found.momenta, jets.momenta)
    assert found.columns["event"].tolist() == list(range(COUNT))


def test_no_jets_and_jets_without_constituents_are_possible(jets: Jets) -> None:
    assert len(jets_of([])[0]) == 0
    assert jets_of([[], arrays(jets)[0]])[0].counts().tolist() == [0, jets.offsets[1]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("jets.parquet", "expected an array .* got str"),
        (3, "expected an array .* got int"),
        (np.ones((2, 5, 3)), r"got the shape \(5, 3\) in jet 0"),
        ([np.ones((2, 4)), np.ones(4)], r"got the shape \(4,\) in jet 1"),
        ({"pt": [1.0, 2.0], "eta": [0.1, 0.2], "phi": [0.0, 0.1]}, r"got one axis in each: of one jet give \{'pt'"),
    ],
)
def test_other_forms_are_refused(given: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        jets_of(given)


@pytest.mark.parametrize("shape", [(2, 1, 3), (2, 3, 1), (3, 2), (2, 2)])
def test_a_mask_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    given = {name: np.ones((2, 3)) for name in ("pt", "eta", "phi")}
    with pytest.raises(DataError, match=rf"mask has the shape {re.escape(str(shape))}; expected \(2, 3\)"):
        jets_of(given | {"mask": np.ones(shape, dtype=bool)})


def test_what_is_no_particle_is_named() -> None:
    with pytest.raises(DataError, match=r"jets in memory: jet 1, constituent 0: energy is 1 and .p. is 10; expected"):
        jets_of([[[10.0, 0, 0, 10]], [[10.0, 0, 0, 1]]])
    with pytest.raises(DataError, match=r"jet 0, constituent 1: energy is 1e\+31; expected below 5e\+29"):
        jets_of([[[10.0, 0, 0, 10], [0, 1e31, 0, 1e31]]])
    with pytest.raises(DataError, match="jet 1 has 1 values in column 'pt' and 2 in column 'eta'"):
        jets_of({"pt": [[1.0], [1.0]], "eta": [[1.0], [1.0, 2.0]], "phi": [[0.0], [0.0]]})
    with pytest.raises((DataError, UsageError), match="expected columns with a list for each jet"):
        jets_of({"pt": [[1.0]], "y": [[1.0]]})


def test_another_unit_is_doubted() -> None:
    with pytest.warns(RuntimeWarning, match=r"jets in memory: the median transverse momentum .*in MeV it would be 600"):
        jets_of([[[600_000.0, 0, 0, 600_000.0]]])


def permuted(jets: Jets, order: list[int]) -> list[np.ndarray[Any, Any]]:
    return [array[:, order] for array in arrays(jets)]


def test_the_energy_in_front_is_told(jets: Jets) -> None:
    with pytest.raises(DataError, match="taken to be px, py, pz, energy, but px is as large as an energy everywhere"):
        jets_of(permuted(jets, [3, 0, 1, 2]))
    with pytest.raises(DataError, match="taken to be px, py, pz, energy, but pz is as large as an energy everywhere"):
        jets_of(permuted(jets, [0, 1, 3, 2]))


def test_angles_in_place_of_momenta_are_told() -> None:
    random = np.random.default_rng(0)
    pt, eta, phi = random.exponential(30, 20) + 15, random.normal(size=20), random.uniform(-3, 3, 20)
    with pytest.raises(DataError, match="second and third are as small as angles are: for pt, eta, phi, name the col"):
        jets_of(np.stack([pt, eta, phi, np.zeros(20)], axis=1))
    with pytest.warns(RuntimeWarning, match="expected px, py, pz, E, but these numbers look like pt, eta, phi, E"):
        jets_of(np.stack([100 + pt, eta, phi, (100 + pt) * np.cosh(eta)], axis=1))


def test_true_momenta_are_not_doubted(jets: Jets) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jets_of(arrays(jets))
        jets_of(np.array([[250.0, 10, 40, 253.4], [90, -20, 5, 92.4], [60, 30, 30, 73.5]]))
        jets_of([[250.0, 0.0, 0.0, 250.0]])

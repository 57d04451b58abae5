"""The jets that are generated where no path is given."""

import pytest

from lightning_suite.errors import UsageError
from suite_recnn.default_sample import JETS, generate_sample, sample_folder
from suite_recnn.generation import GENERATION


def test_another_number_of_jets_has_another_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sample_folder()
    monkeypatch.setattr("suite_recnn.default_sample.JETS", JETS + 1)
    assert sample_folder() != before


def test_jets_of_another_generation_have_another_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sample_folder()
    assert before.name != f"jets-{JETS}"  # the first generation's
    monkeypatch.setattr("suite_recnn.default_sample.GENERATION", GENERATION + 1)
    assert sample_folder() != before


def test_a_class_that_pythia_does_not_make_is_refused() -> None:
    with pytest.raises(UsageError, match="'higgs' cannot be generated; expected one of w, top"):
        generate_sample("w", "higgs")

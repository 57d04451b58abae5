"""What distributions need, by their own metadata."""

import sys
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

import pytest

from lightning_suite.plugins import requirements

METADATA = """Provides-Extra: heavy
Provides-Extra: data-tools
Requires-Dist: pytest>=1
Requires-Dist: nowhere-to-be-found; extra == "heavy"
Requires-Dist: pytest (>=999) ; extra == 'heavy'
Requires-Dist: pytest[more]>=1,<900; (extra == "data_tools")
Requires-Dist: gone-on-this-python; python_version < "3" and extra == "heavy"
Requires-Dist: here_on_this_python; python_version >= "3" and extra == "heavy"
Requires-Dist: written by hand, not a requirement; extra == "heavy"
Requires-Dist: from-a-file @ https://example.org/x.whl ; extra == "url"
"""


@pytest.fixture(autouse=True)
def needy(here: Any) -> None:
    """A distribution that needs all kinds of things."""
    here.add("needy", "needy_plugin", "needy-plugin", metadata=METADATA, version="4.5")


def test_the_version_of_what_is_installed_is_known() -> None:
    assert requirements.version("needy-plugin") == "4.5"


def test_what_is_not_installed_has_no_version() -> None:
    assert requirements.version("nowhere-to-be-found") is None


def test_what_is_needed_always_has_the_empty_extra() -> None:
    assert [need.name for need in requirements.required("needy-plugin", "")] == ["pytest"]


def test_an_extra_brings_what_applies_to_this_python_and_can_be_parsed() -> None:
    expected = ["nowhere-to-be-found", "pytest", "here_on_this_python"]
    assert [need.name for need in requirements.required("needy-plugin", "heavy")] == expected


@pytest.mark.parametrize("spelling", ["data-tools", "data_tools", "Data.Tools"])
def test_an_extra_is_found_in_any_spelling(spelling: str) -> None:
    assert [str(need.specifier) for need in requirements.required("needy-plugin", spelling)] == ["<900,>=1"]


def test_absent_is_what_is_not_installed_in_any_version() -> None:
    assert requirements.absent("needy-plugin", "heavy") == ["nowhere-to-be-found", "here_on_this_python"]


def test_what_is_installed_is_not_absent_and_needs_no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    assert requirements.absent("needy-plugin", "data-tools") == []


def test_unsatisfied_is_also_what_has_another_version() -> None:
    assert any(phrase.endswith("needed is >=999") for phrase in requirements.unsatisfied("needy-plugin", "heavy"))


def test_a_requirement_from_an_address_asks_for_no_version() -> None:
    assert [str(need.specifier) for need in requirements.required("needy-plugin", "url")] == [""]


def test_the_extra_that_brings_a_module_is_found_by_the_module_s_name() -> None:
    assert requirements.extra_with("needy-plugin", "nowhere_to_be_found") == "heavy"
    assert requirements.extra_with("needy-plugin", "something_else") is None


def test_a_distribution_that_is_not_there_needs_nothing() -> None:
    assert requirements.required("nowhere-to-be-found", "heavy") == []


def test_a_distribution_without_metadata_is_still_named(tmp_path: Path) -> None:
    (tmp_path / "empty-1.dist-info").mkdir()
    names = requirements.identity(PathDistribution(tmp_path / "empty-1.dist-info"))
    assert names == ("a distribution without a name", "without a version")

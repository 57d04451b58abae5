"""Settings that are stated once: what signatures, help and checks take from their table."""

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from jsonargparse import ArgumentParser

from lightning_suite.constraints import Interval, ListOf, check
from lightning_suite.errors import UsageError
from lightning_suite.setting import constraints_of, setting, settings_from, with_meanings

Weights = Literal["equal", "gaussian"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    clusters: int | None = setting(None, Interval(int, 1), meaning="how many; null: as many as " + "there are " * 12)
    weights: Weights = setting("equal", meaning="of the edges.")
    width: float | Literal["stable"] = setting(0.5, Interval(float, 0, closed="neither"), meaning="of the Gaussian.")
    columns: list[int | str] | int | None = setting(None, ListOf([int, str], least=1), meaning="which are read.")
    share: float = setting(0.0, meaning="of the points.")
    seen: bool = setting(False, meaning="whether it was.")
    derived: int = 3


DEFAULTS = Settings()


@with_meanings(Settings, names={"kind": "weights"}, null="None")
class Entrance:
    """Clusters.

    Args:
        first: comes first.
        {settings}
        width: another width.

    Raises:
        ValueError: never.
    """

    def __init__(
        self,
        first: int,
        clusters: int | None = DEFAULTS.clusters,
        kind: Weights = DEFAULTS.weights,
        width: float = 1.0,
        derived: int = DEFAULTS.derived,
    ) -> None:
        self.given = (first, clusters, kind, width, derived)


def test_the_defaults_are_those_of_an_instance() -> None:
    assert (DEFAULTS.clusters, DEFAULTS.weights, DEFAULTS.width) == (None, "equal", 0.5)
    assert Entrance(1).given == (1, None, "equal", 1.0, 3)


def test_constraints_come_from_the_ranges_and_the_types() -> None:
    assert constraints_of(Settings) == {
        "clusters": [Interval(int, 1), None],
        "weights": [Weights],
        "width": [Interval(float, 0, closed="neither"), Literal["stable"]],
        "columns": [ListOf([int, str], least=1), int, None],
        "share": [float],
        "seen": [bool],
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"clusters": 0}, "clusters: expected a whole number of 1 or more, or None, got 0"),
        ({"weights": "equals"}, "weights: expected one of equal, gaussian, got 'equals'. Did you mean 'equal'?"),
        ({"width": "wide"}, "width: expected a number above 0, or stable, got 'wide'"),
        ({"columns": []}, "columns: expected a list of at least 1 item, each a whole number or text, a whole number"),
    ],
)
def test_they_are_checked_by_the_table(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        check(constraints_of(Settings), vars(DEFAULTS) | values)
    assert f"{raised.value}".startswith(said)


def test_a_list_of_no_stated_range_has_that_of_its_items() -> None:
    @dataclass(frozen=True)
    class Listed:
        sizes: list[int] = setting((3,), meaning="of kernels.")

    assert constraints_of(Listed) == {"sizes": [ListOf([int])]}


def test_the_docstring_says_what_parameters_mean_in_lines_that_fit() -> None:
    assert Entrance.__doc__ is not None
    lines = Entrance.__doc__.splitlines()
    start = lines.index("        first: comes first.")
    assert lines[start + 1].startswith("        clusters: how many; None: as many as there are")
    assert lines[start + 2].startswith("            are there")
    assert lines[start + 3 : start + 5] == ["        kind: of the edges.", "        width: another width."]
    assert max(map(len, lines)) <= 120


def test_the_help_of_options_has_the_meanings() -> None:
    parser = ArgumentParser()
    parser.add_class_arguments(Entrance, "model")
    helps = {action.dest: " ".join((action.help or "").split()) for action in parser._actions}
    assert helps["model.kind"] == "of the edges."
    assert helps["model.clusters"] == "how many; None: as many as " + " ".join(["there are"] * 12)
    assert helps["model.width"] == "another width."


def test_settings_are_made_of_what_a_signature_has_taken() -> None:
    def taken(clusters: int = 3, width: float = 2.0, other: str = "") -> Settings:
        return settings_from(Settings, locals())

    assert taken(width=1.0) == Settings(clusters=3, width=1.0)


def test_meanings_may_come_from_several_tables() -> None:
    @dataclass(frozen=True)
    class Data:
        path: str = setting("", meaning="of the file.")

    @with_meanings(Settings, Data)
    def fit(path: str, weights: str) -> None:
        """Fit.

        Args:
            {settings}
        """

    assert "path: of the file.\n" in (fit.__doc__ or "")
    assert "weights: of the edges.\n" in (fit.__doc__ or "")


def test_a_docstring_without_the_place_is_refused() -> None:
    with pytest.raises(ValueError, match=r"silent: expected a line \{settings\} in the docstring"):

        @with_meanings(Settings)
        def silent(weights: str) -> None:
            """Says nothing."""

"""Tables as YAML: the nearer to a cell wins, and what is wrong is said with its place."""

from collections.abc import Callable
from typing import Any

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.plugin import Plugin
from lightning_suite.plugins.explain import BrokenPlugin
from lightning_suite.reproduction.declared import table_of
from lightning_suite.reproduction.parts import Deviation, trainings_of

Declare = Callable[..., Plugin]


def test_a_cell_has_what_is_said_of_table_column_row_and_itself(declare: Declare) -> None:
    table = table_of(declare(), "widths")
    cells = {(cell.row, cell.column): cell for cell in table.cells}
    assert cells["wide", "plane"].training.options == {"data.points": 96, "model.hidden": 16}
    assert cells["narrow", "larger"].training.options == {"data.points": 192}
    assert cells["narrow", "plane"].metric == ("test_accuracy",)
    assert [cell.paper for cell in table.cells] == [90, 91.5, 92, None]
    assert [cell.interval for cell in table.cells] == [(89, 91), (90.5, 92.5), (91, 95), None]
    assert cells["narrow", "plane"].deviations == (Deviation("data", "a plane", "pictures"),)
    assert cells["narrow", "larger"].deviations == ()


def test_the_quick_setting_wins_over_all(declare: Declare) -> None:
    table = table_of(declare(), "widths", quick=True)
    assert table.has_quick
    assert (table.quick, table.seeds, table.minutes, table.disk) == ("one epoch", 1, 0.5, 3)
    assert all(cell.training.options["trainer.max_epochs"] == 1 for cell in table.cells)


def test_a_study_names_runs_that_are_declared(declare: Declare) -> None:
    study = {"study": "look {narrow} {run} --output {output}/x.csv", "numbers": "x.csv", "take": "value"}
    runs = {"narrow": {"recipe": "small", "options": {"model.hidden": 2}}}
    table = table_of(declare(metric=None, runs=runs, **study), "widths")
    assert table.cells[0].study == ("look", "{narrow}", "{run}", "--output", "{output}/x.csv")
    assert table.runs["narrow"].options == {"model.hidden": 2}
    assert len(trainings_of(table)) == 5


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cost": [1, 2]}, "cost: expected values by name, got \\[1, 2\\]"),
        ({"titel": "x"}, "there is no entry 'titel'.*Did you mean 'title'"),
        ({"title": None}, "title is missing"),
        ({"cost": {"minutes": 3}}, "cost: disk is missing"),
        ({"cost": {"minutes": "long", "disk": 1}}, "cost: minutes: expected a number, got 'long'"),
        ({"rows": {"deep": {}}}, "rows: there is no row 'deep' among narrow, wide"),
        (
            {"rows": {}, "cells": {"narrow": {"planes": 3}}},
            "cells: narrow: there is no entry 'planes'.*Did you mean 'plane'",
        ),
        (
            {"rows": {}, "cells": {"narrow": {"plane": "good"}}},
            "plane: expected a number, or values by name, got 'good'",
        ),
        ({"metric": None}, "narrow, plane: it names neither a metric nor a study"),
        ({"study": "look {run}"}, "a study needs numbers"),
        ({"study": "look {other}", "numbers": "x.csv", "take": "y"}, "{other} is none of the runs: none"),
        ({"relative_to": "deep"}, "relative_to: there is no such row 'deep'"),
        ({"deviations": {"data": "other"}}, "deviations: data: expected ours and paper, in words"),
        ({"quick": {"options": {}}}, "quick: why is missing"),
        ({"rows": {}, "cells": {"narrow": {"plane": {"paper": 1, "interval": [1]}}}}, "interval: expected two numbers"),
        ({"pictures": {"one": {"study": "look {run}"}}}, "pictures: one: it needs files"),
        ({"cells": {}, "rows": {}, "columns": {}}, "it has neither cells nor pictures"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(declare: Declare, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BrokenPlugin, match=f"(?s)table 'widths' cannot be used: .*{said}"):
        table_of(declare(**changes), "widths")


def test_a_table_that_is_not_there_is_refused(declare: Declare) -> None:
    with pytest.raises(UsageError, match=r"there is no table 'width'(?s:.*)Did you mean 'widths'"):
        table_of(declare(), "width")
    with pytest.raises(BrokenPlugin, match="it has no quick setting"):
        table_of(declare(quick=None), "widths", quick=True)

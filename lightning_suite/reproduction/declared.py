"""Read the tables that a plugin declares: what a paper printed, and how each cell is made again. Imports no torch.

What several cells share is said once: for the table, a column or a row; the nearer to the cell wins, options are put
together. With ``quick``, what stands under ``quick:`` wins over all of it.
"""

import re
import shlex
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lightning_suite.errors import UsageError
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import source
from lightning_suite.plugins.explain import BrokenPlugin
from lightning_suite.reproduction.parts import Cell, Deviation, Picture, Table, Training
from lightning_suite.spelling import no_such
from lightning_suite.yaml_files import read_options

FOLDER = "{reproductions}"
"""Stands in options and studies for the folder of the tables."""

Number = int | float

OF_CELLS: dict[str, Any] = {
    "recipe": str,
    "options": dict,
    "metric": str | list,
    "scale": Number,
    "digits": int,
    "margin": Number,
    "interval": list,
    "paper": Number | None,
    "deviations": dict,
    "study": str,
    "numbers": str,
    "where": dict,
    "take": str,
    "relative_to": str,
    "cannot": str,
}
"""What may be said of cells, with the types of the values."""

OF_PICTURES: dict[str, Any] = {"recipe": str, "options": dict, "study": str, "files": list, "shows": str} | {
    "deviations": dict,
    "cannot": str,
}
OF_TABLES: dict[str, Any] = OF_CELLS | {
    "title": str,
    "place": str,
    "verdict": str,
    "seeds": int,
    "cost": dict,
    "needs": dict,
    "makes": dict,
    "runs": dict,
    "columns": dict,
    "rows": dict,
    "cells": dict,
    "pictures": dict,
    "quick": dict,
}
OF_QUICK: dict[str, Any] = (
    OF_CELLS
    | {"why": str}
    | {name: OF_TABLES[name] for name in ("seeds", "cost", "needs", "makes", "runs", "columns", "rows", "pictures")}
)
NAMES: Mapping[Any, str] = {str: "text", dict: "values by name", list: "a list", int: "a whole number"}


def table_files(plugin: Plugin) -> dict[str, Path]:
    """Return the files of all tables of a plugin by name.

    Raises:
        BrokenPlugin: there is no folder that the record names.

    Example:
        >>> table_files(Plugin(name="mine", summary="", module="mine:Net", data="mine:Data"))
        {}
    """
    if plugin.reproductions is None:
        return {}
    package, _, inside = plugin.reproductions.partition(":")
    parent = source.folder(package)
    if parent is None or not (parent / inside).is_dir():
        missing = f"no package {package!r}" if parent is None else f"no folder {parent / inside}"
        cause = f"reproductions={plugin.reproductions!r}, but there is {missing}"
        raise BrokenPlugin(plugin.name, cause, plugin.origin)
    return {file.stem: file for file in sorted((parent / inside).glob("*.yaml"))}


def table_of(plugin: Plugin, name: str, *, quick: bool = False) -> Table:
    """Return one table of a plugin.

    Args:
        plugin: has it.
        name: of its file, without the suffix.
        quick: the smaller setting, which ends within minutes on what the plugin fetches or makes by itself.

    Raises:
        UsageError: there is none of this name.
        BrokenPlugin: it cannot be read, or says what no table can say.
    """
    files = table_files(plugin)
    if name not in files:
        raise UsageError(no_such("table", name, files, f"plugin {plugin.name!r} has"))
    file = files[name]
    try:
        return _table(file, _read(file), quick)
    except (OSError, ValueError) as error:
        cause = f"its table {name!r} cannot be used: {error}"
        raise BrokenPlugin(plugin.name, cause, plugin.origin, f"correct {file.name}{plugin.origin.upgrade}") from error


@cache
def _read(file: Path) -> dict[str, Any]:
    return read_options(file, lambda text: text.replace(FOLDER, file.parent.as_posix()))


def _table(file: Path, values: dict[str, Any], quick: bool) -> Table:
    _checked(values, OF_TABLES, "")
    for name in ("title", "place", "cost"):
        if name not in values:
            raise ValueError(f"{file.name}: {name} is missing")
    small: dict[str, Any] = values.get("quick", {})
    _checked(small, OF_QUICK, "quick: ")
    if small and not small.get("why"):
        raise ValueError("quick: why is missing: what makes its numbers others than the paper's")
    if quick and not small:
        raise ValueError("it has no quick setting; leave --quick out")
    over = small if quick else {}
    cost = dict(values["cost"]) | dict(over.get("cost", {}))
    _checked(cost, {"minutes": Number, "disk": Number}, "cost: ", all_of_them=True)
    rows: dict[str, Any] = values.get("cells", {})
    columns: dict[str, Any] = values.get("columns", {})
    for part, known in (("rows", rows), ("columns", columns)):
        for name in {**values.get(part, {}), **over.get(part, {})}:
            if name not in known:
                raise ValueError(f"{part}: there is no {part[:-1]} {name!r} among {', '.join(known) or 'none'}")
    cells = []
    for row, of_row in rows.items():
        _checked(of_row, dict.fromkeys(columns, Number | None | dict), f"cells: {row}: ")
        for column, of_cell in of_row.items():
            own = of_cell if isinstance(of_cell, dict) else {"paper": of_cell}
            layers = [values, values.get("columns", {}).get(column), values.get("rows", {}).get(row), own]
            layers += [over, over.get("columns", {}).get(column), over.get("rows", {}).get(row)]
            cells.append(_cell(row, column, _merged(layers, OF_CELLS, f"cells: {row}, {column}: ")))
    pictures = [
        _picture(
            name,
            _merged([values, own, over, over.get("pictures", {}).get(name)], OF_PICTURES, f"pictures: {name}: "),
        )
        for name, own in values.get("pictures", {}).items()
        if _checked(own, OF_PICTURES, f"pictures: {name}: ")
    ]
    if not cells and not pictures:
        raise ValueError("it has neither cells nor pictures")
    for cell in cells:
        if cell.relative_to and (cell.relative_to not in rows or cell.column not in rows[cell.relative_to]):
            raise ValueError(
                f"cells: {cell.row}, {cell.column}: relative_to: there is no such row {cell.relative_to!r}"
            )
    runs = {
        name: _training(_merged([values, own, over, over.get("runs", {}).get(name)], OF_CELLS, f"runs: {name}: "))
        for name, own in values.get("runs", {}).items()
    }
    made: dict[str, Any] = over.get("makes", {}) if quick else values.get("makes", {})
    _checked(made, dict.fromkeys(made, str), "makes: ")
    makes = {name: tuple(shlex.split(words)) for name, words in made.items()}
    for words in (*(cell.study for cell in cells), *(picture.study for picture in pictures)):
        for name in re.findall(r"\{(?!run\}|output\}|seed\}|[\w.]+\.[\w.]+\})([^}]*)\}", " ".join(words)):
            if name not in runs and name not in makes:
                raise ValueError(f"study: {{{name}}} is none of the runs: {', '.join(runs) or 'none'}")
    seeds = over.get("seeds", 1 if quick else values.get("seeds", 3))
    return Table(
        file.stem,
        file,
        values["title"],
        values["place"],
        values.get("verdict", ""),
        seeds,
        cost["minutes"],
        cost["disk"],
        over.get("needs", {}) if quick else values.get("needs", {}),
        makes,
        runs,
        tuple(cells),
        tuple(pictures),
        over.get("why", ""),
        bool(small),
    )


def _cell(row: str, column: str, values: dict[str, Any]) -> Cell:
    where = f"cells: {row}, {column}: "
    metric = values.get("metric", [])
    study = tuple(shlex.split(values.get("study", "")))
    cannot = values.get("cannot", "")
    if study and not cannot and not {"numbers", "take"} <= set(values):
        raise ValueError(
            f"{where}a study needs numbers, the CSV file that it writes, and take, the column of the value"
        )
    if not study and not metric and not cannot:
        raise ValueError(f"{where}it names neither a metric nor a study")
    paper = values.get("paper")
    interval = values.get("interval")
    if interval is not None and (len(interval) != 2 or not all(isinstance(end, Number) for end in interval)):
        raise ValueError(f"{where}interval: expected two numbers, got {interval}")
    if interval is None and paper is not None and "margin" in values:
        interval = (paper - values["margin"], paper + values["margin"])
    return Cell(
        row,
        column,
        _training(values),
        () if study else (metric,) if isinstance(metric, str) else tuple(metric),
        values.get("scale", 1.0),
        values.get("digits", 3),
        paper,
        None if interval is None else (interval[0], interval[1]),
        _deviations(values, where),
        study,
        values.get("numbers", ""),
        {name: str(value) for name, value in values.get("where", {}).items()},
        values.get("take", ""),
        values.get("relative_to", ""),
        cannot,
    )


def _picture(name: str, values: dict[str, Any]) -> Picture:
    where = f"pictures: {name}: "
    if not values.get("cannot") and not values.get("files"):
        raise ValueError(f"{where}it needs files, the pictures that its study or its run writes")
    study, files = tuple(shlex.split(values.get("study", ""))), tuple(map(str, values.get("files", [])))
    shows, deviations, cannot = values.get("shows", ""), _deviations(values, where), values.get("cannot", "")
    return Picture(name, _training(values), study, files, shows, deviations, cannot)


def _training(values: Mapping[str, Any]) -> Training:
    return Training(values.get("recipe"), values.get("options", {}))


def _deviations(values: Mapping[str, Any], where: str) -> tuple[Deviation, ...]:
    found = []
    for name, stated in values.get("deviations", {}).items():
        if stated is None:  # of the table, and not of this cell
            continue
        kinds = {"ours": str, "paper": str, "comparable": bool}
        if not isinstance(stated, dict) or not {"ours", "paper"} <= set(stated):
            raise ValueError(f"{where}deviations: {name}: expected ours and paper, in words, got {stated!r:.60}")
        _checked(stated, kinds, f"{where}deviations: {name}: ")
        found.append(Deviation(name, **stated))
    return tuple(found)


def _merged(layers: list[Any], kinds: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return what is said in several places, of which a later one wins; options and the like are put together."""
    merged: dict[str, Any] = {}
    for layer in layers:
        said = {name: value for name, value in (layer or {}).items() if name in kinds}
        _checked(said, kinds, where)
        for name, value in said.items():
            merged[name] = {**merged.get(name, {}), **value} if isinstance(value, dict) else value
    return merged


def _checked(values: Any, kinds: Mapping[str, Any], where: str, *, all_of_them: bool = False) -> bool:
    """Return True if all names are known and the values of their kinds.

    Raises:
        ValueError: one is not; the message says where.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{where}expected values by name, got {values!r:.60}")
    for name, value in values.items():
        if name not in kinds:
            raise ValueError(where + no_such("entry", str(name), kinds, "there may be").replace("\n", "; "))
        if not isinstance(value, kinds[name]) or (isinstance(value, bool) and kinds[name] is not bool):
            expected = NAMES.get(kinds[name], "a number, or values by name" if kinds[name] != Number else "a number")
            raise ValueError(f"{where}{name}: expected {expected}, got {value!r:.60}")
    if all_of_them and (missing := [name for name in kinds if name not in values]):
        raise ValueError(f"{where}{missing[0]} is missing")
    return True

"""A table that was made again: as text for a terminal, as Markdown, CSV and JSON. A number stands with its command."""

import csv
import io
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lightning_suite.files import atomic_path, write_text
from lightning_suite.json_text import json_text
from lightning_suite.reproduction.parts import Deviation
from lightning_suite.reproduction.plan import Plan
from lightning_suite.reproduction.results import Drawn
from lightning_suite.reproduction.verdicts import Result
from lightning_suite.reproduction.words import command
from lightning_suite.tables import table

NONE = "–"
PICTURES = {".png", ".svg"}


@dataclass(frozen=True)
class Outcome:
    """A table that was made again.

    Attributes:
        source: plugin and paper.
        plan: what was made.
        results: of all cells.
        drawn: all pictures.
        machines: on which the runs were made.
        typed: the command that makes all of it again.
    """

    source: str
    plan: Plan
    results: Sequence[Result]
    drawn: Sequence[Drawn]
    machines: Sequence[str]
    typed: str

    @property
    def has_failed(self) -> bool:
        """Return whether something that was tried is missing."""
        places = self.plan.cannot
        tried = [result for result in self.results if (result.cell.row, result.cell.column) not in places]
        drawn = [one for one in self.drawn if (one.picture.name, "") not in places]
        return any(len(result.values) < len(self.plan.seeds) for result in tried) or any(one.why for one in drawn)


def write_all(outcome: Outcome, folder: Path) -> list[Path]:
    """Write table.md, table.csv, table.json and the pictures into a folder; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"table.md": as_markdown(outcome), "table.json": as_json(outcome)}
    if outcome.results:
        texts["table.csv"] = as_csv(outcome)
    written = []
    for name, text in texts.items():
        write_text(folder / name, text)
        written.append(folder / name)
    for one in outcome.drawn:
        for name, file in _named(one).items():
            for beside in (file, file.with_suffix(".csv")):
                if beside.is_file():
                    with atomic_path(folder / Path(name).with_suffix(beside.suffix)) as unfinished:
                        shutil.copyfile(beside, unfinished)
            written.append(folder / name)
    return written


def as_text(outcome: Outcome) -> str:
    """Return the table for a terminal."""
    parts = [outcome.source]
    if outcome.results:
        columns, rows = _grid(outcome)
        parts.append(table(columns, rows))
    parts += [f"{one.picture.name}: {one.why or ', '.join(_named(one))}" for one in outcome.drawn]
    parts.append("\n".join(_remarks(outcome)))
    return "\n\n".join(part for part in parts if part)


def as_markdown(outcome: Outcome) -> str:
    """Return the table as Markdown, with what was typed, the deviations and the machine."""
    declared = outcome.plan.table
    parts = [f"# {declared.place}: {declared.title}", f"{outcome.source}.\n\n    {outcome.typed}"]
    if outcome.results:
        columns, rows = _grid(outcome)
        lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
        parts.append("\n".join(f"| {' | '.join(map(_cell_text, line))} |" for line in lines))
    for one in outcome.drawn:
        parts.append(f"## {one.picture.name}")
        parts.append("\n".join(map(_link, _named(one))) or f"cannot: {one.why}")
        parts += [one.picture.shows] if one.picture.shows else []
    parts.append("\n".join(f"- {remark}" for remark in _remarks(outcome)))
    seed = outcome.plan.seeds[0]
    parts.append(f"## Commands\n\nOf seed {seed}; the others differ in `--seed`.")
    parts += [f"The data, before all others:\n\n    {command(study.words)}" for study in outcome.plan.made]
    for commands, whose in _by_commands(outcome).items():
        parts.append(f"{_together(outcome, whose)}:\n\n" + "\n".join(f"    {line}" for line in commands))
    return "\n\n".join(parts) + "\n"


def as_csv(outcome: Outcome) -> str:
    """Return a line for each cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = ["row", "column", "ours", "deviation", "seeds", "values", "paper", "lowest", "highest", "difference"]
    writer.writerow([*names, "verdict", "why", "command"])
    for result in outcome.results:
        cell = result.cell
        numbers = [result.mean, result.deviation, len(result.values), " ".join(f"{v:.10g}" for v in result.values)]
        numbers += [cell.paper, *(cell.interval or (None, None)), result.difference]
        shown = [f"{value:.10g}" if isinstance(value, float) else value for value in numbers]
        writer.writerow([cell.row, cell.column, *shown, result.verdict, result.why, " && ".join(result.commands)])
    return text.getvalue()


def as_json(outcome: Outcome) -> str:
    """Return everything."""
    declared = outcome.plan.table
    cells = [
        {"row": result.cell.row, "column": result.cell.column}
        | {"ours": result.mean, "deviation": result.deviation, "difference": result.difference}
        | {"values": result.values, "seeds": result.seeds, "paper": result.cell.paper}
        | {"interval": result.cell.interval, "verdict": result.verdict, "why": result.why}
        | {"deviations": [asdict(one) for one in (*result.cell.deviations, *outcome.plan.deviations)]}
        | {"commands": result.commands, "runs": result.runs}
        for result in outcome.results
    ]
    pictures = [
        {"name": one.picture.name, "files": list(_named(one)), "why": one.why, "commands": one.commands}
        for one in outcome.drawn
    ]
    return (
        json_text(
            {
                "source": outcome.source,
                "table": declared.name,
                "title": declared.title,
                "place": declared.place,
                "quick": bool(declared.quick),
                "seeds": outcome.plan.seeds,
                "verdict": declared.verdict,
                "command": outcome.typed,
                "machines": outcome.machines,
                "cells": cells,
                "pictures": pictures,
            }
        )
        + "\n"
    )


def _grid(outcome: Outcome) -> tuple[list[str], list[list[str]]]:
    """Return the table as the paper has it: three columns for each of its own."""
    by_place = {(result.cell.row, result.cell.column): result for result in outcome.results}
    rows = list(dict.fromkeys(row for row, _ in by_place))
    columns = list(dict.fromkeys(column for _, column in by_place))
    known = {
        column: any(by_place[place].cell.paper is not None for place in by_place if place[1] == column)
        for column in columns
    }
    judged = {column: any(by_place[place].verdict for place in by_place if place[1] == column) for column in columns}
    header = [""]
    for column in columns:
        header += [column, *(["paper"] if known[column] else []), *(["verdict"] if judged[column] else [])]
    lines = []
    for row in rows:
        line = [row]
        for column in columns:
            result = by_place.get((row, column))
            line.append(NONE if result is None else _ours(result))
            line += [NONE if result is None else _paper(result)] if known[column] else []
            line += ["" if result is None else _verdict(result)] if judged[column] else []
        lines.append(line)
    return header, lines


def _ours(result: Result) -> str:
    if result.mean is None:
        return NONE
    digits = result.cell.digits
    spread = "" if result.deviation is None else f" ± {result.deviation:z.{digits}f}"
    return f"{result.mean:z.{digits}f}{spread}"


def _paper(result: Result) -> str:
    return NONE if result.cell.paper is None else f"{result.cell.paper:.{result.cell.digits}f}"


def _verdict(result: Result) -> str:
    if result.verdict in ("", "cannot", "reproduced") or result.difference is None:
        return result.verdict
    difference = f"{result.difference:+.{result.cell.digits}f}"
    return f"{result.verdict} ({result.why}; {difference})" if result.why else f"{result.verdict} ({difference})"


def _remarks(outcome: Outcome) -> list[str]:
    """Return what a reader must know: the rule, seeds, deviations, what is missing, and the machine."""
    plan = outcome.plan
    remarks = [f"seeds: {', '.join(map(str, plan.seeds))}; ± is the standard deviation over them"]
    if len(plan.seeds) == 1:
        remarks = [f"seed: {plan.seeds[0]}"]
    remarks += [f"verdict: {plan.table.verdict}"] if plan.table.verdict else []
    for deviation, whose in _deviations(outcome).items():
        of = "" if len(whose) == len(outcome.results) + len(outcome.drawn) else f" [{_together(outcome, whose)}]"
        apart = "" if deviation.comparable else " (not comparable)"
        both = f"ours {deviation.ours}; the paper's {deviation.paper}" if deviation.paper else deviation.ours
        remarks.append(f"{deviation.name}{apart}: {both}{of}")
    missing: dict[str, list[str]] = {}
    for result in outcome.results:
        if result.why and result.verdict != "not comparable":
            missing.setdefault(result.why, []).append(f"{result.cell.row}, {result.cell.column}")
    remarks += [f"cannot: {_together(outcome, whose)}: {why}" for why, whose in missing.items()]
    return [*remarks, *(f"machine: {machine}" for machine in outcome.machines)]


def _deviations(outcome: Outcome) -> Mapping[Deviation, list[str]]:
    """Return what is other than in the paper, and the cells and pictures for which it is."""
    parts = [(f"{result.cell.row}, {result.cell.column}", result.cell.deviations) for result in outcome.results]
    parts += [(one.picture.name, one.picture.deviations) for one in outcome.drawn]
    found: dict[Deviation, list[str]] = {}
    for name, deviations in parts:
        for deviation in (*deviations, *outcome.plan.deviations):
            found.setdefault(deviation, []).append(name)
    return found


def _by_commands(outcome: Outcome) -> Mapping[tuple[str, ...], list[str]]:
    """Return the cells and pictures that the same commands make."""
    found: dict[tuple[str, ...], list[str]] = {}
    named: list[tuple[tuple[str, ...], str]] = [
        (result.commands, f"{result.cell.row}, {result.cell.column}") for result in outcome.results
    ]
    named += [(one.commands, one.picture.name) for one in outcome.drawn]
    for commands, name in named:
        if commands:
            found.setdefault(commands, []).append(name)
    return found


def _together(outcome: Outcome, names: Sequence[str]) -> str:
    """Return names of cells and pictures, with one name for all cells of a column."""
    left = list(names)
    whole = []
    for column in dict.fromkeys(result.cell.column for result in outcome.results):
        cells = [f"{each.cell.row}, {column}" for each in outcome.results if each.cell.column == column]
        if len(cells) > 1 and set(cells) <= set(left):
            whole.append(f"column {column}")
            left = [name for name in left if name not in cells]
    return "; ".join([*whole, *left])


def _named(one: Drawn) -> Mapping[str, Path]:
    """Return the files of a picture by their names beside the table; of a picture that could not be made, none."""
    names = [name.replace("/", "-") for name in one.picture.files]
    return dict(zip(names, one.files, strict=False))


def _link(name: str) -> str:
    return f"{'!' if Path(name).suffix in PICTURES else ''}[{Path(name).stem}]({name})"


def _cell_text(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())

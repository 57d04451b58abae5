"""The values of finished runs and studies, cell by cell, beside the paper's."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_suite.reproduction.jobs import Job, is_done, record_of
from lightning_suite.reproduction.parts import Cell, Picture
from lightning_suite.reproduction.plan import Fit, Plan, Study, place_of
from lightning_suite.reproduction.verdicts import Result, judged
from lightning_suite.reproduction.words import command

PER_EPOCH = "seconds_per_epoch"
"""The metric that is no metric of the module's: how long training took."""


@dataclass(frozen=True)
class Drawn:
    """A picture that was made again: its files, and what made them; or why it was not."""

    picture: Picture
    files: tuple[Path, ...]
    commands: tuple[str, ...]
    why: str


PARAMETERS = "parameters."
"""Before the name of a part of the module: how many weights it has."""


class Missing(Exception):
    """A value that is not there; the text says why."""


def results_of(plan: Plan, failed: Mapping[Job, str], root: Path) -> list[Result]:
    """Return the result of every cell of a table.

    Args:
        plan: of the table.
        failed: why runs and studies failed.
        root: the folder that the paths of runs are relative to.
    """
    cells = {place_of(cell): cell for cell in plan.table.cells}
    return [_result(plan, cell, cells, failed, root) for cell in plan.table.cells]


def drawn_of(plan: Plan, failed: Mapping[Job, str]) -> list[Drawn]:
    """Return every picture of a table."""
    found = []
    for picture in plan.table.pictures:
        place = place_of(picture)
        if place in plan.cannot:
            found.append(Drawn(picture, (), (), plan.cannot[place]))
            continue
        (step,) = plan.made_by[place]
        why = _why_not(step, failed)
        files = tuple(written_by(step, name) for name in picture.files)
        if not why and (gone := [file.name for file in files if not file.is_file()]):
            why = f"{step.words[0]} wrote no {', '.join(gone)}"
        found.append(Drawn(picture, () if why else files, _commands(step), why))
    return found


def written_by(step: Fit | Study, name: str) -> Path:
    """Return where a study has written a file: into its own folder, or with its first run."""
    fits = step.fits if isinstance(step, Study) else (step,)
    runs = [folder / name for fit in fits[:1] for folder in (fit.run / "figures", fit.run)]
    return next((file for file in (step.folder / name, *runs) if file.is_file()), step.folder / name)


def machines_of(plan: Plan) -> list[str]:
    """Return the machines on which all was made, each in a line, with the versions that matter."""
    records = [record_of(step) for step in plan.steps if is_done(step)]
    return list(dict.fromkeys(_machine(record) for record in records if record))


def _machine(record: Mapping[str, Any]) -> str:
    machine, versions = record.get("machine", {}), record.get("versions", {})
    threads = machine.get("threads")
    parts = [machine.get("system"), machine.get("processor"), f"{machine.get('cores')} cores"]
    parts += [f"{threads} thread{'s' * (threads != 1)}", *machine.get("accelerators", [])]
    shown = ("python", "torch", "pytorch-lightning", "numpy")
    parts += [f"{name} {versions[name]}" for name in shown if name in versions]
    return ", ".join(map(str, parts))


def _result(
    plan: Plan, cell: Cell, cells: Mapping[tuple[str, str], Cell], failed: Mapping[Job, str], root: Path
) -> Result:
    place = place_of(cell)
    if place in plan.cannot:
        return Result(cell, (), (), "cannot", plan.cannot[place])
    steps = plan.made_by[place]
    values, seeds, reasons = [], [], []
    for i, (step, seed) in enumerate(zip(steps, plan.seeds, strict=True)):
        try:
            value = _value(cell, step, failed)
            if cell.relative_to:
                other = cells[cell.relative_to, cell.column]
                if place_of(other) in plan.cannot:
                    raise Missing(f"{cell.relative_to}: {plan.cannot[place_of(other)]}")
                value /= _value(other, plan.made_by[place_of(other)][i], failed)
        except Missing as error:
            reasons.append(f"seed {seed}: {error}")
            continue
        values.append(value * cell.scale)
        seeds.append(seed)
    verdict, why = judged(cell, values, "; ".join(dict.fromkeys(reasons)), plan.deviations)
    runs = tuple(
        dict.fromkeys(
            fit.folder.relative_to(root).as_posix()
            for step in steps
            for fit in ((step,) if isinstance(step, Fit) else step.fits)
        )
    )
    return Result(cell, tuple(values), tuple(seeds), verdict, why, _commands(steps[0]), runs)


def _value(cell: Cell, step: Fit | Study, failed: Mapping[Job, str]) -> float:
    """Return the value of a cell for one seed, as it was measured.

    Raises:
        Missing: there is none.
    """
    if why := _why_not(step, failed):
        raise Missing(why)
    if isinstance(step, Study):
        return _in_table(written_by(step, cell.numbers), cell.where, cell.take)
    return sum(_metric(step, name) for name in cell.metric)


def _metric(fit: Fit, name: str) -> float:
    """Return a metric of a finished run: of its best checkpoint, of an epoch, or one that is none of the module's.

    Raises:
        Missing: the run does not have it.
    """
    record = record_of(fit)
    logged, at, epoch = name.partition("@")
    if at:
        return _in_epoch(fit.run / "metrics.csv", logged, epoch)
    if name == PER_EPOCH and record.get("epochs"):
        return float(record["fit_seconds"] / record["epochs"])
    if name.startswith(PARAMETERS):
        return float(_parameters(fit, name.removeprefix(PARAMETERS)))
    if name not in record.get("metrics", {}):
        raise Missing(f"the run has no metric {name}")
    return float(record["metrics"][name])


def _in_epoch(file: Path, name: str, epoch: str) -> float:
    """Return what was logged last in an epoch, counted from 1, or at the end."""
    with file.open(encoding="utf-8", newline="") as text:
        rows = [row for row in csv.DictReader(text) if row.get(name) and epoch in ("last", _epoch(row))]
    if not rows:
        raise Missing(f"the run has no {name} of epoch {epoch}")
    return float(rows[-1][name])


def _epoch(row: Mapping[str, str]) -> str:
    return str(round(float(row["epoch"])) + 1) if row.get("epoch") else ""


def _parameters(fit: Fit, part: str) -> int:
    """Return the number of weights of a part of the trained module.

    Raises:
        Missing: it has no such part.
    """
    from lightning_suite.loading import load

    weights = [value.numel() for name, value in load(fit.run).named_parameters() if name.startswith(f"{part}.")]
    if not weights:
        raise Missing(f"the module has no part {part}")
    return sum(weights)


def _in_table(file: Path, where: Mapping[str, str], column: str) -> float:
    """Return a value of a CSV file: of the only row with these values.

    Raises:
        Missing: there is none, or more than one.
    """
    try:
        with file.open(encoding="utf-8", newline="") as text:
            rows = [row for row in csv.DictReader(text) if all(row.get(name) == value for name, value in where.items())]
        if len(rows) != 1:
            raise Missing(f"{file.name} has {len(rows)} rows with {dict(where)}, expected one")
        return float(rows[0][column])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise Missing(f"{file.name} has no number in {column!r}: {type(error).__name__}") from error


def _why_not(step: Fit | Study, failed: Mapping[Job, str]) -> str:
    """Return why what makes a cell is not finished; empty where it is."""
    fits: Sequence[Fit] = (step,) if isinstance(step, Fit) else step.fits
    for job in (*fits, step):
        if job in failed:
            return f"{job.words[0]} failed: {failed[job]}"
    return "" if is_done(step) else "it was not run"


def _commands(step: Fit | Study) -> tuple[str, ...]:
    if isinstance(step, Fit):
        return (command(step.words),)
    return (*(command(fit.words) for fit in step.fits), command(step.words))

"""All runs below a folder, found without torch, and as text."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lightning_suite.errors import RunError, UsageError, printable
from lightning_suite.progress import Task, duration, progress
from lightning_suite.run_records import RunRecord, read_record
from lightning_suite.tables import one_line, table

DEEPEST = 20
"""Levels of folders below the first one that are searched."""

LEFT_OUT = 10
"""Folders without a run that are named at most; all that are damaged are named."""

HOLDS_NONE = "holds no run"
"""Why a folder is left out in which nothing was found."""


@dataclass(frozen=True)
class Runs:
    """The runs below a folder, in the order of their paths: what `runs` returns, to be gone through.

    Attributes:
        found: the runs.
        left_out: folders that are no run, each with the reason: damaged, of another program, not readable.
        folder: where was searched.

    ``print`` shows a table.
    """

    found: tuple[RunRecord, ...]
    left_out: Mapping[Path, str]
    folder: Path = Path()

    def __repr__(self) -> str:
        """Return in short how many there are, and where."""
        more = f", {len(self.left_out)} folders left out" if self.left_out else ""
        return f"<{len(self)} runs below {self.folder}{more}>"

    def __str__(self) -> str:
        """Return a table of the runs, and which folders are none."""
        shown = table_of_runs(self.found, self.folder) if self.found else f"no run is below {self.folder}"
        return "\n\n".join([shown, *([text_of_left_out(self.left_out)] if self.left_out else [])])

    def __iter__(self) -> Iterator[RunRecord]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


def runs(folder: str | Path = "runs") -> Runs:
    r"""Return the runs in a folder and in all folders below it; nothing that is wrong with one of them is raised.

    Links and hidden folders are not followed, and nothing is searched for inside a run.

    Raises:
        UsageError: there is no such folder.

    Example:
        >>> import tempfile
        >>> from lightning_suite.run import Run
        >>> folder = Path(tempfile.mkdtemp())
        >>> run = Run.create(folder, "dsa", recipe="sst2")
        >>> _ = (run.folder / "config.yaml").write_text("plugin: dsa\nrecipe: sst2\nseed: 3\n")
        >>> run.write_record({"status": "finished", "metrics": {"test_accuracy": 0.8}})
        >>> [(run.plugin, run.recipe, run.seed, run.metrics["test_accuracy"]) for run in runs(folder)]
        [('dsa', 'sst2', 3, 0.8)]
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise UsageError(
            f"there is no folder {folder} to look for runs in. suite fit writes runs, into the folder runs."
        )
    found: list[RunRecord] = []
    left_out: dict[Path, str] = {}
    with progress("reading runs", unit="runs") as advance:
        below = _search(folder, DEEPEST, found, left_out, advance)
    if not found:
        left_out |= dict.fromkeys(below, HOLDS_NONE)
    return Runs(tuple(found), dict(sorted(left_out.items())), folder)


def _search(folder: Path, levels: int, found: list[RunRecord], left_out: dict[Path, str], advance: Task) -> list[Path]:
    """Add the runs of a folder to ``found``; return the folders directly in it that hold none, if it holds none itself.

    Of the folders in which something is found, those beside it with nothing are added to ``left_out``.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        names = {entry.name for entry in entries}
        inside = [entry.path for entry in entries if entry.name[0] != "." and entry.is_dir(follow_symlinks=False)]
    except OSError as error:
        left_out[folder] = error.strerror or type(error).__name__
        return []
    if names & {"config.yaml", "run.json"}:
        try:
            found.append(read_record(folder))
        except RunError as error:
            left_out[folder] = str(error).partition("\n")[0]
        else:
            advance()
            return []
    if inside and not levels:
        left_out[folder] = f"is {DEEPEST} folders deep: what is below it was not searched"
        return []
    without = []
    for path in map(Path, inside):
        before = len(found) + len(left_out)
        _search(path, levels - 1, found, left_out, advance)
        if before == len(found) + len(left_out):
            without.append(path)
    if len(without) < len(inside):
        left_out |= dict.fromkeys(without, HOLDS_NONE)
        return []
    return without


def table_of_runs(runs: Sequence[RunRecord], folder: Path, metric: str | None = None) -> str:
    """Return a row for each run.

    Args:
        runs: in their order.
        folder: below which they lie.
        metric: is shown in place of the test's.
    """
    columns = ["run", "plugin", "recipe", "seed", "status", "epochs", "time", "chosen by", metric or "tested"]
    return table(columns, [_row(run, folder, metric) for run in runs])


def text_of_left_out(left_out: Mapping[Path, str]) -> str:
    """Return which folders are no run, and why."""
    plain = [str(path) for path, reason in left_out.items() if reason == HOLDS_NONE]
    rows = [(str(path), one_line(why, 200)) for path, why in left_out.items() if why != HOLDS_NONE]
    more = f" and {len(plain) - LEFT_OUT} more (--json names all)" if plain[LEFT_OUT:] else ""
    rows += [(", ".join(plain[:LEFT_OUT]) + more, HOLDS_NONE if plain[1:] == [] else "hold no run")] if plain else []
    return "\n".join(["left out:", *(printable(f"  {where}: {why}") for where, why in rows)])


def measure_of(metric: str) -> str:
    """Return the measure of a metric, without its stage.

    Example:
        >>> measure_of("val_auc")
        'auc'
    """
    return metric.partition("_")[2] or metric


def _row(run: RunRecord, folder: Path, own: str | None) -> list[str]:
    seconds, monitor = run.entries.get("fit_seconds"), str(run.best.get("monitor", ""))
    path = run.path.relative_to(folder)
    return [
        str(path) if path.parts else str(run.path),
        run.plugin,
        run.recipe or "",
        str(run.seed),
        run.status,
        str(run.entries.get("epochs", "")),
        duration(seconds) if isinstance(seconds, int | float) and 0 < seconds < 1e9 else "",
        _named(monitor, run.metrics),
        _shown(own, run.metrics) if own else _named(f"test_{measure_of(monitor)}", run.metrics),
    ]


def _named(metric: str, metrics: Mapping[str, float]) -> str:
    return f"{metric} {_shown(metric, metrics)}" if metric in metrics else ""


def _shown(metric: str, metrics: Mapping[str, float]) -> str:
    return f"{metrics[metric]:.4f}" if metric in metrics else ""

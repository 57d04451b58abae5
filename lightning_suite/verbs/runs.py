"""Shows the runs below a folder: settings in short, status, and metrics.

--sort takes a column or a metric, such as test_auc; the best come first, where the runs say what is best of it.
"""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning_suite.arguments import LightParser
from lightning_suite.errors import UsageError
from lightning_suite.json_text import json_text
from lightning_suite.run_records import RunRecord
from lightning_suite.run_search import Runs, measure_of, runs, table_of_runs, text_of_left_out
from lightning_suite.spelling import no_such

COLUMNS: dict[str, Callable[[RunRecord], Any]] = {
    "run": lambda run: str(run.path),
    "plugin": lambda run: run.plugin,
    "recipe": lambda run: run.recipe or "",
    "seed": lambda run: run.seed,
    "status": lambda run: run.status,
    "started": lambda run: run.started,
    "epochs": lambda run: run.entries.get("epochs"),
    "seconds": lambda run: run.entries.get("fit_seconds"),
}


def run(arguments: list[str]) -> int:
    """Print a row for every run, then the folders that are none; return 0."""
    parser = LightParser("runs", __doc__)
    parser.add_argument("folder", metavar="FOLDER", nargs="?", default="runs", help="where to look (default: runs)")
    parser.add_argument("--plugin", metavar="NAME", help="only runs of this plugin")
    parser.add_argument("--sort", metavar="NAME", help="a metric, or a column (default: started, the newest first)")
    parser.add_argument("--reverse", action="store_true", help="the other way round")
    parser.add_argument("--json", action="store_true", help="print all that the runs say of themselves")
    values = parser.read(arguments)
    every = runs(values.folder)
    chosen = [each for each in every if values.plugin in (None, each.plugin)]
    if not chosen and values.plugin is not None:
        have = f"the {len(every)} runs below {values.folder} are of"
        raise UsageError(no_such("run of the plugin", values.plugin, dict.fromkeys(r.plugin for r in every), have))
    chosen = in_order(chosen, values.sort or "started", reverse=values.reverse)
    print(_as_json(chosen, every) if values.json else _as_text(chosen, every, Path(values.folder), values.sort))
    return 0


def in_order(found: list[RunRecord], name: str, *, reverse: bool = False) -> list[RunRecord]:
    """Return runs ordered by a metric or a column, the best, newest or first of the alphabet first.

    Those without a value come last.

    Raises:
        UsageError: no run has such a metric.

    Example:
        >>> in_order([], "test_auc")
        []
    """
    metrics = sorted({metric for run in found for metric in run.metrics})
    if found and name not in COLUMNS and name not in metrics:
        raise UsageError(f"--sort: {no_such('metric', name, [*metrics, *COLUMNS], 'the runs and the table have')}")
    value: Callable[[RunRecord], Any] = COLUMNS.get(name) or (lambda run: run.metrics.get(name))
    pairs = [(value(run), run) for run in found]
    largest_first = name == "started" or (name not in COLUMNS and _best_is_largest(name, found))
    ordered = sorted(
        (pair for pair in pairs if _is_known(pair[0])), key=lambda pair: pair[0], reverse=largest_first != reverse
    )
    return [run for _, run in ordered] + [run for value, run in pairs if not _is_known(value)]


def _is_known(value: Any) -> bool:
    return value not in (None, "") and value == value  # not a number is not known either


def _best_is_largest(metric: str, found: list[RunRecord]) -> bool:
    """Return whether the largest value is best: as for what chose the runs' checkpoints, if it is the same measure."""
    for run in found:
        if measure_of(str(run.best.get("monitor", ""))) == measure_of(metric):
            return run.best.get("mode") == "max"
    return "loss" not in metric


def _as_text(chosen: list[RunRecord], every: Runs, folder: Path, sort: str | None) -> str:
    if chosen:
        own = sort if sort is not None and sort not in COLUMNS else None
        parts = [table_of_runs(chosen, folder, own), "next: " + "\n      ".join(_next(chosen))]
    else:
        parts = [f"no run is below {folder}. suite fit --plugin NAME writes one"]
    return "\n\n".join([*parts, *([text_of_left_out(every.left_out)] if every.left_out else [])])


def _next(chosen: list[RunRecord]) -> list[str]:
    """Return what to type next: of runs that ended too early, how the first of them goes on."""
    stopped = [run for run in chosen if run.status in ("interrupted", "killed", "failed") and run.run.last.is_file()]
    tested = next((run for run in chosen if run not in stopped and run.status != "running"), None)
    commands = [f"suite fit --resume {shlex.quote(str(run.path))}" for run in stopped[:1]]
    commands += [f"suite test {shlex.quote(str(tested.path))}"] if tested is not None else []
    return [*commands, *(["suite compare-runs RUN RUN ..."] if chosen[1:] else [])]


def _as_json(chosen: list[RunRecord], every: Runs) -> str:
    rows = [
        {
            "run": run.path,
            "plugin": run.plugin,
            "recipe": run.recipe,
            "seed": run.seed,
            "status": run.status,
            "metrics": run.metrics,
            "run.json": run.entries,
        }
        for run in chosen
    ]
    left_out = [{"folder": path, "reason": reason} for path, reason in every.left_out.items()]
    return json_text({"runs": rows, "left_out": left_out})

"""What a report says of runs, whatever it is written in."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lightning_suite.comparison import PARTS, Comparison
from lightning_suite.expectations import Expectation
from lightning_suite.progress import duration
from lightning_suite.reporting.curves import Chart, charts
from lightning_suite.reporting.departures import Departures, departures
from lightning_suite.reporting.pictures import Pictures, pictures_of
from lightning_suite.run import Run
from lightning_suite.run_comparison import compare_runs, flattened
from lightning_suite.run_records import RunRecord, record_of
from lightning_suite.tables import one_line
from lightning_suite.yaml_files import one_line_yaml

Row = tuple[str, list[str]]
"""A name, and its value in each run."""

STAGES = ("test", "val", "train")
"""The order of metrics by the stage that begins their names."""


@dataclass(frozen=True)
class RunContents:
    """What a report says of one run."""

    record: RunRecord
    departures: Departures
    pictures: Pictures

    @property
    def name(self) -> str:
        """Return the name of its folder, or of the checkpoint that lies alone."""
        return self.record.path.resolve().name

    @property
    def expected(self) -> Expectation:
        """Return the metrics that its recipe should reach."""
        return Expectation.of(self.departures.recipe)

    @property
    def expected_beside(self) -> Mapping[str, float]:
        """Return the metrics of the recipe that may stand beside those of the run."""
        return self.expected.beside(option.name for option in self.departures.options if option.differs)


@dataclass(frozen=True)
class Contents:
    """What a report says of all its runs.

    Attributes:
        runs: in the order given.
        compared: what differs between them; None for a single run.
        charts: learning curves.
    """

    runs: tuple[RunContents, ...]
    compared: Comparison | None
    charts: tuple[Chart, ...]

    @property
    def title(self) -> str:
        """Return the plugins and recipes, in short."""
        kinds = dict.fromkeys(" · ".join(filter(None, (r.record.plugin, r.record.recipe))) for r in self.runs)
        count = "" if len(self.runs) == 1 else f"{len(self.runs)} runs of "
        return count + ", ".join(one_line(kind, 60) for kind in kinds)

    @property
    def metrics(self) -> list[str]:
        """Return the names of all metrics: of the test first."""
        names = dict.fromkeys(name for run in self.runs for name in run.record.metrics)
        place = {stage: i for i, stage in enumerate(STAGES)}
        return sorted(names, key=lambda name: place.get(name.partition("_")[0], len(STAGES)))

    def course(self) -> list[Row]:
        """Return what was run, when, and how long it took."""
        return _rows(
            ("plugin", [run.record.plugin for run in self.runs]),
            ("recipe", [run.record.recipe or "(none)" for run in self.runs]),
            ("seed", [f"{run.record.seed}" for run in self.runs]),
            ("status", [run.record.status for run in self.runs]),
            ("started", [_moment(run.record.started) for run in self.runs]),
            ("finished", [_moment(text) for text in self._entries("finished")]),
            ("time of training", [_seconds(run.record.entries.get("fit_seconds")) for run in self.runs]),
            ("epochs", self._entries("epochs")),
            ("optimizer steps", self._entries("steps")),
            ("best checkpoint", [_chosen_by(run.record) for run in self.runs]),
        )

    def data(self) -> list[Row]:
        """Return the fingerprints of the training data, and the options of the data that are not the defaults."""
        named = {
            option.name: None
            for run in self.runs
            for option in run.departures.options
            if option.name.startswith("data.") and (option.source == "recipe" or option.differs)
        }
        return _rows(("fingerprint", self._entries("data_fingerprint")), *((name, self.values(name)) for name in named))

    def environment(self) -> list[Row]:
        """Return code, versions, machine and ops."""
        rows: list[Row] = [("git commit", self._entries("git_commit"))]
        for entry in ("versions", "machine", "ops"):
            each = [
                flattened(value) if isinstance(value := run.record.entries.get(entry), dict) else {}
                for run in self.runs
            ]
            names = dict.fromkeys(name for values in each for name in values)
            rows += [(name, [_fact(values[name]) if name in values else "" for values in each]) for name in names]
        return _rows(*rows)

    def values(self, name: str) -> list[str]:
        """Return the value of an option in each run."""
        every = [{option.name: option.value for option in run.departures.options} for run in self.runs]
        return [value_text(options[name]) if name in options else "" for options in every]

    def _entries(self, name: str) -> list[str]:
        found = [run.record.entries.get(name) for run in self.runs]
        return ["" if value is None else value_text(value) for value in found]


def contents_of(runs: "Sequence[str | os.PathLike[str] | Run | RunRecord]") -> Contents:
    """Return what a report says of runs.

    Raises:
        UsageError: a run is not there.
        RunError: a run cannot be read.
    """
    records = [record_of(run) for run in runs]
    every = tuple(RunContents(record, departures(record), pictures_of(record)) for record in records)
    parts = [part for part in PARTS if part != "weights"]
    compared = compare_runs(records, parts=parts) if len(records) > 1 else None
    return Contents(every, compared, charts(records))


def commands(run: RunContents) -> list[tuple[str, str]]:
    """Return the commands that repeat a run, each with what it does.

    The last one states the recipe and all that differs from it: it needs no file of the run.
    """
    folder, options = shlex.quote(str(run.record.path)), run.departures.options
    if run.record.path != run.record.run.folder:  # a checkpoint that lies alone
        return [("test it", f"suite test {folder}")]
    config = shlex.quote(str(run.record.path / "config.yaml"))
    found = [
        ("train again, and compare bit for bit", f"suite rerun {folder}"),
        ("train again with the same settings", f"suite fit --config {config}"),
        ("test it", f"suite test {folder}"),
    ]
    if run.departures.plugin is not None and all(
        option.source != "not known" for option in options if _is_whole(option.name)
    ):
        words = ["suite", "fit", "--plugin", run.record.plugin]
        words += ["--recipe", run.record.recipe] if run.record.recipe else []
        changed = dict.fromkeys(_option(option.name) for option in options if option.differs)
        for name in changed:
            value = _typed(_value(run.record.settings, name))
            words += [f"--{name}={value}"] if value.startswith("-") else [f"--{name}", value]
        found.append(("train from nothing but the recipe", shlex.join(words)))
    return found


def value_text(value: Any) -> str:
    """Return a value as people read it in a table: text as it is, anything else as YAML on one line."""
    if isinstance(value, str) or value is None:
        return value or ("null" if value is None else "''")
    return one_line(_yaml(value), 400)


def number_text(value: float) -> str:
    """Return a metric as text."""
    return f"{value:.6g}"


def _is_whole(name: str) -> bool:
    return name == _option(name)


def _option(name: str) -> str:
    """Return the option that a dotted name is in: ``model.encoder`` for ``model.encoder.init_args.depth``."""
    return ".".join(name.split(".")[:2])


def _value(settings: dict[str, Any], name: str) -> Any:
    group, _, inner = name.partition(".")
    return settings[group][inner] if inner else settings[group]


def _typed(value: Any) -> str:
    """Return a value as it is typed: text as it is, anything else as YAML on one line."""
    return value if isinstance(value, str) else _yaml(value)


def _yaml(value: Any) -> str:
    if type(value) is int:  # most options, and quicker than a dump
        return str(value)
    return one_line_yaml({"value": value}).removeprefix('{"value": ').removesuffix("}")


def _chosen_by(record: RunRecord) -> str:
    best, value = record.best, record.best.get("value")
    shown = f" = {value:.6g}" if isinstance(value, int | float) else ""
    epoch = f", epoch {best['epoch']}" if best.get("epoch") else ""
    return f"{best.get('mode', '')} {best['monitor']}{shown}{epoch}".strip() if "monitor" in best else ""


def _moment(text: str) -> str:
    """Return an ISO 8601 time to the second, in UTC; another text as it is."""
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return text


def _fact(value: Any) -> str:
    """Return a fact about the machine; an empty list of accelerators is none."""
    return "none" if value == [] else value_text(value)


def _seconds(value: Any) -> str:
    return duration(value) if isinstance(value, int | float) and 0 < value < 1e9 else ""


def _rows(*rows: Row) -> list[Row]:
    """Return the rows in which a run has something to say."""
    return [row for row in rows if any(row[1])]

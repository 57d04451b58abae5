"""What differs between runs: settings, code, data, versions, machine, course, metrics and weights.

Everything that run.json says is compared, also what a later release may add to it; when and where a run took place
(`WHEN_AND_WHERE`) is no difference. Metrics are judged against the scatter of seeds: `seed_groups`.
"""

import csv
import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning_suite.comparison import ABSENT, PARTS, Comparison, Difference
from lightning_suite.errors import RunError, UsageError
from lightning_suite.run import Run
from lightning_suite.run_records import RunRecord, record_of
from lightning_suite.seed_groups import Facts, judged, same, seed_groups

PART_OF = {
    **dict.fromkeys(("plugin", "api", "git_commit"), "code"),
    **dict.fromkeys(("machine", "ops"), "machine"),
    **dict.fromkeys(("metrics", "evaluations"), "metrics"),
    **{"seed": "settings", "data_fingerprint": "data", "versions": "versions"},
}
"""The part that an entry of run.json belongs to; others belong to the course of the run."""

WHEN_AND_WHERE = {"started", "finished", "resumed", "fit_seconds", "signature", "typed_paths", "job"}
"""Entries of run.json that differ between runs of equal results: times, places, and whose signature it is."""


def compare_runs(
    runs: "Sequence[str | os.PathLike[str] | Run | RunRecord]", *, parts: Sequence[str] = PARTS, weights: bool = False
) -> Comparison:
    r"""Return what differs between runs.

    Args:
        runs: two or more run folders, or checkpoints.
        parts: what is compared, of `PARTS`.
        weights: compare the weights too, bit for bit; this imports torch.

    Raises:
        UsageError: there are fewer than two, or one is not there.
        RunError: one cannot be read.

    Example:
        >>> import tempfile
        >>> folders = []
        >>> for seed in (0, 1):
        ...     run = Run.create(tempfile.mkdtemp(), "dsa", recipe=None)
        ...     _ = (run.folder / "config.yaml").write_text(f"plugin: dsa\nseed: {seed}\nmodel: {{heads: 2}}\n")
        ...     folders.append(run.folder)
        >>> [(difference.name, difference.values) for difference in compare_runs(folders).differences]
        [('seed', (0, 1))]
    """
    records = tuple(map(record_of, runs))
    if len(records) < 2:
        raise UsageError(f"expected two runs or more to compare, got {len(records)}")
    facts = [_facts(record) for record in records]
    found = [*_differing(facts), *_first_in_metrics_files(records)]
    if weights and "weights" in parts:
        from lightning_suite.weight_digests import differing_weights

        found += [Difference("weights", name, values) for name, values in differing_weights(records, ABSENT)]
    found = sorted((each for each in found if each.part in parts), key=lambda each: PARTS.index(each.part))
    groups = seed_groups(facts)
    metrics = judged(records, groups) if "metrics" in parts else ()
    compared = tuple(part for part in parts if part != "weights" or weights)
    return Comparison(records, tuple(found), groups, metrics, tuple(_remarks(records, facts, parts)), compared)


def _facts(record: RunRecord) -> Facts:
    """Return everything that a run says of itself, by part and name."""
    facts = {("settings", name): value for name, value in flattened(record.settings).items()}
    for entry, value in record.entries.items():
        if entry not in WHEN_AND_WHERE:
            part = PART_OF.get(entry, "course")
            name = f"{entry} in run.json" if entry in record.settings else "" if entry == part else entry
            values = flattened(value, name) if name or isinstance(value, Mapping) else {entry: value}
            facts |= {(part, inner): values[inner] for inner in values}
    return facts


def flattened(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return the values of nested mappings, and of lists that hold mappings, under dotted names."""
    if isinstance(value, Mapping) and (value or not prefix):
        pairs = [(str(name), inner) for name, inner in value.items()]
    elif isinstance(value, list) and any(isinstance(inner, Mapping) for inner in value):
        pairs = [(str(i), inner) for i, inner in enumerate(value)]
    else:
        return {prefix: value}
    flat: dict[str, Any] = {}
    for name, inner in pairs:
        flat |= flattened(inner, f"{prefix}.{name}" if prefix else name)
    return flat


def _differing(facts: Sequence[Facts]) -> list[Difference]:
    """Return what is not the same in all runs; what run.json repeats is not said a second time."""
    found = []
    for part, name in dict.fromkeys(itertools.chain.from_iterable(facts)):
        values = _values(facts, part, name)
        elsewhere = ("settings", name.removesuffix(" in run.json"))
        if name.startswith("evaluations."):
            elsewhere = ("metrics", name.rpartition(".")[2])
        is_repeated = elsewhere != (part, name) and same(values, _values(facts, *elsewhere))
        if not is_repeated and not all(same(values[0], value) for value in values):
            found.append(Difference(part, name, values))
    return found


def _values(facts: Sequence[Facts], part: str, name: str) -> tuple[Any, ...]:
    return tuple(each.get((part, name), ABSENT) for each in facts)


def _first_in_metrics_files(records: Sequence[RunRecord]) -> list[Difference]:
    """Return the first cell that differs between the runs' metrics.csv, if one does."""
    tables = [rows_of(record.path / "metrics.csv") for record in records]
    if any(rows is None for rows in tables):
        there = tuple(ABSENT if rows is None else "there" for rows in tables)
        return [Difference("metrics", "metrics.csv", there)] if "there" in there else []
    for number, rows in enumerate(itertools.zip_longest(*(rows or [] for rows in tables), fillvalue={}), start=1):
        for column in dict.fromkeys(itertools.chain.from_iterable(rows)):
            cells = tuple(row.get(column) or ABSENT for row in rows)
            if len(set(cells)) > 1:
                return [Difference("metrics", f"metrics.csv, row {number}, {column}", cells)]
    return []


def rows_of(file: Path) -> list[dict[str, str]] | None:
    """Return the rows of a metrics.csv, each the cells by column; None without one.

    Raises:
        RunError: it is damaged.
    """
    if not file.is_file():
        return None
    try:
        with file.open(encoding="utf-8", errors="replace", newline="") as text:
            columns, *rows = [*csv.reader(text)] or [[]]
    except csv.Error as error:
        raise RunError(f"{file} is damaged: {error}. It may be deleted, and is then not compared.") from error
    return [{f"{name}": cell for name, cell in itertools.zip_longest(columns, row, fillvalue="")} for row in rows]


def _remarks(records: Sequence[RunRecord], facts: Sequence[Facts], parts: Sequence[str]) -> list[str]:
    """Return what could not be compared."""
    remarks = []
    bare = [str(record.path) for record in records if not record.entries]
    if bare:
        remarks.append(f"without run.json nothing but the settings is known of {', '.join(bare)}")
    if "code" in parts and any(str(each.get(("code", "git_commit"))).endswith("-dirty") for each in facts):
        remarks.append("code: a commit that ends in -dirty had changes, which may differ")
    if "data" in parts and all(each.get(("data", "data_fingerprint")) is None for each in facts):
        remarks.append("data: no run knows the fingerprint of its data, so only the settings of the data are compared")
    return remarks

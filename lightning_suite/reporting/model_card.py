"""The report as a model card: Markdown with the metadata of the Hugging Face Hub, ``model-index`` among them."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from lightning_suite.errors import printable
from lightning_suite.reporting.contents import Contents, Row, RunContents, commands, number_text, value_text
from lightning_suite.reporting.curves import measure_and_stage
from lightning_suite.tables import one_line

SPLITS = {"training": "train", "validation": "validation", "test": "test"}


def card(contents: Contents) -> str:
    """Return the text of the card."""
    several = len(contents.runs) > 1
    heads = [f"{i + 1}" for i in range(len(contents.runs))] if several else [""]
    parts = [
        f"---\n{yaml.safe_dump(metadata(contents), sort_keys=False, allow_unicode=True)}---",
        f"# {_plain(contents.title)}",
    ]
    plugins = {run.departures.plugin.name: run.departures.plugin for run in contents.runs if run.departures.plugin}
    parts += [_plain(". ".join(filter(None, (plugin.summary, plugin.paper)))) for plugin in plugins.values()]
    parts += _section("What was run", heads, [("run", [run.name for run in contents.runs]), *contents.course()])
    metrics = [
        (name, [number_text(run.record.metrics[name]) if name in run.record.metrics else "" for run in contents.runs])
        for name in contents.metrics
    ]
    parts += _section("Metrics", heads, metrics)
    parts += _section("Data", heads, contents.data())
    changed = dict.fromkeys(option.name for run in contents.runs for option in run.departures.options if option.differs)
    usual = {option.name: value_text(option.usual) for run in contents.runs for option in run.departures.options}
    rows = [(name, [*contents.values(name), usual[name]]) for name in changed]
    parts += _section("Settings that differ from the recipe", [*heads, "usual"], rows)
    parts += _section("Environment", heads, contents.environment())
    parts.append("## Repeat it")
    for run in contents.runs:
        lines = [f"# {what}\n{command}" for what, command in commands(run)]
        parts.append(_block("\n".join(lines)))
    return "\n\n".join(parts) + "\n"


def metadata(contents: Contents) -> dict[str, Any]:
    """Return the metadata of the card, as the Hub reads them."""
    plugins = dict.fromkeys(_slug(run.record.plugin) for run in contents.runs)
    return {
        "library_name": "lightning-suite",
        "tags": ["pytorch-lightning", *plugins],
        "model-index": [{"name": run.name, "results": _results(run)} for run in contents.runs],
    }


def _results(run: RunContents) -> list[dict[str, Any]]:
    """Return the metrics of a run, by the split that they were measured on; the Hub takes no infinite ones."""
    record, plugin = run.record, run.departures.plugin
    path = (record.settings.get("data") or {}).get("path")
    name = Path(path).name if isinstance(path, str) and Path(path).name else f"data of {record.plugin}"
    fingerprint = record.entries.get("data_fingerprint")
    by_split: dict[str, list[dict[str, Any]]] = {}
    for metric, value in record.metrics.items():
        measure, stage = measure_and_stage(metric)
        if math.isfinite(value) and "each step" not in stage:
            found = {"type": _slug(measure), "name": printable(metric), "value": value}
            by_split.setdefault(SPLITS.get(stage, ""), []).append(found)
    return [
        {
            "task": {"type": "other", "name": printable(plugin.summary if plugin else record.plugin)},
            "dataset": {
                "type": _slug(name),
                "name": printable(name),
                **({"split": split} if split else {}),
                **({"args": {"fingerprint": printable(f"{fingerprint}")}} if fingerprint else {}),
            },
            "metrics": metrics,
        }
        for split, metrics in by_split.items()
    ]


def _section(title: str, heads: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Return a heading and a table; nothing without rows."""
    if not rows:
        return []
    lines = [["", *heads], ["---"] * (len(heads) + 1), *([_plain(name), *map(_plain, values)] for name, values in rows)]
    return [f"## {title}", "\n".join(f"| {' | '.join(line)} |" for line in lines)]


def _plain(text: str) -> str:
    """Return text in which nothing is markup."""
    return re.sub(r"([\\`*_{}\[\]()#+!|~<>&$])", r"\\\1", printable(one_line(text)))


def _block(text: str) -> str:
    """Return a block of commands, between more backticks than are in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}sh\n{chr(10).join(map(printable, text.splitlines()))}\n{fence}"


def _slug(text: str) -> str:
    """Return text as the Hub writes names: small letters, digits and dashes.

    Example:
        >>> _slug("SST 2 (binary)")
        'sst-2-binary'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "other"

"""What differs between runs, as it was found, and as text."""

from dataclasses import dataclass
from typing import Any

from lightning_suite.run_records import RunRecord
from lightning_suite.seed_groups import SURE, Judgement, same
from lightning_suite.tables import listing, one_line, table

PARTS = ("settings", "code", "data", "versions", "machine", "course", "metrics", "weights")
"""What is compared, in the order in which it is shown."""

ABSENT = "(absent)"
"""The value of what one of the runs does not have, and another has."""

WIDEST = 48
"""Characters of a value that is shown."""


@dataclass(frozen=True)
class Difference:
    """Something that is not the same in all runs.

    Attributes:
        part: one of `PARTS`.
        name: the option, entry, metric or file.
        values: the value in each run; `ABSENT` where a run has none.
    """

    part: str
    name: str
    values: tuple[Any, ...]

    def shown(self) -> list[str]:
        """Return the values as text, each shortened unless it would then look like another."""
        texts = [value if value == ABSENT else repr(value) for value in self.values]
        short = [one_line(text, WIDEST) for text in texts]
        return short if len(set(short)) == len(set(texts)) else texts


@dataclass(frozen=True)
class Comparison:
    """What `compare_runs` returns.

    Attributes:
        runs: what the runs say of themselves.
        differences: all that differs, in the order of `PARTS`.
        groups: the positions of the runs that are the same but for the seed, in groups.
        metrics: the metrics of the groups, judged.
        remarks: what could not be compared, in words.
        parts: what was compared, of `PARTS`.

    ``print`` shows it as ``suite compare-runs`` does.
    """

    runs: tuple[RunRecord, ...]
    differences: tuple[Difference, ...]
    groups: tuple[tuple[int, ...], ...]
    metrics: tuple[Judgement, ...]
    remarks: tuple[str, ...]
    parts: tuple[str, ...] = PARTS

    def __repr__(self) -> str:
        """Return in short how many runs were compared and what was found."""
        differing = list(dict.fromkeys(each.part for each in self.differences))
        found = f"differences in {', '.join(differing)}" if differing else "no difference"
        return f"<Comparison of {len(self.runs)} runs: {found}>"

    def __str__(self) -> str:
        """Return the runs, what differs and the metrics, as ``suite compare-runs`` prints them."""
        return _text(self)

    def _repr_html_(self) -> str:
        """Return the same for a notebook."""
        from lightning_suite.reporting.markup import as_html, element

        return as_html(element("pre", f"{self}"))


def _text(compared: Comparison) -> str:
    """Return the runs, what differs part by part, and the metrics with their verdicts, as people read them."""
    rows = [
        (str(i), str(run.path), f"seed {run.seed}", run.status, run.started)
        for i, run in enumerate(compared.runs, start=1)
    ]
    blocks = [listing(rows, None, "  ")]
    for part in compared.parts:
        found = [each for each in compared.differences if each.part == part and not _is_judged(each, compared)]
        if found:
            names = ["", *(str(i) for i in range(1, len(rows) + 1))]
            cells = [[each.name, *each.shown()] for each in found]
            title = "metrics, run by run" if part == "metrics" and compared.metrics else part
            blocks.append(f"{title}\n{_indented(table(names, cells))}")
    if compared.metrics:
        blocks.append(_metrics(compared))
    differing = {each.part for each in compared.differences}
    if alike := [part for part in compared.parts if part not in differing]:
        blocks.append(f"no difference in: {', '.join(alike)}")
    blocks += ["\n".join(compared.remarks)] if compared.remarks else []
    return "\n\n".join(blocks)


def _is_judged(difference: Difference, compared: Comparison) -> bool:
    """Return whether the table of the groups shows all values of a difference: it has one for each seed."""
    if not any(difference.name == each.metric for each in compared.metrics):
        return False
    shown = {(g, compared.runs[i].seed): difference.values[i] for g, group in enumerate(compared.groups) for i in group}
    every = [(g, compared.runs[i].seed, i) for g, group in enumerate(compared.groups) for i in group]
    return all(same(shown[g, seed], difference.values[i]) for g, seed, i in every)


def _metrics(compared: Comparison) -> str:
    """Return the table of metrics: a column of values for each group, and for all but the first a verdict."""
    labels = [", ".join(str(i + 1) for i in group) for group in compared.groups]
    columns = ["", labels[0]]
    for label in labels[1:]:
        columns += [label, f"against {labels[0]}"]
    rows = []
    for each in compared.metrics:
        first, *others = each.texts()
        row = [each.metric, first]
        for i, text in enumerate(others, start=1):
            row += [text, each.verdict_text(i)]
        rows.append(row)
    lines = ["metrics", _indented(table(columns, rows))]
    if any(len(values) > 1 for each in compared.metrics for values in each.values):
        lines.append("  mean ± standard deviation (number of seeds), of runs that are the same but for the seed")
    if any(p is not None for each in compared.metrics for p in each.p_values):
        lines.append(f"  p: how often chance alone would set the means as far apart; judged to differ below {SURE}")
    elif len(labels) > 1 and any("not judged" in each.verdicts for each in compared.metrics):
        lines.append("  not judged: no two runs are the same but for the seed, so nothing says how much seeds scatter")
    return "\n".join(lines)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())

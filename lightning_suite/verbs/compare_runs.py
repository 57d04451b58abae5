"""Shows what differs between runs, and whether metrics differ by more than seeds scatter.

Compared are the settings, code, data, versions, machine, course, metrics, and with --weights the weights. Times and
places are not. Runs that are the same but for the seed are one column of the table of metrics, mean and standard
deviation, and say how much seeds scatter. With --expect-equal the exit status is 1 when anything differs.
"""

from collections.abc import Sequence
from dataclasses import asdict

from lightning_suite.arguments import LightParser
from lightning_suite.errors import UsageError
from lightning_suite.json_text import json_text
from lightning_suite.run_comparison import PARTS, Comparison, Difference, compare_runs
from lightning_suite.seed_groups import SURE, same
from lightning_suite.spelling import no_such
from lightning_suite.tables import listing, table


def run(arguments: list[str]) -> int:
    """Print the runs, what differs, and the metrics; return 1 if runs that should be equal are not, otherwise 0."""
    parser = LightParser("compare-runs", __doc__)
    parser.add_argument("runs", metavar="RUN", nargs="+", help="run folders, or checkpoints: two or more")
    parser.add_argument("--only", metavar="PART", action="append", help=f"compare this part only: {', '.join(PARTS)}")
    parser.add_argument("--weights", action="store_true", help="compare the weights too, bit for bit (needs torch)")
    parser.add_argument("--expect-equal", action="store_true", help="exit with 1 if anything differs, weights too")
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON")
    values = parser.read(arguments)
    for part in values.only or ():
        if part not in PARTS:
            raise UsageError(f"--only: {no_such('part', part, PARTS, 'a run has')}")
    if len(values.runs) < 2:
        raise UsageError(f"suite compare-runs RUN RUN ...: expected two runs or more, got {len(values.runs)}")
    weights = values.weights or values.expect_equal
    compared = compare_runs(values.runs, parts=values.only or PARTS, weights=weights)
    parts = [part for part in values.only or PARTS if part != "weights" or weights]
    print(_as_json(compared) if values.json else _as_text(compared, parts))
    return 1 if values.expect_equal and compared.differences else 0


def _as_text(compared: Comparison, parts: Sequence[str]) -> str:
    rows = [
        (str(i), str(run.path), f"seed {run.seed}", run.status, run.started)
        for i, run in enumerate(compared.runs, start=1)
    ]
    blocks = [listing(rows, None, "  ")]
    for part in parts:
        found = [each for each in compared.differences if each.part == part and not _is_judged(each, compared)]
        if found:
            names = ["", *(str(i) for i in range(1, len(rows) + 1))]
            cells = [[each.name, *each.shown()] for each in found]
            title = "metrics, run by run" if part == "metrics" and compared.metrics else part
            blocks.append(f"{title}\n{_indented(table(names, cells))}")
    if compared.metrics:
        blocks.append(_metrics(compared))
    differing = {each.part for each in compared.differences}
    if alike := [part for part in parts if part not in differing]:
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


def _as_json(compared: Comparison) -> str:
    return json_text(
        {
            "runs": [run.path for run in compared.runs],
            "equal": not compared.differences,
            "differences": [asdict(each) for each in compared.differences],
            "groups": compared.groups,
            "metrics": [asdict(each) for each in compared.metrics],
            "remarks": compared.remarks,
        }
    )

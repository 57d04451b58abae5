"""Shows what differs between runs, and whether metrics differ by more than seeds scatter.

Compared are the settings, code, data, versions, machine, course, metrics, and with --weights the weights. Times and
places are not. Runs that are the same but for the seed are one column of the table of metrics, mean and standard
deviation, and say how much seeds scatter. With --expect-equal the exit status is 1 when anything differs.
"""

from dataclasses import asdict

from lightning_suite.arguments import LightParser
from lightning_suite.comparison import PARTS, Comparison
from lightning_suite.errors import UsageError
from lightning_suite.json_text import json_text
from lightning_suite.run_comparison import compare_runs
from lightning_suite.spelling import no_such


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
    print(_as_json(compared) if values.json else compared)
    return 1 if values.expect_equal and compared.differences else 0


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

"""Explains this installation: versions, ops, and for every broken plugin the cause and the repair."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from lightning_suite import ops
from lightning_suite.arguments import LightParser
from lightning_suite.json_text import json_text
from lightning_suite.plugins import find, isolated, requirements, trial
from lightning_suite.run import versions
from lightning_suite.tables import listing, terminal_width


def run(arguments: list[str]) -> int:
    """Print the versions, then try the ops and every plugin in processes of their own; return 0 if all work."""
    parser = LightParser("doctor", __doc__ or "")
    parser.add_argument(
        "--timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="for the ops, and for the imports of each plugin (default: 60)",
    )
    parser.add_argument("--json", action="store_true", help="print the same as JSON")
    values = parser.read(arguments)
    seconds: float = values.timeout
    if values.json:
        report, is_well = _report(seconds)
        print(json_text(report))
        return 0 if is_well else 1
    work = [_print_versions(), _print_ops(seconds), _print_plugins(seconds)]
    return 0 if all(work) else 1


def _report(seconds: float) -> tuple[dict[str, Any], bool]:
    """Return what there is to say, by name, and whether all works."""
    problems = requirements.unsatisfied("lightning-suite", "")
    found, ending = _ops(seconds)
    tried = [(origin, trial.run(origin, seconds)) for origin in find.installed()]
    plugins = [
        {
            "name": origin.name,
            "distribution": origin.distribution,
            "version": origin.version,
            "faults": [{"cause": fault.cause, "from": fault.origin, "repair": fault.repair} for fault in result.faults],
            "warning": result.warning or None,
        }
        for origin, result in tried
    ]
    reports = {op: found.get(op, {"op": op, "broken": ending}) for op in ops.names()}
    agree = all(test["agrees"] for report in reports.values() for test in report.get("tests", {}).values())
    is_well = not problems and agree and found.keys() >= reports.keys() and not any(one["faults"] for one in plugins)
    return {"versions": versions(), "problems": problems, "ops": [*reports.values()], "plugins": plugins}, is_well


def _ops(seconds: float) -> tuple[dict[str, Any], str]:
    """Return the reports of the ops' self-test by op, and how its process ended."""
    output, ending = isolated.run("lightning_suite.ops._self_test", [], seconds)
    lines = [line for line in output.splitlines() if line.startswith('{"op"') and line.endswith("}")]
    return {report["op"]: report for report in map(json.loads, lines)}, ending


def _print_versions() -> bool:
    rows = [(name, version, sys.executable if name == "python" else "") for name, version in versions().items()]
    print("versions", listing(rows, None, "  "), sep="\n")
    problems = requirements.unsatisfied("lightning-suite", "")
    for problem in problems:
        print(f"  {problem}: pip install --upgrade lightning-suite")
    sys.stdout.flush()
    return not problems


def _print_ops(seconds: float) -> bool:
    print("\nops (each is compared with its plain-torch reference)", flush=True)
    reports, ending = _ops(seconds)
    are_well = True
    for op in ops.names():
        if op not in reports:
            limit = f"had not ended after {seconds:g} s (--timeout) and {ending}"
            cause = f"broken: the self-test {limit if ending == isolated.KILLED else f'ended {ending}'}"
            _print_rows([(op, cause)], "  ")
            return False
        report = reports[op]
        _print_rows([(op, report["implementation"])], "  ")
        rows = [("repair:", report["repair"])] if report["repair"] else []
        for device, test in report["tests"].items():
            are_well = are_well and test["agrees"]
            verdict = "equals its reference" if test["agrees"] else "DIFFERS from its reference"
            times = (
                f"{1e3 * test['seconds']:.2f} ms forward and backward, reference {1e3 * test['reference_seconds']:.2f}"
            )
            rows.append((f"on {device}:", f"{verdict} (to {test['difference']:.0e}); {times} ms"))
        _print_rows(rows, "    ")
    return are_well


def _print_plugins(seconds: float) -> bool:
    origins = find.installed()
    longest = max((len(origin.name) for origin in origins), default=0)
    print(f"\nplugins (each is imported in a process of its own, {seconds:g} s at most)", flush=True)
    broken = 0
    for origin in origins:
        # The name is on the screen while the imports run; the rest of the line follows.
        print(f"  {origin.name:<{longest}}  ", end="", flush=True)
        result = trial.run(origin, seconds)
        broken += bool(result.faults)
        print(f"{'broken' if result.faults else 'ok    '}  {origin.distribution} {origin.version}", flush=True)
        for fault in result.faults:
            _print_rows([("cause:", fault.cause), ("from:", fault.origin), ("repair:", fault.repair)], "    ")
        if result.warning:
            _print_rows([("warning:", result.warning)], "    ")
    print(f"{len(origins)} installed, {broken or 'none'} broken")
    return not broken


def _print_rows(rows: Sequence[tuple[str, str]], indent: str) -> None:
    if rows:
        print(listing(rows, terminal_width(), indent), flush=True)

"""Explains this installation: versions, ops, and every plugin with cause and repair of what is broken."""

import json
import sys

from lightning_suite import ops
from lightning_suite.arguments import LightParser
from lightning_suite.plugins import diagnosis, find, isolated, requirements
from lightning_suite.plugins.diagnosis import Diagnosis
from lightning_suite.run import versions
from lightning_suite.tables import listing, terminal_width


def run(arguments: list[str]) -> int:
    """Print the versions at once, then try the ops and every plugin, apart: 0 when all is well, otherwise 1."""
    parser = LightParser("doctor", __doc__ or "")
    parser.add_argument(
        "--timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="for the ops, and for the imports of each plugin (default: 60)",
    )
    seconds: float = parser.read(arguments).timeout
    sound = [_print_versions(), _print_ops(seconds), _print_plugins(seconds)]
    return 0 if all(sound) else 1


def _print_versions() -> bool:
    rows = [(name, found, sys.executable if name == "python" else "") for name, found in versions().items()]
    print("versions", listing(rows, None, "  "), sep="\n")
    wrong = requirements.unsatisfied("lightning-suite", "")
    for phrase in wrong:
        print(f"  {phrase}: pip install --upgrade lightning-suite")
    sys.stdout.flush()
    return not wrong


def _print_ops(seconds: float) -> bool:
    print("\nops (each is compared with its plain-torch reference)", flush=True)
    said, how = isolated.run("lightning_suite.ops._self_test", [], seconds)
    lines = [line for line in said.splitlines() if line.startswith('{"op"') and line.endswith("}")]
    reports = {report["op"]: report for report in map(json.loads, lines)}
    sound = True
    for op in ops.names():
        if op not in reports:
            limit = f"had not ended after {seconds:g} s (--timeout) and {how}"
            cause = f"broken: the self-test {limit if how == isolated.KILLED else f'ended {how}'}"
            print(listing([(op, cause)], terminal_width(), "  "))
            return False
        report = reports[op]
        print(listing([(op, report["implementation"])], terminal_width(), "  "))
        rows = [("repair:", report["repair"])] if report["repair"] else []
        for device, test in report["tests"].items():
            sound = sound and test["agrees"]
            verdict = "equals its reference" if test["agrees"] else "DIFFERS from its reference"
            times = (
                f"{1e3 * test['seconds']:.2f} ms forward and backward, reference {1e3 * test['reference_seconds']:.2f}"
            )
            rows.append((f"on {device}:", f"{verdict} (to {test['difference']:.0e}); {times} ms"))
        if rows:
            print(listing(rows, terminal_width(), "    "))
    return sound


def _print_plugins(seconds: float) -> bool:
    entries = find.installed()
    longest = max((len(entry.name) for entry in entries), default=0)
    print(f"\nplugins (each is imported in a process of its own, {seconds:g} s at most)", flush=True)
    broken = 0
    for entry in entries:
        # The name stands there while the imports run, the rest of the line follows.
        print(f"  {entry.name:<{longest}}  ", end="", flush=True)
        error = find.ambiguous(entry)
        seen = Diagnosis(entry, None, (error,)) if error else diagnosis.trial(entry, seconds)
        broken += bool(seen.faults)
        print(f"{'broken' if seen.faults else 'ok    '}  {entry.distribution} {entry.version}", flush=True)
        for fault in seen.faults:
            rows = [("cause:", fault.cause), ("from:", fault.origin), ("repair:", fault.repair)]
            print(listing(rows, terminal_width(), "    "), flush=True)
        if seen.warning:
            print(listing([("warning:", seen.warning)], terminal_width(), "    "), flush=True)
    print(f"{len(entries)} installed, {broken or 'none'} broken")
    return not broken

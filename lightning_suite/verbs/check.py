"""Runs the contract tests on a plugin.

--only and --expect may be given several times. A check that is expected to fail must fail. The exit status is 0 when
nothing else failed, otherwise 1.
"""

from collections import Counter

from lightning_suite.arguments import LightParser
from lightning_suite.errors import UsageError
from lightning_suite.plugins import find
from lightning_suite.tables import listing, terminal_width
from lightning_suite.testing.contract import CHECKS, check_plugin, ensures, refuse_unknown
from lightning_suite.testing.outcome import Outcome


def run(arguments: list[str]) -> int:
    """Print a line for each check, then a table and the message of each failure; return the exit status."""
    parser = LightParser("check", __doc__)
    parser.add_argument("name", metavar="NAME", nargs="?", help="name, module:attribute or path/to/file.py:attribute")
    parser.add_argument("--only", action="append", default=[], metavar="CHECK", help="run this check only")
    parser.add_argument(
        "--expect", action="append", default=[], metavar="CHECK=REASON", help="this check must fail, for this reason"
    )
    parser.add_argument("--list", action="store_true", help="name the checks and what each ensures")
    values = parser.read(arguments)
    if values.list:
        print(listing([(name, ensures(name)) for name in CHECKS], terminal_width()))
        return 0
    if values.name is None:
        raise UsageError(f"suite check: which plugin? installed: {', '.join(find.names()) or 'none'}")
    expected = dict(map(_expected, values.expect))
    refuse_unknown([*values.only, *expected])
    plugin = find.get(values.name)
    print(f"{plugin.name}: {len(values.only or CHECKS)} checks, {plugin.origin}", flush=True)
    longest = max(map(len, CHECKS))
    outcomes = check_plugin(
        values.name,
        only=values.only,
        expected_failures=expected,
        before=lambda check: print(f"  {check:<{longest}}  ", end="", flush=True),
        after=lambda outcome: print(f"{outcome.seconds:6.1f} s  {outcome.status}", flush=True),
    )
    _report(outcomes)
    return 0 if all(outcome.excused for outcome in outcomes) else 1


def _expected(text: str) -> tuple[str, str]:
    check, equals, reason = text.partition("=")
    if not equals or not reason.strip():
        raise UsageError(f"--expect {text}: expected CHECK=REASON, the reason in words")
    return check, reason.strip()


def _report(outcomes: list[Outcome]) -> None:
    rows = [("CHECK", "RESULT", "DETAILS")]
    for outcome in outcomes:
        details = outcome.message.splitlines()[0] if outcome.message else ""
        rows.append((outcome.check, outcome.status, "see below" if outcome.status == "failed" else details))
    print(f"\n{listing(rows, terminal_width())}")
    for outcome in outcomes:
        if outcome.status == "failed":
            lines = [f"\n{outcome.check}: {ensures(outcome.check)}", *outcome.message.splitlines()]
            print("\n  ".join(lines))
    counts = Counter(outcome.status for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    print(f"\n{', '.join(f'{count} {status}' for status, count in counts.items())} in {seconds:.0f} s", flush=True)

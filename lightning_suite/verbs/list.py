"""Shows the installed plugins: name, summary, distribution and version, state."""

from typing import Any

from lightning_suite.arguments import LightParser
from lightning_suite.json_text import json_text
from lightning_suite.plugins import diagnosis, find
from lightning_suite.tables import clip, listing, terminal_width


def run(arguments: list[str]) -> int:
    """Print a row for every plugin, a broken one too, and return 0."""
    parser = LightParser("list", __doc__ or "")
    parser.add_argument("--json", action="store_true", help="print the same as JSON")
    as_json = parser.read(arguments).json
    diagnoses = diagnosis.look(find.installed())
    if as_json:
        print(json_text([_described(result) for result in diagnoses]))
        return 0
    if not diagnoses:
        print("no plugin is installed. A plugin comes with pip; `suite new NAME` writes one")
        return 0
    rows = [("NAME", "SUMMARY", "DISTRIBUTION", "STATE")]
    for result in diagnoses:
        summary = "-" if result.plugin is None else clip(result.plugin.summary, 50)
        origin = result.origin
        rows.append((origin.name, summary, f"{origin.distribution} {origin.version}", result.state))
    print(listing(rows, terminal_width()))
    if any(result.faults for result in diagnoses):
        print("\nsuite doctor   explains what is broken")
    example = next((result for result in diagnoses if not result.faults), diagnoses[0])
    print(f"\nnext: suite info {example.origin.name}")
    return 0


def _described(result: diagnosis.Diagnosis) -> dict[str, Any]:
    origin = result.origin
    return {
        "name": origin.name,
        "summary": result.plugin.summary if result.plugin else None,
        "distribution": origin.distribution,
        "version": origin.version,
        "state": result.state,
        "faults": [{"cause": fault.cause, "repair": fault.repair} for fault in result.faults],
    }

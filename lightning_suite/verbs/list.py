"""Shows the installed plugins: name, summary, distribution and version, state."""

from lightning_suite.arguments import LightParser
from lightning_suite.plugins import diagnosis, find
from lightning_suite.tables import clip, listing, terminal_width


def run(arguments: list[str]) -> int:
    """Print a row for every plugin, a broken one too, and return 0."""
    LightParser("list", __doc__ or "").read(arguments)
    diagnoses = diagnosis.look(find.installed())
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

"""Shows the installed plugins: name, summary, distribution and version, state."""

from lightning_suite.arguments import LightParser
from lightning_suite.plugins import diagnosis
from lightning_suite.tables import clip, listing, terminal_width


def run(arguments: list[str]) -> int:
    """Print a row for every plugin; a broken one is a row as well, and no reason to fail."""
    LightParser("list", __doc__ or "").read(arguments)
    seen = diagnosis.read_all()
    if not seen:
        print("no plugin is installed. A plugin comes with pip; `suite new NAME` writes one")
        return 0
    rows = [("NAME", "SUMMARY", "DISTRIBUTION", "STATE")]
    for one in seen:
        summary = "-" if one.plugin is None else clip(one.plugin.summary, 50)
        rows.append((one.origin.name, summary, f"{one.origin.distribution} {one.origin.version}", one.state))
    print(listing(rows, terminal_width()))
    good = next((one.origin.name for one in seen if not one.faults), None)
    if any(one.faults for one in seen):
        print("\nsuite doctor   explains what is broken")
    print(f"\nnext: suite info {good or seen[0].origin.name}")
    return 0

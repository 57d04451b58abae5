"""Writes what runs were and what came of them, as one HTML page or a model card.

The page holds curves, metrics, pictures, settings with what differs from the recipe, and the commands that repeat the
runs; it fetches nothing. Several runs stand side by side. --format markdown writes a model card for the Hub.
"""

from lightning_suite.arguments import LightParser
from lightning_suite.reporting import FORMATS, report


def run(arguments: list[str]) -> int:
    """Write the report and print where it is; return 0."""
    parser = LightParser("report", __doc__)
    parser.add_argument("runs", metavar="RUN", nargs="+", help="run folders, or checkpoints")
    parser.add_argument("--format", metavar="NAME", default="html", help=f"{' or '.join(FORMATS)} (default: html)")
    parser.add_argument("--output", metavar="FILE", help="default: report.html, in RUN; for several runs here")
    values = parser.read(arguments)
    print(report(*values.runs, format=values.format, output=values.output))
    return 0

"""Writes the tables of the READMEs from benchmarks/results/*.json.

    python -m benchmarks._readme

A table stands between ``<!-- STEM.json -->`` and ``<!-- end -->``; ``tests/test_readme.py`` fails when one is not what
its file says.
"""

import json
import re
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "plugins" / "suite_dsa" / "README.md"]


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def light_verbs(results: dict[str, Any]) -> str:
    """CPU seconds of the light verbs."""
    rows = [
        [f"`{row['command']}`", f"{row['alone']:.2f}", f"{row['with_100_more']:.2f}"] for row in results["cpu_seconds"]
    ]
    return markdown(["command", "CPU s", "with 100 more plugins"], rows)


def dsa_network(results: dict[str, Any]) -> str:
    """CPU seconds of an epoch, packed and padded."""
    rows = [
        [
            lengths,
            f"{medians['packed']:.0f}",
            f"{medians['padded, bucketed']:.0f} ({medians['padded, bucketed'] / medians['packed']:.1f}x)",
            f"{medians['padded']:.0f} ({medians['padded'] / medians['packed']:.1f}x)",
        ]
        for lengths, medians in results["medians"].items()
    ]
    return markdown(["CPU s for 84,500 sentences of", "packed", "padded, length-bucketed", "padded"], rows)


def dsa_accuracy(results: dict[str, Any]) -> str:
    """Test accuracy of the recipes beside the paper's."""
    rows = []
    for case, values in results["cases"].items():
        accuracies = [100 * run["test_accuracy"] for run in values["runs"]]
        spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
        seconds = statistics.median(run["cpu_seconds_per_epoch"] for run in values["runs"])
        each = ", ".join(f"{accuracy:.1f}" for accuracy in accuracies)
        mean = f"**{statistics.mean(accuracies):.1f}** ± {spread:.1f}"
        rows.append([case, mean, each, f"{values['paper']:.1f}", f"{values['runs'][0]['epochs']}", f"{seconds:.0f}"])
    return markdown(["", "test accuracy", "seeds", "paper", "epochs", "CPU s an epoch"], rows)


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "light_verbs": light_verbs,
    "dsa_network": dsa_network,
    "dsa_accuracy": dsa_accuracy,
}


def written(page: str) -> str:
    """A page with every table as its results say."""

    def table(found: re.Match[str]) -> str:
        results = json.loads((ROOT / "benchmarks" / "results" / f"{found[1]}.json").read_text())
        return f"<!-- {found[1]}.json -->\n{TABLES[found[1]](results)}\n<!-- end -->"

    return re.sub(r"<!-- (\w+)\.json -->.*?<!-- end -->", table, page, flags=re.DOTALL)


def main() -> None:
    """Writes the pages."""
    for page in PAGES:
        page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()

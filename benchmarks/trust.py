"""The table of the promises: how often each was tried, and how often it held.

    make trust

runs every program under tests/trust/ at full size, each of which leaves its rows in build/trust/, and then this one,
which prints one table and writes benchmarks/results/trust.json.
"""

import json
from pathlib import Path
from typing import Any

from benchmarks._markdown import markdown
from benchmarks._record import record, recorded

ROWS = Path(__file__).resolve().parent.parent / "build" / "trust"
PROMISES = ["Kill", "Writes", "Signals", "Surroundings", "Untrusted", "Zoo", "Broken", "Fuzz", "Processes", "Frozen"]


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of all test processes, in the order of the table."""
    lines = [line for file in folder.glob("*.jsonl") for line in file.read_text(encoding="utf-8").splitlines()]
    return sorted(map(json.loads, lines), key=lambda row: (PROMISES.index(row["promise"]), row["what"]))


def table(results: dict[str, Any]) -> str:
    """Return each promise with what was tried, how often, and how often it held."""
    rows = [
        [f"**{row['promise']}**: {row['what']}{f' ({note})' if (note := row['note']) else ''}", *_counts(row)]
        for row in results.get("rows", [])
    ]
    return markdown(["what was tried", "times", "held"], rows)


def _counts(row: dict[str, Any]) -> list[str]:
    return [f"{row['trials']:,}", f"{row['held']:,}"]


def main() -> None:
    """Gather the rows, print, write."""
    rows = rows_of(ROWS)
    if rows:
        print(f"written: {record('trust', {'rows': rows})}")
    else:
        print("these rows are of an earlier run; make trust writes new ones")
    print(table(recorded("trust")))


if __name__ == "__main__":
    main()

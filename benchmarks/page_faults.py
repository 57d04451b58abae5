"""CPU seconds, page faults and peak memory of a training of each plugin, by what the allocator does with freed memory.

    python -m benchmarks.page_faults [--tries 3] [--only dsa]

glibc gives large blocks back to the system as soon as they are free, and every page of the next one is then new: the
kernel clears it when it is first written. Four ways: pages of 4 KiB; huge ones of 2 MiB for torch's tensors, which
``suite`` asks for (lightning_suite/huge_pages.py); for all that glibc allocates, which only a variable that is there
before Python starts can ask for; and memory that the process keeps (what mallopt sets from inside, here by the
environment). One thread; each figure is the median of whole commands ``suite fit``, each a process of its own, which
take turns. Prints one table and writes benchmarks/results/page_faults.json.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from typing import Any

from benchmarks._markdown import markdown
from benchmarks._record import record, recorded
from lightning_suite.huge_pages import VARIABLE

SMALL = {VARIABLE: "0"}
WAYS: dict[str, dict[str, str]] = {
    "4 KiB pages": SMALL,
    "huge pages of torch": {VARIABLE: "1"},
    "huge pages of glibc": {**SMALL, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"},
    "memory kept": {**SMALL, "MALLOC_MMAP_THRESHOLD_": f"{1 << 30}", "MALLOC_TRIM_THRESHOLD_": f"{1 << 31}"},
}
FEW_BATCHES = ["--trainer.max_epochs", "1", *(f"--trainer.limit_{part}_batches=5" for part in ("train", "val", "test"))]
TRAININGS = {
    "dsa": FEW_BATCHES,
    "recnn": ["--recipe", "check", "--trainer.max_epochs", "20"],
    "tweets": [*FEW_BATCHES, "--model.samples", "1", "--model.generated", "50"],
    "spectral": ["--data.name", "blobs", "--data.samples", "20000"],
}


def measured(plugin: str, way: str) -> dict[str, float]:
    """Return user and system seconds, thousands of page faults and peak MB of one training."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    with tempfile.TemporaryDirectory() as runs:
        words = ["-m", "lightning_suite", "--quiet", "fit", "--plugin", plugin, *TRAININGS[plugin], "--runs", runs]
        process = subprocess.Popen(
            [sys.executable, *words],
            env={**environment, "OMP_NUM_THREADS": "1", **WAYS[way]},
            stdout=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"page_faults: suite fit --plugin {plugin} ended with {process.returncode}")
    return {
        "user": used.ru_utime,
        "system": used.ru_stime,
        "thousand faults": used.ru_minflt / 1e3,
        "peak MB": used.ru_maxrss / 1e3,
    }


def medians(plugin: str, tries: int) -> dict[str, dict[str, float]]:
    """Return the median of each figure, by way; the ways take turns."""
    measured(plugin, "4 KiB pages")  # caches of files and data are then as full for the first as for the last
    every = [{way: measured(plugin, way) for way in WAYS} for _ in range(tries)]
    return {
        way: {figure: round(statistics.median(each[way][figure] for each in every), 2) for figure in every[0][way]}
        for way in WAYS
    }


def table(results: dict[str, Any]) -> str:
    """Return CPU seconds, page faults and peak memory by plugin and way."""
    rows = []
    for plugin, ways in results["trainings"].items():
        before = ways["4 KiB pages"]["user"] + ways["4 KiB pages"]["system"]
        for way, of in ways.items():
            total = of["user"] + of["system"]
            rows.append(
                [
                    plugin if way == "4 KiB pages" else "",
                    way,
                    f"{total:.1f} ({total / before:.2f})",
                    f"{of['system']:.1f}",
                    f"{of['thousand faults']:.0f}",
                    f"{of['peak MB']:.0f}",
                ]
            )
    return markdown(["training", "memory", "CPU s", "of the system", "thousand page faults", "peak MB"], rows)


def main() -> None:
    """Measure the trainings that are asked for, and print the table of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--only", choices=TRAININGS)
    chosen = parser.parse_args()
    before = recorded("page_faults").get("trainings", {}) if chosen.only else {}
    found = {plugin: medians(plugin, chosen.tries) for plugin in TRAININGS if chosen.only in (None, plugin)}
    results = {
        "options": {plugin: " ".join(words) for plugin, words in TRAININGS.items()},
        "trainings": {plugin: each for plugin in TRAININGS if (each := (before | found).get(plugin))},
    }
    record("page_faults", results)
    print(table(results))


if __name__ == "__main__":
    main()

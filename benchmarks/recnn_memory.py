"""Peak memory of training on more and more jets, and jets a CPU second with trees in memory and read from the cache.

    python -m benchmarks.recnn_memory --data FOLDER [--work FOLDER] [--jets 30000 60000 120000 1200000]

FOLDER holds w_*.parquet and qcd_*.parquet, whose jets are copied, with other event numbers, until there are so many.
``suite fit`` then clusters them and trains, and a second call trains on the stored trees; the operating system says
their peak resident memory. 1,200,000 jets are trained on for a whole epoch, with validation and test; the others for
some batches. Training steps with trees in memory and with trees in the cache take turns in one process; batches alone
are also read after the system has dropped the files from its cache. Takes 8 GB of disk for 1.2 million jets. Prints
one table and writes benchmarks/results/recnn_memory.json, where numbers of jets that are not measured again stay.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from benchmarks._markdown import markdown
from benchmarks._record import record, recorded
from benchmarks.recnn_step import stepper
from suite_recnn.data import JetData
from suite_recnn.forests import ForestData

CLASSES = ("w", "qcd")
ROWS = 10_000  # of a row group, as generated files have
TURNS = 7
SECONDS = 1.0  # of each turn
COMPARED = 120_000  # jets of which both forms fit into memory
LARGEST = 1_200_000  # jets, trained on for a whole epoch
LIMITS = [
    f"--trainer.limit_{stage}_batches={number}" for stage, number in {"train": 300, "val": 50, "test": 50}.items()
]
MEASURED = """
import json, resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([status, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""
"""Runs a command from a small process: the peak of a child begins with the size of the process that starts it."""


def copied(source: Path, folder: Path, jets: int) -> None:
    """Write so many jets, half of each class, into a folder; every copy of an event has a number of its own."""
    folder.mkdir(parents=True)
    for name in CLASSES:
        table = pa.concat_tables([pq.read_table(file) for file in sorted(source.glob(f"{name}_*.parquet"))])
        place, events = table.column_names.index("event"), table["event"].to_numpy()
        with pq.ParquetWriter(folder / f"{name}_copies.parquet", table.schema, compression="zstd") as writer:
            written, copy = 0, 0
            while written < jets // 2:
                numbers = pa.array(events + copy * 10**9)
                some = table.set_column(place, table.schema.field("event"), numbers).slice(0, jets // 2 - written)
                writer.write_table(some, row_group_size=ROWS)
                written, copy = written + len(some), copy + 1


def fit(folder: Path, work: Path, limits: Sequence[str]) -> dict[str, float]:
    """Return seconds and peak resident memory in MiB of ``suite fit``."""
    words = [
        *("fit", "--plugin", "recnn", "--data.path", str(folder), "--data.cache", str(work / "cache")),
        *("--data.memory", "0", "--trainer.max_epochs", "1", "--trainer.enable_progress_bar", "false"),
        *("--runs", str(work / "runs"), *limits),
    ]
    begin = time.perf_counter()
    answer = subprocess.run(
        [sys.executable, "-c", MEASURED, sys.executable, "-m", "lightning_suite", *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    status, seconds, kib = json.loads(answer.stdout)
    if status:
        raise SystemExit(f"suite {' '.join(words)} ended with {status}")
    wall = time.perf_counter() - begin
    return {"cpu_seconds": round(seconds, 1), "wall_seconds": round(wall, 1), "peak_mib": round(kib / 1024)}


def training_jets(folder: Path, work: Path, memory: float) -> ForestData:
    """Return the training jets with their trees in memory or in the cache."""
    data = JetData(str(folder), cache=str(work / "cache"), memory=memory)
    data.prepare_data()
    data.setup("fit")
    return data._sets["train"]


def rates(held: ForestData, stored: ForestData) -> dict[str, Any]:
    """Return jets a CPU second of training with trees in memory and in the cache, in turns, and of reading alone."""
    steps = {"memory": stepper("recnn", held, 64), "cache": stepper("recnn", stored, 64)}
    measured: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(TURNS + 1):
        for name, step in steps.items():
            count, begin = 0, time.process_time()
            while (spent := time.process_time() - begin) < SECONDS:
                step()
                count += 1
            if turn:  # the first warms up
                measured[name].append(count * 64 / spent)
    return {
        "training": {name: round(float(np.median(values))) for name, values in measured.items()},
        "training_turns": {name: [round(value) for value in values] for name, values in measured.items()},
        "batches": {name: round(batches(data)) for name, data in {"memory": held, "cache": stored}.items()},
    }


def batches(data: ForestData, number: int = 500) -> float:
    """Return jets a CPU second of making batches alone."""
    order = np.random.default_rng(0).permutation(len(data))[: min(number, len(data) // 64) * 64].reshape(-1, 64)
    begin = time.process_time()
    for some in order:
        data.batch(some)  # type: ignore[arg-type]
    return order.size / (time.process_time() - begin)


def cold(data: ForestData, cache: Path, number: int = 300) -> float:
    """Return jets a second of wall time of making batches whose trees are on disk alone."""
    for file in cache.rglob("*.npy"):
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    order = np.random.default_rng(1).permutation(len(data))[: min(number, len(data) // 64) * 64].reshape(-1, 64)
    begin = time.perf_counter()
    for some in order:
        data.batch(some)  # type: ignore[arg-type]
    return order.size / (time.perf_counter() - begin)


def table(results: dict[str, Any]) -> str:
    """Return the peak memory of each number of jets."""
    rows = [
        [
            f"{int(jets):,}" + (" (a whole epoch)" if one["whole_epoch"] else ""),
            f"{one['trees_gib']:.2f} GiB",
            f"{one['first']['peak_mib']:,} MiB",
            f"{one['again']['peak_mib']:,} MiB" if "again" in one else "",
        ]
        for jets, one in results["sizes"].items()
    ]
    return markdown(["jets", "trees on disk", "peak, clustering and training", "peak, training on stored trees"], rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=None)
    parser.add_argument("--jets", type=int, nargs="+", default=[30_000, 60_000, COMPARED, LARGEST])
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {"sizes": {}} | recorded("recnn_memory")
    results["what"] = "suite fit --data.memory 0, recnn of 70 hidden, batches of 64, 1 thread; copies of W and QCD jets"
    for jets in chosen.jets:
        with tempfile.TemporaryDirectory(dir=chosen.work) as name:
            work = Path(name)
            folder = work / "jets"
            copied(chosen.data, folder, jets)
            whole = jets == LARGEST
            first = fit(folder, work, LIMITS)
            size = sum(file.stat().st_size for file in (work / "cache").rglob("*.npy"))
            one = {"trees_gib": round(size / 2**30, 3), "first": first, "whole_epoch": whole}
            results["sizes"][str(jets)] = one
            record("recnn_memory", results)
            one["again"] = fit(folder, work, [] if whole else LIMITS)
            if jets == COMPARED:
                stored = training_jets(folder, work, 0.0)
                results["jets_per_second"] = rates(training_jets(folder, work, 100.0), stored)
            if whole:
                results["cold_jets_per_second"] = round(cold(training_jets(folder, work, 0.0), work / "cache"))
            record("recnn_memory", results)
            print(table(results), flush=True)
    print(results.get("jets_per_second"), results.get("cold_jets_per_second"))


if __name__ == "__main__":
    main()

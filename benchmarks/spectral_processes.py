"""One clustering over several processes: the same labels, how much work and memory each of them has.

    python -m benchmarks.spectral_processes [--data circles] [--route landmarks] [--points 1000000] [--processes 1,2,4]

Two circles in the plane or five blobs in ten dimensions, as in spectral_million, in an .npy file, clustered by
`suite fit` with that many processes of one thread each (gloo), as torchrun starts them; 500 landmarks, or 10
neighbours. `suite fit` reads the file, clusters, looks at all points again twice (validation and, in process 0 alone,
test) and draws pictures.

CPU seconds and the peak of the memory are those that the system reports of each whole process when it ends: imports and
the pages of the mapped file are among them. A busy machine makes times of the clock long, so that work per process is
what is compared: a speed-up is the CPU seconds of one process over those of the busiest of several, and would be that
of the clock on a machine with a free core for each. Beside them stands the same of 1,000 points, which is what starting
costs. Labels are compared by their hash. Prints a table and writes benchmarks/results/spectral_processes.json, where
the exact route's cases stand apart, with the machine that they were measured on.
"""

import argparse
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._markdown import markdown
from benchmarks._record import record, recorded
from benchmarks._spectral import THREADS, Example, example, scores
from lightning_suite.run import machine, versions

LANDMARKS, NEIGHBOURS, FEW, BATCH = 500, 10, 1000, 65536
SIZES = {"few": FEW, "many": 1_000_000, "most": 10_000_000}
"""Points by which the model is made, and checked."""


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def fitted(data: Example, folder: Path, route: str, size: int) -> dict[str, Any]:
    """Cluster a file in a folder with so many processes; return seconds, MiB and a hash of the labels."""
    import torch

    file = folder.parent / "points.npy"
    options = ["--trainer.accelerator=cpu", f"--model.n_clusters={data.n_clusters}", f"--model.landmarks={LANDMARKS}"]
    options += [f"--model.route={route}", f"--model.n_neighbors={NEIGHBOURS}", f"--data.batch_size={BATCH}"]
    options += [f"--trainer.devices={size}", f"--trainer.strategy={'ddp' if size > 1 else 'auto'}"]
    command = [sys.executable, "-m", "lightning_suite", "fit", "--plugin=spectral", f"--data.path={file}", *options]
    environment = os.environ | THREADS
    if size > 1:
        environment |= {"WORLD_SIZE": f"{size}", "NODE_RANK": "0"}
        environment |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": f"{free_port()}"}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    begun, started = time.monotonic(), []
    for rank in range(size):
        log = (folder / f"process{rank}.txt").open("w")
        own = environment | ({"LOCAL_RANK": f"{rank}"} if size > 1 else {})
        started.append(subprocess.Popen(command, cwd=folder, env=own, stdout=log, stderr=log))
    ends = [os.wait4(process.pid, 0) for process in started]
    if any(status for _, status, _ in ends):
        sys.exit("\n".join(["it failed", *(log.read_text()[-2000:] for log in sorted(folder.glob("*.txt")))]))
    (run,) = folder.glob("runs/*/*")
    labels = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]["network.labels"].numpy()
    return {
        "cpu_seconds": [round(usage.ru_utime + usage.ru_stime, 2) for _, _, usage in ends],
        "mib": [round(usage.ru_maxrss / 1024) for _, _, usage in ends],
        "wall_seconds": round(time.monotonic() - begun, 1),
        "load": round(os.getloadavg()[0], 1),
        "labels": hashlib.sha256(labels.tobytes()).hexdigest()[:16],
        "ari": scores(labels, data.truth)["ari"],
    }


def table(results: dict[str, Any]) -> str:
    """Return work and memory of each number of processes."""
    rows = []
    for name, sizes in results["cases"].items():
        alone = sizes.get("1")
        for size, found in sorted(sizes.items(), key=lambda item: int(item[0])):
            seconds, mib = max(found["cpu_seconds"]), max(found["mib"])
            faster, less = (
                ("", "")
                if alone is None or size == "1"
                else (
                    f" ({max(alone['cpu_seconds']) / seconds:.2f}x)",
                    f" ({mib / max(alone['mib']):.0%})",
                )
            )
            same = "" if alone is None else "yes" if found["labels"] == alone["labels"] else "no"
            cells = [name, size, f"{seconds:.0f} s{faster}", f"{mib:,} MiB{less}", f"{sum(found['mib']):,} MiB"]
            rows.append([*cells, f"{found['wall_seconds']:.0f} s (load {found['load']})", same, f"{found['ari']:.4f}"])
    columns = ["points", "processes", "CPU of the busiest", "memory of the largest", "of all", "clock"]
    return markdown([*columns, "labels of one process", "ARI"], rows)


def table_exact(results: dict[str, Any]) -> str:
    """Return the same of the exact route."""
    return table(results["exact"])


def table_model(results: dict[str, Any]) -> str:
    """Return the model's numbers, what it expects beside what was measured, and of a hundred million points."""
    cases = {size: results["cases"][f"circles {n:,}, landmarks"] for size, n in SIZES.items()}
    rows = []
    for kind, unit in (("cpu_seconds", "s"), ("mib", "MiB")):
        started = float(np.mean([value for found in cases["few"].values() for value in found[kind]]))
        alone, (first, other) = cases["most"]["1"][kind][0], cases["most"]["2"][kind]
        own = 2 * (alone - first) / SIZES["most"]  # the three numbers: a, c and b
        test = (first - other) / SIZES["most"]
        every = (other - started) / SIZES["most"] - own / 2

        def expected(n: int, size: int, tests: bool) -> float:
            return started + (own / size + every + test * tests) * n  # noqa: B023  # called at once

        numbers = (
            f"t {started:.3g} {unit}, for a million points a {own * 1e6:.3g}, b {every * 1e6:.3g}, c {test * 1e6:.3g}"
        )
        rows.append([kind.replace("_", " ").replace("mib", "memory"), numbers, "", ""])
        for size, found in sorted(cases["many"].items(), key=lambda item: int(item[0])):
            process0 = f"{expected(SIZES['many'], int(size), True):.0f} ({found[kind][0]:.0f}) {unit}"
            others = ""
            if size != "1":
                others = f"{expected(SIZES['many'], int(size), False):.0f} ({max(found[kind][1:]):.0f}) {unit}"
            rows.append([f"{SIZES['many']:,} points, processes: {size}", "", process0, others])
        estimates = [f"{expected(10**8, 64, tests):,.0f} {unit}, estimated" for tests in (True, False)]
        rows.append(["100,000,000 points, 64 processes", "", *estimates])
    return markdown(["", "numbers", "process 0, expected (measured)", "another, expected (most measured)"], rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", default="circles", choices=["circles", "blobs"])
    parser.add_argument("--route", default="landmarks", choices=["landmarks", "exact"])
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--processes", default="1,2,4")
    chosen = parser.parse_args()
    results = {**recorded("spectral_processes")}
    exact = chosen.route == "exact"
    cases = (results.get("exact", {}) if exact else results).get("cases", {})
    for n in (FEW, chosen.points):
        name, data = f"{chosen.data} {n:,}, {chosen.route}", example(f"{chosen.data} {n}")
        with tempfile.TemporaryDirectory() as folder:
            np.save(Path(folder) / "points.npy", data.content)
            for size in chosen.processes.split(","):
                cases.setdefault(name, {})[size] = fitted(data, Path(folder) / size, chosen.route, int(size))
                print(f"{name}, {size}: {cases[name][size]}", flush=True)
                here = {"machine": machine(), "versions": versions(), "cases": cases}
                counts = {"landmarks": LANDMARKS, "neighbours": NEIGHBOURS}
                record("spectral_processes", results | counts | ({"exact": here} if exact else here))
    print(table({"cases": cases}))


if __name__ == "__main__":
    main()

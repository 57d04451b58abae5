"""What the benchmarks of the plugin spectral share: real data, one thread, CPU seconds, peaks of memory, scores.

The data are those of ../shared/data/spectral and scikit-learn's own. Every measurement runs in a process with
one thread for each library; a peak is the growth of its memory after its imports and a small problem that loads the
rest.
"""

import argparse
import csv
import ctypes
import gc
import gzip
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "spectral"
PACKAGES = ("scikit-learn", "scipy", "pyamg", "faiss-cpu", "threadpoolctl")
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
LONG = 10.0
"""A step that takes more CPU seconds is measured once."""
ENOUGH = 1.0
"""CPU seconds of a turn, beside which the steps of the clock, up to 10 ms, are nothing."""
MOST_CALLS = 250
"""Of a step in a turn: no step here takes less than 4 ms, whatever the clock says of one call."""
TURNS = 3


class Example(NamedTuple):
    """Data to cluster, and the true classes.

    Attributes:
        content: points (point, dim) float64; pixels (pixel, 2 + channel), positions and channels; texts; or the
            weights of a graph, scipy csr.
        truth: (point,) int64, from 0; -1 where the class is unknown, which is not scored. Of an image (human, pixel).
    """

    content: Any
    truth: NDArray[np.int64]

    @property
    def n_clusters(self) -> int:
        """The number of classes; of an image the median over the humans."""
        return int(np.median([len(np.unique(each[each >= 0])) for each in np.atleast_2d(self.truth)]))


def example(name: str) -> Example:
    """Return data by name: a file of the folder, a shape of Gagolewski's, scikit-learn's, or such as `circles 5000`.

    Raises:
        SystemExit: the folder is not there.
    """
    from sklearn import datasets

    kind, _, number = name.partition(" ")
    if hasattr(datasets, f"load_{name}"):
        result = getattr(datasets, f"load_{name}")()
        return Example(result.data.astype(np.float64), result.target.astype(np.int64))
    if number.isdigit():
        n = int(number)
        if kind == "circles":
            points, truth = datasets.make_circles(n, noise=0.05, factor=0.5, random_state=0)
        elif kind == "moons":
            points, truth = datasets.make_moons(n, noise=0.05, random_state=0)
        else:
            # Wide enough that the graphs of up to a million points are connected.
            points, truth = datasets.make_blobs(n, n_features=10, centers=5, cluster_std=2.0, random_state=0)
        return Example(points, truth.astype(np.int64))
    if not FOLDER.is_dir():
        sys.exit(f"{name} is among the shared data, {FOLDER}, which does not exist")
    if name == "AG news":
        with gzip.open(FOLDER / "ag_news_test.csv.gz", "rt", encoding="utf-8") as lines:
            rows = list(csv.reader(lines))
        return Example([f"{row[1]} {row[2]}" for row in rows], numbered([row[0] for row in rows]))
    if name == "Reuters R8":
        with gzip.open(FOLDER / "reuters_r8.tsv.gz", "rt", encoding="utf-8") as lines:
            rows = [line.rstrip("\n").split("\t", 1) for line in lines]
        return Example([row[1] for row in rows], numbered([row[0] for row in rows]))
    if (FOLDER / "bsds" / f"{name}.jpg").is_file():
        return image(FOLDER / "bsds" / f"{name}.jpg")
    if (FOLDER / f"{name}.npz").is_file():
        arrays = np.load(FOLDER / f"{name}.npz")
        if "edges" in arrays:
            return Example(network(arrays["edges"], len(arrays["y"])), numbered(arrays["y"]))
        return Example(arrays["X"].astype(np.float64), numbered(arrays["y"]))
    shapes = np.load(FOLDER / "shapes_gagolewski.npz")
    # In these sets 0 is noise.
    return Example(shapes[f"{name}_X"].astype(np.float64), shapes[f"{name}_y"].astype(np.int64) - 1)


def image(file: Path) -> Example:
    """Return an image of the Berkeley segmentation data, with the segments that humans drew."""
    import scipy.io

    from suite_spectral.sources.images import read_image

    humans = scipy.io.loadmat(file.with_suffix(".mat"))["groundTruth"][0]
    truth = np.stack([numbered(human[0, 0]["Segmentation"].ravel()) for human in humans])
    return Example(read_image(file, file.read_bytes())[0], truth)


def numbered(classes: Any) -> NDArray[np.int64]:
    """Return classes as numbers from 0."""
    return np.unique(classes, return_inverse=True)[1].astype(np.int64).ravel()


def network(edges: NDArray[np.int16], n: int) -> Any:
    """Return the weights of an undirected graph, scipy csr, from (edge, 2) pairs, or (edge, 3) with the weight."""
    import scipy.sparse

    weights = edges[:, 2].astype(np.float64) if edges.shape[1] == 3 else np.ones(len(edges))
    ends = edges[:, :2].astype(np.int64)
    half = scipy.sparse.coo_array((weights, (ends[:, 0], ends[:, 1])), shape=(n, n)).tocsr()
    whole = half.maximum(half.T).tocsr()
    whole.indices, whole.indptr = whole.indices.astype(np.int32), whole.indptr.astype(np.int32)  # as scikit-learn asks
    return whole


def scores(labels: Any, truth: NDArray[np.int64]) -> dict[str, float]:
    """Return ARI and NMI of clusters, (point,), over points of known class; of an image the mean over the humans."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    pairs = [(each[each >= 0], np.asarray(labels)[each >= 0]) for each in np.atleast_2d(truth)]
    return {
        "ari": float(np.mean([adjusted_rand_score(*pair) for pair in pairs])),
        "nmi": float(np.mean([normalized_mutual_info_score(*pair) for pair in pairs])),
    }


class Spent(NamedTuple):
    """The result of a step, its CPU seconds, and the growth of the process's memory in MiB."""

    result: Any
    seconds: float
    mib: float


def spent(step: Callable[[], Any]) -> Spent:
    """Run a step once and return its cost; the peak is exact on Linux, elsewhere in a new process."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)  # what was freed before would be taken again without the process growing
        Path("/proc/self/clear_refs").write_text("5")
    before = _peak()
    begin = time.process_time()
    result = step()
    return Spent(result, time.process_time() - begin, _peak() - before)


def _peak() -> float:
    status = Path("/proc/self/status")
    if status.is_file():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if "VmHWM" in line) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def medians(steps: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return median CPU seconds of each step: of three turns, in each of which a step is repeated until it has taken
    ``ENOUGH``; before, each was taken once."""
    calls = {}
    for name, step in steps.items():
        step()
        calls[name] = math.ceil(ENOUGH / max(_seconds(step, 1), ENOUGH / MOST_CALLS))
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(TURNS):
        for name, step in steps.items():
            seconds[name].append(_seconds(step, calls[name]))
    return {name: statistics.median(each) for name, each in seconds.items()}


def _seconds(step: Callable[[], Any], calls: int) -> float:
    begin = time.process_time()
    for _ in range(calls):
        step()
    return (time.process_time() - begin) / calls


def cell(result: Any, unit: float | None = None) -> str:
    """Return CPU seconds, their ratio to the unit, and MiB; or the limit that was exceeded."""
    if isinstance(result, str):
        return result
    seconds = result["seconds"]
    digits = 3 if seconds < 0.1 else 2 if seconds < 10 else 0
    times = "" if unit is None else f" ({seconds / unit:.{1 if seconds / unit >= 0.95 else 2}f}x)"
    return f"{seconds:.{digits}f} s{times}, {result['mib']:.0f} MiB"


def alone(module: str, options: Sequence[str], *, seconds: int = 600, gib: float = 8.0) -> Any:
    """Run `python -m module` with some options in its own process and return its last line, which is JSON.

    Where it takes more CPU seconds or GiB it is ended, and the result is a string that says so.
    """

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_DATA, (int(gib * 2**30),) * 2)

    environment = os.environ | THREADS
    command = [sys.executable, "-m", module, *options]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, preexec_fn=bounded)
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    if done.returncode in (-24, -9):  # SIGXCPU, SIGKILL
        return f"> {seconds} s"
    if any(word in done.stderr for word in ("MemoryError", "bad_alloc", "can't allocate memory", "SIGSEGV")):
        return f"> {gib:g} GiB"
    sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")


def each_measured(
    stem: str, names: Sequence[str], measure: Callable[[str], dict[str, Any]], description: str | None, **fixed: Any
) -> dict[str, Any]:
    """Return what was measured of each set, recorded after each of them; ``--only`` keeps the others as they were.

    Args:
        stem: of the file of results.
        names: of all sets, in the order of the table.
        measure: returns what is recorded of a set.
        description: what ``--help`` says.
        fixed: what is recorded beside the cases.
    """
    from benchmarks._record import recorded

    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--only", help="of the sets, with commas; the others stay as they were")
    chosen = parser.parse_args()
    cases = recorded(stem).get("cases", {}) if chosen.only else {}
    return each_recorded(stem, names, chosen.only, measure, cases, **fixed)


def each_recorded(
    stem: str,
    names: Sequence[str],
    only: str | None,
    measure: Callable[[str], dict[str, Any]],
    cases: dict[str, Any],
    **fixed: Any,
) -> dict[str, Any]:
    """Return what was measured of each set, recorded after each of them.

    Args:
        stem: of the file of results.
        names: of all sets, in the order of the table.
        only: of the sets that are measured, with commas; None: all.
        measure: returns what is recorded of a set.
        cases: what the others stay as.
        fixed: what is recorded beside the cases.
    """
    for name in only.split(",") if only else names:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cases[name] = measure(name)
        print(f"{name}: {cases[name]}", flush=True)
        cases = {each: cases[each] for each in names if each in cases}
        keep(stem, {**fixed, "cases": cases})
    return cases


def keep(stem: str, values: dict[str, Any]) -> None:
    """Write the results of a benchmark, with the versions of the packages that it compares."""
    import torch

    from benchmarks._record import record

    torch.set_num_threads(1)  # as it was where they were measured
    record(stem, {"packages": {name: version(name) for name in PACKAGES}, **values})

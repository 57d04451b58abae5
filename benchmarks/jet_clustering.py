"""Jets clustered again in a CPU second by suite_recnn.clustering, and by FastJet through both of its interfaces.

    python -m benchmarks.jet_clustering

Simulated top jets where ../shared/data/jets is, otherwise random ones of as many constituents; Cambridge/Aachen, kt and
anti-kt, no radius, one thread, CPU seconds. The forms take turns, and give the same trees, which is asserted first of
some jets.

Two of FastJet's forms stop at the root: "roots" is clustering and inclusive_jets. The others hand over what a network
needs. Through awkward that is the momenta of all nodes and the order of their merging, from which children would still
have to be found; through SWIG it is the walk from each node to its two parents.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward
import fastjet
import numpy as np
import pyarrow.parquet
from numpy.typing import NDArray

from benchmarks._markdown import rates_table
from benchmarks._record import record
from benchmarks._timing import median_seconds
from suite_recnn.clustering import Algorithm, cluster

JETS, TURNS = 1000, 7
FASTJET: dict[Algorithm, int] = {
    "cambridge-aachen": fastjet.cambridge_algorithm,
    "kt": fastjet.kt_algorithm,
    "anti-kt": fastjet.antikt_algorithm,
}
FILES = sorted((Path(__file__).resolve().parents[2] / "shared" / "data" / "jets").glob("top_*.parquet"))


def simulated() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return momenta and offsets of the first top jets."""
    batch = next(pyarrow.parquet.ParquetFile(FILES[0]).iter_batches(JETS, columns=["constituents"]))["constituents"]
    flat = batch.flatten()
    momenta = np.stack([flat.field(axis) for axis in ("px", "py", "pz", "E")], axis=1).astype(np.float64)
    return momenta, np.cumsum([0, *batch.value_lengths().to_numpy()])


def random() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return momenta and offsets of jets whose constituents are close to their axes."""
    generator = np.random.default_rng(0)
    offsets = np.cumsum([0, *generator.normal(74, 18, JETS).clip(3).astype(int)])
    y, phi = generator.normal(0, 0.2, (2, offsets[-1]))
    pt = generator.exponential(8, offsets[-1])
    return pt[:, None] * np.stack([np.cos(phi), np.sin(phi), np.sinh(y), np.cosh(y)], axis=1), offsets


def awkward_sequence(events: Any, definition: Any) -> Any:
    return fastjet.ClusterSequence(events, definition)


def with_history(sequence: Any) -> Any:
    return sequence.inclusive_jets(), sequence.jets(), sequence.unique_history_order()


def by_swig(jets: list[NDArray[np.float64]], definition: Any) -> list[Any]:
    """Return the sequence and the root of each jet."""
    sequences = []
    for jet in jets:
        particles = []
        for index, (px, py, pz, energy) in enumerate(jet.tolist()):
            particles.append(fastjet.PseudoJet(px, py, pz, energy))
            particles[-1].set_user_index(index)
        sequence = fastjet.ClusterSequence(particles, definition)
        sequences.append((sequence, sequence.inclusive_jets()))
    return sequences


def walked(sequences: list[Any]) -> list[set[frozenset[int]]]:
    """Return the constituents below each node of each tree."""

    def walk(jet: Any, sets: set[frozenset[int]]) -> frozenset[int]:
        one, other = fastjet.PseudoJet(), fastjet.PseudoJet()
        whole = walk(one, sets) | walk(other, sets) if jet.has_parents(one, other) else frozenset([jet.user_index()])
        sets.add(whole)
        return whole

    trees = []
    for _, roots in sequences:
        trees.append(set[frozenset[int]]())
        for root in roots:
            walk(root, trees[-1])
    return trees


def sets_of(children: NDArray[np.int32]) -> set[frozenset[int]]:
    below: list[frozenset[int]] = []
    for index, (left, right) in enumerate(children.tolist()):
        below.append(frozenset([index]) if left < 0 else below[left] | below[right])
    return set(below)


def measure(momenta: NDArray[np.float64], offsets: NDArray[np.int64], algorithm: Algorithm) -> dict[str, int]:
    """Return jets a CPU second of every form."""
    definition = fastjet.JetDefinition(FASTJET[algorithm], 1000.0)
    jets = np.split(momenta, offsets[1:-1])
    columns = {name: momenta[:, axis] for axis, name in enumerate(("px", "py", "pz", "E"))}
    events = awkward.unflatten(awkward.zip(columns, with_name="Momentum4D"), np.diff(offsets))
    few = jets[: JETS // 10]
    trees = cluster(momenta, offsets, algorithm)
    for jet, expected in enumerate(walked(by_swig(few, definition))):
        assert sets_of(trees.children[trees.offsets[jet] : trees.offsets[jet + 1]]) == expected, (algorithm, jet)
    shares = {
        "suite_recnn": 1,
        "FastJet, awkward, roots": 1,
        "FastJet, awkward, nodes": 1,
        "FastJet, SWIG, roots": 10,
        "FastJet, SWIG, nodes": 10,
    }
    forms: list[Callable[[], Any]] = [
        lambda: cluster(momenta, offsets, algorithm),
        lambda: awkward_sequence(events, definition).inclusive_jets(),
        lambda: with_history(awkward_sequence(events, definition)),
        lambda: by_swig(few, definition),
        lambda: walked(by_swig(few, definition)),
    ]
    print(f"measuring {algorithm}", flush=True)
    seconds = median_seconds(dict(zip(shares, forms, strict=True)), TURNS)
    return {name: round(len(jets) / share / seconds[name]) for name, share in shares.items()}


def table(results: dict[str, Any]) -> str:
    """Return jets a CPU second, and how many times those of each form ours clusters."""
    return rates_table("jets a CPU second", results["jets_per_second"], "suite_recnn")


def main() -> None:
    momenta, offsets = simulated() if FILES else random()
    kind = "simulated top" if FILES else "random"
    results = {
        "what": f"{kind} jets a CPU second, 1 thread, {len(momenta) / (len(offsets) - 1):.0f} constituents on average",
        "turns": TURNS,
        "jets_per_second": {algorithm: measure(momenta, offsets, algorithm) for algorithm in FASTJET},
    }
    record("jet_clustering", results)
    print(results["what"], table(results), sep="\n")


if __name__ == "__main__":
    main()

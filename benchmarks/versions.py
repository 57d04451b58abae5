"""Milliseconds of the ops and of training steps in another version of the package and in this one, in one run.

    python -m benchmarks.versions --before CHECKOUT [--data FOLDER]

CHECKOUT is a folder with the other version, built in place (``pip install -e`` or ``python setup.py build_ext
--inplace``). Each version has a process of its own and the two take turns, call by call, on one thread, in CPU time.
malloc keeps freed pages, so that no result costs page faults. Both are given the same tensors, and what they give is
asserted to be equal first. A step is one of ``suite fit`` on jets of FOLDER (for top-qcd) or on sentences of SST's
lengths with random words (for sst2), of the same network; what Lightning, the data and the optimizer take is in it.
Prints one table and writes benchmarks/results/versions.json.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, final

import torch

from benchmarks._dsa_routing_variants import batch, lengths_of
from benchmarks._markdown import markdown
from benchmarks._record import record
from benchmarks.dsa_network import BATCH, phrase_lengths
from benchmarks.dsa_routing import ALLOCATORS, SENTENCES, SHAPES
from benchmarks.tree_embedding import BATCHES, HIDDEN, JETS, random_trees, trees_of_jets
from suite_dsa.dropout import SLOPE

WORKER = Path(__file__).with_name("_versions_worker.py")
TURNS = 15
STEP_TURNS = 5
ONE_THREAD = {"OMP_NUM_THREADS": "1", "LIGHTNING_SUITE_REQUIRE_OPS": "1"}
ROOT = Path(__file__).resolve().parents[1]


def cases() -> dict[str, dict[str, Any]]:
    """Return the tensors of every case by its name."""
    torch.manual_seed(0)
    made: dict[str, dict[str, Any]] = {}
    for shape, sizes in SHAPES.items():
        x, offsets, gradient = batch(lengths_of(SENTENCES), *sizes)
        common = {"op": "dsa_routing", "x": x, "offsets": offsets, "gradient": gradient}
        made[f"dsa_routing, {shape}"] = common | {"slope": 1.0}
        made[f"LeakyReLU and dsa_routing, {shape}"] = common | {"slope": SLOPE}
    shapes = {
        "tree_embedding": [(HIDDEN, 3 * HIDDEN)],
        "gated_tree_embedding": [(3 * HIDDEN, 3 * HIDDEN), (HIDDEN, 3 * HIDDEN), (4 * HIDDEN, 4 * HIDDEN)],
    }
    for op, of_op in shapes.items():
        for trees in BATCHES:
            forest = trees_of_jets(trees) if JETS.is_dir() else random_trees(trees)
            both = [
                size for rows, columns in [(HIDDEN, forest.x.shape[1]), *of_op] for size in ((rows, columns), (rows,))
            ]
            weights = [torch.randn(size) * size[-1] ** -0.5 for size in both]
            gradient = torch.randn(len(forest.x), HIDDEN)
            made[f"{op}, {trees} trees"] = {"op": op, **forest._asdict(), "weights": weights, "gradient": gradient}
    return made


def sentences(folder: Path) -> None:
    """Write sentences of SST's lengths with random words, as SST's files."""
    torch.manual_seed(0)
    drawn = [
        " ".join(f"w{word}" for word in torch.randint(2000, (length,)).tolist())
        for length in phrase_lengths(60 * BATCH)[1]
    ]
    lines = [f"{at % 2} {sentence}\n" for at, sentence in enumerate(drawn)]
    for part, count in {"train": len(lines), "dev": BATCH, "test": BATCH}.items():
        (folder / f"stsa.binary.{part}").write_text("".join(lines[:count]))


@final
class Version:
    """A process with one version of the package.

    Args:
        checkout: folder of the version, built in place.
        tensors: file of the cases.
    """

    def __init__(self, checkout: Path, tensors: Path) -> None:
        path = os.pathsep.join([f"{checkout}", f"{checkout / 'plugins'}"])
        self._process = subprocess.Popen(
            [sys.executable, f"{WORKER}", f"{tensors}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | ONE_THREAD | ALLOCATORS["kept"] | {"PYTHONPATH": path},
            cwd=tensors.parent,
            text=True,
        )

    def ask(self, **what: Any) -> Any:
        """Return the answer to a request; raise RuntimeError if the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(what), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"a version's process ended with status {self._process.wait()}; its message is above")
        return json.loads(answer)


def compared(versions: dict[str, Version], folder: Path) -> None:
    """Raise AssertionError where the versions give other tensors."""
    given = {}
    for name, version in versions.items():
        version.ask(do="check", file=f"{folder / name}")
        given[name] = torch.load(folder / name, weights_only=True)
    before, after = given.values()
    for case, tensors in before.items():
        for one, other in zip(tensors, after[case], strict=True):
            scale = float(one.abs().max())
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4 * scale, msg=f"{case}: {{}}".format)


def turns_of(versions: dict[str, Version], turns: int, **what: Any) -> dict[str, float]:
    """Return the median of what each version answers; they take turns, and the first answer is not counted."""
    answers: dict[str, list[float]] = {name: [] for name in versions}
    for turn in range(turns + 1):
        for name, version in versions.items():
            answer = version.ask(**what)
            if turn:
                answers[name].append(answer if isinstance(answer, float) else answer["ms"])
    return {name: statistics.median(taken) for name, taken in answers.items()}


def measure(before: Path, data: Path) -> dict[str, dict[str, float]]:
    """Return milliseconds before and after by case."""
    measured: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sst, tensors = folder / "sst", folder / "cases"
        sst.mkdir()
        sentences(sst)
        made = cases()
        torch.save(made, tensors)
        versions = {"before": Version(before, tensors), "after": Version(ROOT, tensors)}
        compared(versions, folder)
        for case in made:
            for way in ("forward", "both ways"):
                print(f"{case}, {way}", file=sys.stderr, flush=True)
                asked = {"do": "call", "case": case, "backward": way == "both ways"}
                measured[f"{case}, {way}"] = turns_of(versions, TURNS, **asked)
        for plugin, recipe, path in (("dsa", "sst2", sst), ("recnn", "top-qcd", data)):
            asked = {"do": "step", "plugin": plugin, "recipe": recipe, "data": f"{path}"}
            weights = {name: version.ask(**asked)["weights"] for name, version in versions.items()}
            if len(set(weights.values())) > 1:
                raise RuntimeError(f"the versions train other networks with recipe {recipe}: {weights} weights")
            print(f"a step of {recipe}", file=sys.stderr, flush=True)
            measured[f"a step of {recipe}"] = turns_of(versions, STEP_TURNS, **asked)
    return measured


def table(results: dict[str, Any]) -> str:
    """Return milliseconds before and after, and how many times faster this version is."""
    rows = [
        [case, f"{taken['before']:.2f}", f"{taken['after']:.2f}", f"{taken['before'] / taken['after']:.2f}x"]
        for case, taken in results["milliseconds"].items()
    ]
    return markdown(["CPU ms", "before", "after", "before / after"], rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, metavar="CHECKOUT")
    parser.add_argument("--data", type=Path, default=JETS, metavar="FOLDER")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    said = subprocess.run(
        ["git", "describe", "--always"], cwd=chosen.before, capture_output=True, text=True, check=True
    )
    results = {
        "what": "milliseconds of CPU time, 1 thread, float32; of a step: medians of runs",
        "before": said.stdout.strip(),
        "turns": TURNS,
        "milliseconds": measure(chosen.before.resolve(), chosen.data.resolve()),
    }
    record("versions", results)
    print(results["what"], table(results), sep="\n")


if __name__ == "__main__":
    main()

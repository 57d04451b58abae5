"""Jets a CPU second through a whole training step of the recursive taggers, with the ops and with their references.

    python -m benchmarks.recnn_step [--data FOLDER]

A step cuts a batch from the forest, embeds its trees, classifies, goes back and moves the weights. Both forms take
turns in one process; the reference is what runs where nothing was compiled. FOLDER holds w_*.parquet and qcd_*.parquet;
without it the 300 jets of the recipe ``check`` serve. Prints one table and writes benchmarks/results/recnn_step.json.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch.nn import functional

import suite_recnn
from benchmarks._markdown import markdown
from benchmarks._record import record
from suite_recnn import cells
from suite_recnn.data import JetData
from suite_recnn.forests import ForestData
from suite_recnn.module import JetTagger
from suite_recnn.symmetries import mirrored

OPS = {
    kind: import_module(f"lightning_suite.ops.{op}")
    for kind, op in {"recnn": "tree_embedding", "gated": "gated_tree_embedding"}.items()
}
BATCHES = (64, 256)
TURNS = 9
SECONDS = 0.5  # of each turn


def stepper(kind: Any, data: ForestData, batch_size: int) -> Callable[[], None]:
    """Return one training step of a network of this kind, on other jets at each call."""
    torch.manual_seed(0)
    tagger = JetTagger(network=kind)
    optimizer = torch.optim.AdamW(tagger.parameters(), lr=1e-4)
    generator = np.random.default_rng(0)

    def step() -> None:
        batch = mirrored(data.batch(generator.choice(len(data), batch_size)))  # type: ignore[arg-type]
        loss = functional.binary_cross_entropy_with_logits(tagger(batch), batch.labels)  # type: ignore[arg-type]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def jets_a_second(steps: dict[str, Callable[[], None]], batch_size: int, kind: str) -> dict[str, float]:
    """Return median over the turns, in which the forms follow each other."""
    rates: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(TURNS + 1):
        for name, step in steps.items():
            form = getattr(OPS[kind], op_name(kind) if name == "op" else "reference")
            with patch.object(cells, op_name(kind), form):
                count, begin = 0, time.process_time()
                while (spent := time.process_time() - begin) < SECONDS:
                    step()
                    count += 1
            if turn:  # the first warms up
                rates[name].append(count * batch_size / spent)
    return {name: statistics.median(values) for name, values in rates.items()}


def op_name(kind: str) -> str:
    """Return the name by which `suite_recnn.cells` imports the op."""
    return OPS[kind].__name__.rpartition(".")[2]


def table(results: dict[str, Any]) -> str:
    """Return jets a CPU second through a training step, with the op and with its reference."""
    rows = [
        [
            f"{kind}, batches of {size}",
            f"{rates['op']:,.0f}",
            f"{rates['reference']:,.0f} ({rates['op'] / rates['reference']:.1f}x)",
        ]
        for kind, sizes in results["jets_per_second"].items()
        for size, rates in sizes.items()
    ]
    return markdown(["jets a CPU second, training", "op", "reference"], rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, default=Path(suite_recnn.__file__).parent / "recipes" / "check")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    jets = JetData(str(chosen.data), jets=2000)
    jets.prepare_data()
    jets.setup("fit")
    data = jets.train_dataloader().dataset
    assert isinstance(data, ForestData)
    results = {
        "what": "jets a CPU second through a training step, 1 thread, 7 features, 70 hidden, float32",
        "op": OPS["recnn"].COMPILED.description,
        "jets": len(data),
        "turns": TURNS,
        "jets_per_second": {
            kind: {
                str(size): jets_a_second({name: stepper(kind, data, size) for name in ("op", "reference")}, size, kind)
                for size in BATCHES
            }
            for kind in OPS
        },
    }
    record("recnn_step", results)
    print(results["what"], table(results), sep="\n")


if __name__ == "__main__":
    main()

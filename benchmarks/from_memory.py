"""Calls of ``Run.predict`` with one input each, a CPU second: the module stays loaded, and nothing is written.

    OMP_NUM_THREADS=1 python -m benchmarks.from_memory

dsa has the paper's sizes for single sentences (appendix B), with one head and with the eight of multiple DSA, and
random weights, on which the time does not depend; the others are runs of their recipes ``check``. Prints one table and
writes benchmarks/results/from_memory.json.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import lightning_suite as ls
from benchmarks._markdown import markdown
from benchmarks._record import record
from lightning_suite.run import KEY

CALLS, TURNS = 1000, 3
SENTENCE = "a gorgeous , witty , seductive movie"


def untrained(folder: Path, heads: int) -> ls.Run:
    """Return a run of a sentence classifier with random weights and 20,000 words."""
    from suite_dsa import SentenceClassifier

    words = [f"word{number}" for number in range(20_000)]
    module = SentenceClassifier(heads=heads)
    module.learn_words([" ".join(words), SENTENCE], ["bad", "good"], vectors=None, word_dim=300)
    content: dict[str, Any] = {
        "state_dict": module.state_dict(),
        KEY: {"settings": {"plugin": "dsa", "model": dict(module.hparams)}},
    }
    module.on_save_checkpoint(content)
    torch.save(content, folder / f"{heads}.ckpt")
    return ls.Run.at(folder / f"{heads}.ckpt")


def trained(folder: Path, plugin: str) -> ls.Run:
    """Return a run of one epoch of a plugin's recipe ``check``."""
    quiet = {"max_epochs": 1, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    return ls.fit(plugin, recipe="check", trainer=quiet, runs=folder)


def calls_a_second(run: ls.Run, given: Any) -> list[float]:
    """Return the calls a CPU second of each turn."""
    for _ in range(20):
        run.predict(given)
    rates = []
    for _ in range(TURNS):
        began = time.process_time()
        for _ in range(CALLS):
            run.predict(given)
        rates.append(CALLS / (time.process_time() - began))
    return rates


def table() -> tuple[list[str], list[list[str]]]:
    """Return the columns and rows of the recorded results."""
    from benchmarks._record import recorded

    rates = recorded("from_memory").get("calls_a_cpu_second", {})
    rows = [[name, f"{max(values):,.0f}", f"{min(values):,.0f}"] for name, values in rates.items()]
    return ["one input", "calls a CPU second", "slowest turn"], rows


def main() -> None:
    """Measure, print the table and write the results."""
    torch.set_num_threads(1)
    momenta = np.abs(np.random.default_rng(0).normal(size=(40, 3))) * 20
    jet = np.concatenate([momenta, np.linalg.norm(momenta, axis=1, keepdims=True)], axis=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subjects = {
            "dsa, a sentence of 7 words, one head of 600": (untrained(folder, 1), SENTENCE),
            "dsa, the same, eight heads": (untrained(folder, 8), SENTENCE),
            "recnn, a jet of 40 constituents": (trained(folder, "recnn"), jet),
            "tweets, a text of 6 words": (trained(folder, "tweets"), "the rocket flies to the moon"),
            "spectral, a point": (trained(folder, "spectral"), [0.5, 0.25]),
        }
        rates = {name: calls_a_second(*subject) for name, subject in subjects.items()}
    record("from_memory", {"calls": CALLS, "calls_a_cpu_second": rates})
    print(markdown(*table()))


if __name__ == "__main__":
    main()

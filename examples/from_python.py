"""Train a sentence classifier, predict from memory, and compare runs, by types that a checker knows: mypy --strict.

python examples/from_python.py reviews.csv
"""

import sys
from pathlib import Path

import torch

import lightning_suite as ls
from suite_dsa import DynamicSelfAttention, SentenceEncoder


def accuracies(reviews: Path, seeds: range) -> dict[int, float]:
    """Return the test accuracy of a run for each seed."""
    runs = [ls.fit("dsa", data=reviews, trainer={"max_epochs": 2}, seed=seed) for seed in seeds]
    print(ls.compare_runs(runs))
    return {run.record.seed: run.metrics["test_accuracy"] for run in runs}


def label(run: ls.Run, text: str) -> str:
    """Return the likeliest class of a text."""
    return str(run.predict(text)["label"])


def embedded(words: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    """Return sentence embeddings, (sentence, 600), of words laid end to end, (word, 300)."""
    encoder = SentenceEncoder(attention=DynamicSelfAttention(300, heads=1, head_dim=600))
    vectors: torch.Tensor = encoder(words, offsets)
    return vectors


def main(reviews: Path) -> None:
    """Train with two seeds, and predict with the better one."""
    print(accuracies(reviews, range(2)))
    best = max(ls.runs("runs"), key=lambda run: run.metrics["test_accuracy"])
    print(label(ls.Run.at(best), "a gorgeous, witty, seductive movie"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

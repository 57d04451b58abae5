"""Attention maps of sentences, by one trained encoder or by two beside each other."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from lightning_suite.run import Run
from suite_dsa.studies.trained import chosen_heads, encoder_of


class Row(NamedTuple):
    """What one head makes of a sentence.

    Attributes:
        attention: of which run: dynamic or static, or the name of the run where both are the same.
        head: its number, from 1.
        weights: (word,) adding up to 1.
    """

    attention: str
    head: int
    weights: Tensor


class Map(NamedTuple):
    """A sentence under the eyes of the chosen heads."""

    words: list[str]
    rows: list[Row]

    def weights(self) -> Tensor:
        """Return the weights of all rows, (word, row)."""
        return torch.stack([row.weights for row in self.rows], dim=1)

    def names(self) -> list[str]:
        """Return what the rows are called: by their head, their attention, or both, whatever tells them apart."""
        attentions = [row.attention for row in self.rows]
        if len(set(attentions)) == 1:
            return [f"head {row.head}" for row in self.rows]
        alone = {name for name in attentions if attentions.count(name) == 1}
        return [row.attention if row.attention in alone else f"{row.attention} {row.head}" for row in self.rows]


def maps_of(lines: list[str], runs: Sequence[str], heads: str) -> list[Map]:
    """Return a map of each sentence, with rows for the chosen heads of each run.

    Args:
        lines: the sentences.
        runs: one run, or two.
        heads: numbers from 1 with commas between them, or all. A second run, which may have fewer heads, shows those of
            them that it has, and all its heads if it has none.

    Raises:
        UsageError: a run is of another plugin, the first has no such head, or the runs split sentences differently.
    """
    encoders = [encoder_of(run) for run in runs]
    names = [str(encoder.hparams["attention"]) for encoder in encoders]
    if len(set(names)) < len(runs):
        names = [Run.at(run).folder.name for run in runs]
    if len({encoder.tokenizer for encoder in encoders}) > 1:
        raise UsageError(
            f"the runs split sentences into different words, by --data.tokenizer {encoders[0].tokenizer} and "
            f"{encoders[1].tokenizer}: show them one by one, without --beside"
        )
    found = [Map([], []) for _ in lines]
    for number, (encoder, name) in enumerate(zip(encoders, names, strict=True)):
        for index, (words, weights) in enumerate(encoder.attention(lines)):
            there = weights.shape[1]
            chosen = chosen_heads(heads, there) if number == 0 else _those_of(heads, there)
            rows = [Row(name, head + 1, weights[:, head]) for head in chosen]
            found[index] = Map(words, found[index].rows + rows)
    return found


def _those_of(heads: str, there: int) -> list[int]:
    """Return the chosen heads that a second run has, else all of its heads."""
    wanted = [] if heads.strip() == "all" else [int(head) - 1 for head in heads.split(",")]
    return [head for head in wanted if head < there] or list(range(there))

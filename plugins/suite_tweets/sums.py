"""Sums over all texts and all processes of which a stage's measures are made: loss, perplexity, bits per character."""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn
from torchmetrics import SumMetric

from suite_tweets.scoring import TextScores, characters
from suite_tweets.tokens import Tokenizer


@final
class Sums(nn.ModuleDict):
    """What texts cost so far; `measures` ends a stage.

    Example:
        >>> from suite_tweets.tokens import learn
        >>> tokenizer, sums = learn(["a b a b"], "words", None, "kept"), Sums()
        >>> sums.add(["a b"], torch.full((3,), 2.0), tokenizer)
        >>> {name: round(float(value), 2) for name, value in sums.measures().items()}
        {'loss': 2.0, 'perplexity': 7.39, 'bits_per_char': 2.16}
    """

    def __init__(self) -> None:
        super().__init__({name: SumMetric().set_dtype(torch.float64) for name in (*TextScores._fields, "cached")})

    def add(self, texts: Sequence[str], nats: Tensor, tokenizer: Tokenizer) -> None:
        """Add texts and -ln p of each of their tokens."""
        self._sum("nats").update(nats.sum())
        self._sum("tokens").update(len(nats))
        self._sum("oov_bits").update(sum(map(tokenizer.oov_bits, texts)))
        self._sum("characters").update(sum(map(characters, texts)))

    def add_counting_on(self, nats: Tensor) -> None:
        """Add -ln p of the tokens of the same texts, each predicted from all texts before it."""
        self._sum("cached").update(nats.sum())

    def measures(self, *, counting_on: bool = False) -> dict[str, Tensor]:
        """Return the measures of all texts by name, and begin again.

        Args:
            counting_on: the texts were added to `add_counting_on` too.
        """
        sums = TextScores(*(self._sum(name).compute() for name in TextScores._fields))
        measures = {
            "loss": sums.nats / sums.tokens,
            "perplexity": sums.perplexity,
            "bits_per_char": sums.bits_per_char,
        }
        if counting_on:
            measures["bits_per_char_cached"] = sums._replace(nats=self._sum("cached").compute()).bits_per_char
        for name in self:
            self._sum(name).reset()
        return {name: value.float() for name, value in measures.items()}

    def _sum(self, name: str) -> SumMetric:
        metric = self[name]
        assert isinstance(metric, SumMetric)
        return metric

"""A network that goes on learning while it is tested: from every text once it has been predicted.

One step of gradient descent a text, on a copy of the network and without dropout (Krause, Kahembwe, Murray, Renals:
"Dynamic Evaluation of Neural Sequence Models", 2018, arXiv:1709.07432, without its decay to the first weights).
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Final

import torch
from torch import nn

from suite_tweets.scoring import ScoredNetwork, TokenScores, known_probabilities, nats_of
from suite_tweets.state import State, detached
from suite_tweets.tokens import END, Tokenizer

STEEPEST: Final = 0.5
"""Largest norm of a gradient; a longer one is cut to it."""


class Dynamic:
    """Scores texts in their order, learning from each of them for the next.

    Args:
        network: its weights stay as they are.
        tokenizer: of the texts.
        rate: of learning.
        carries: whether the state after a text is that before the next.
    """

    def __init__(self, network: nn.Module, tokenizer: Tokenizer, rate: float, *, carries: bool) -> None:
        with torch.inference_mode(False):
            learning = deepcopy(network).eval()
            self._weights = [weight.requires_grad_() for weight in learning.parameters()]
        self._network: ScoredNetwork = learning  # type: ignore[assignment]
        self._tokenizer, self._carries = tokenizer, carries
        self._optimizer = torch.optim.SGD(self._weights, lr=rate)
        self._state: State | None = None

    def scores(self, texts: Sequence[str]) -> TokenScores:
        """Return the scores of the next texts, END after each."""
        # cuDNN takes no gradient of an LSTM without dropout; torch's own kernels do.
        unfused = torch.backends.cudnn.flags(enabled=False)
        with torch.inference_mode(False), torch.enable_grad(), unfused:
            each = [self._score(text) for text in texts]
        return TokenScores(*(torch.cat(parts) for parts in zip(*each, strict=True)))

    def _score(self, text: str) -> TokenScores:
        tokens = torch.tensor([END, *self._tokenizer.encode(text), END], device=self._weights[0].device)
        if self._state is None or not self._carries:
            self._state = self._network.initial_state(1)
        hidden, after = self._network.read(tokens[:-1, None], detached(self._state))
        logits, targets = self._network.logits(hidden), tokens[1:, None]
        nats = nats_of(logits, targets, self._tokenizer.escape)
        self._optimizer.zero_grad()
        nats.mean().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._weights, STEEPEST)
        self._optimizer.step()
        self._state = detached(after)
        _, sure = known_probabilities(logits.detach().float(), self._tokenizer.escape)
        return TokenScores(nats.detach()[:, 0], tokens[1:], hidden.detach()[:, 0], sure[:, 0])

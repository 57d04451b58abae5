"""What a network says of texts: the bits of each, in numbers that models over different tokens can be compared by.

Of a text cost the tokens and the END after them, -ln p each, and what the tokens do not tell, such as the spelling of
unknown words (``tokens.Tokenizer.untold_bits``). Spread over its characters, one more for its end, these are its bits
per character.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from suite_tweets.batches import NOTHING, padded, readings
from suite_tweets.memory import Memory
from suite_tweets.state import State
from suite_tweets.tokens import UNKNOWN, Tokenizer

TOGETHER = 64
"""Texts side by side, where each is read from zeros on."""

READERS, STRETCH = 16, 64
"""Readers of texts that are a stream, and how many tokens each reads at a time."""


class Measured(Protocol):
    """A network whose hidden states can be had: `network.LanguageModel`."""

    def initial_state(self, batch: int) -> State:
        """The state before anything is read."""
        ...

    def read(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """(time, batch) tokens -> (time, batch, dim) what the logits are made of, and the state after the last."""
        ...

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., dim) -> (..., token)."""
        ...


class Told(NamedTuple):
    """What texts cost.

    Attributes:
        nats: -ln p of each, (text,) double.
        tokens: how many were predicted, END among them, (text,).
        untold: bits beyond the tokens, (text,) double.
        characters: (text,), one more for the end of each; white space between two words is one.
    """

    nats: Tensor
    tokens: Tensor
    untold: Tensor
    characters: Tensor

    @property
    def bits_per_char(self) -> Tensor:
        """Of each text, (text,)."""
        return (self.nats / math.log(2) + self.untold) / self.characters

    @property
    def perplexity(self) -> Tensor:
        """Per token, of each text, (text,)."""
        return (self.nats / self.tokens).exp()


class Heard(NamedTuple):
    """Tokens as a network read them, one text after the other, END after each.

    Attributes:
        nats: -ln p of each, (token,) double.
        tokens: (token,).
        hidden: the last hidden state before each, (token, dim).
    """

    nats: Tensor
    tokens: Tensor
    hidden: Tensor

    @property
    def memory(self) -> Memory:
        """What a cache keeps of it."""
        return Memory(self.hidden, self.tokens)


def heard(network: Measured, tokenizer: Tokenizer, texts: Sequence[str], *, carries: bool) -> Heard:
    """Reads texts one after the other, as in training: as a stream with its state carried, or each from zeros on.

    A stream is shared out among `READERS`, each of which begins with zeros.
    """
    tweets = [tokenizer.encode(text) for text in texts]
    batches = readings(tweets, READERS, STRETCH) if carries else map(padded, batched(tweets))
    parts: list[list[Heard]] = []
    state: State | None = None
    for batch in batches:
        if not batch.goes_on:
            parts.append([])
            state = network.initial_state(batch.tokens.shape[1])
        assert state is not None
        hidden, state = network.read(batch.tokens.to(state[0][0].device), state)
        targets = batch.targets.to(hidden.device)
        parts[-1].append(Heard(nats_of(network.logits(hidden), targets, tokenizer.escape), targets, hidden))
    whole = []
    for stretch in parts:
        nats, targets, hidden = (torch.cat(each).transpose(0, 1) for each in zip(*stretch, strict=True))
        told = targets != NOTHING  # reader time: a reader's texts, then the next one's
        whole.append(Heard(nats[told], targets[told], hidden[told]))
    return Heard(*(torch.cat(each) for each in zip(*whole, strict=True)))


def told(network: Measured, tokenizer: Tokenizer, texts: Sequence[str]) -> Told:
    """What each of some texts costs, read from zeros on."""
    nats = [torch.empty(0, dtype=torch.float64)]
    tweets = [tokenizer.encode(text) for text in texts]
    for batch in map(padded, batched(tweets)):
        state = network.initial_state(len(batch.tokens[0]))
        hidden, _ = network.read(batch.tokens.to(state[0][0].device), state)
        each = nats_of(network.logits(hidden), batch.targets.to(hidden.device), tokenizer.escape)
        nats.append(each.sum(dim=0).cpu())
    return Told(
        torch.cat(nats),
        torch.tensor([len(tweet) + 1 for tweet in tweets], dtype=torch.int64),
        torch.tensor([tokenizer.untold_bits(text) for text in texts], dtype=torch.float64),
        torch.tensor([characters(text) for text in texts], dtype=torch.int64),
    )


def nats_of(logits: Tensor, targets: Tensor, escape: float) -> Tensor:
    """-ln p of every target, double; 0 where there is `NOTHING`.

    Args:
        logits: (time, batch, token).
        targets: (time, batch).
        escape: probability of UNKNOWN, in place of the network's, where there is one.
    """
    if not escape:
        return functional.cross_entropy(logits.movedim(2, 1), targets, reduction="none", ignore_index=NOTHING).double()
    known = logits.index_fill(2, torch.tensor(UNKNOWN, device=logits.device), -torch.inf)
    unknown = targets == UNKNOWN
    nats = functional.cross_entropy(
        known.movedim(2, 1), targets.masked_fill(unknown, NOTHING), reduction="none", ignore_index=NOTHING
    ).double()
    return nats - math.log1p(-escape) * ((targets != NOTHING) & ~unknown) - math.log(escape) * unknown


def characters(text: str) -> int:
    """Characters of a text and its end, white space between two words being one, for words tell no more of it."""
    return len(" ".join(text.split())) + 1


def batched(tweets: Sequence[list[int]]) -> Iterator[Sequence[list[int]]]:
    """So many at a time as are read together, in their order."""
    for begin in range(0, len(tweets), TOGETHER):
        yield tweets[begin : begin + TOGETHER]

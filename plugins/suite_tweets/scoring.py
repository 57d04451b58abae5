"""How well a network predicts texts, in bits per character: comparable between models over different tokens.

A text costs -ln p for each of its tokens and for the END after them, and the bits that its tokens do not hold, such as
the spelling of unknown words (``tokens.Tokenizer.oov_bits``). Their sum over its characters, one more for its end, is
its bits per character.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from suite_tweets.batches import NOTHING, in_order, padded
from suite_tweets.memory import Memory
from suite_tweets.state import State
from suite_tweets.tokens import UNKNOWN, Tokenizer

TOGETHER = 64
"""Texts side by side, where each is read from zeros on."""

READERS, STRETCH = 16, 64
"""How many readers share texts that are a stream, and how many tokens each reads at a time."""


class ScoredNetwork(Protocol):
    """A network that gives hidden states and logits apart: `network.LanguageModel`."""

    def initial_state(self, batch: int) -> State:
        """The state before anything is read."""
        ...

    def read(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """(time, batch) tokens -> (time, batch, dim) what the logits are made of, and the state after the last."""
        ...

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., dim) -> (..., token)."""
        ...


class TextScores(NamedTuple):
    """How well a network predicts each of some texts.

    Attributes:
        nats: -ln p of each, (text,) double.
        tokens: how many were predicted, END among them, (text,).
        oov_bits: that the tokens do not hold, (text,) double.
        characters: (text,), one more for the end of each; white space between two words is one.
    """

    nats: Tensor
    tokens: Tensor
    oov_bits: Tensor
    characters: Tensor

    @property
    def bits_per_char(self) -> Tensor:
        """Of each text, (text,)."""
        return (self.nats / math.log(2) + self.oov_bits) / self.characters

    @property
    def perplexity(self) -> Tensor:
        """Per token, of each text, (text,)."""
        return (self.nats / self.tokens).exp()


class TokenScores(NamedTuple):
    """How well a network predicts each token of some texts, one text after the other, END after each.

    Attributes:
        nats: -ln p of each, (token,) double.
        tokens: (token,).
        hidden: the last hidden state before each, (token, dim).
        sureness: of the network before each, (token, 2), see `known_probabilities`.
    """

    nats: Tensor
    tokens: Tensor
    hidden: Tensor
    sureness: Tensor

    @property
    def memory(self) -> Memory:
        """What a cache keeps of them."""
        return Memory(self.hidden, self.tokens)


def score_tokens(
    network: ScoredNetwork, tokenizer: Tokenizer, texts: Sequence[str], *, carries: bool, sure: bool = False
) -> TokenScores:
    """Return the scores of texts that are read as in training: as a stream with its state carried, or from zeros on.

    A stream is shared out among `READERS`, each of which begins with zeros. How sure the network is takes time to say,
    and is left out (token, 0) unless it is asked for.
    """
    tweets = [tokenizer.encode(text) for text in texts]
    batches = in_order(tweets, READERS, STRETCH) if carries else map(padded, batched(tweets))
    stretches: list[list[TokenScores]] = []
    state: State | None = None
    for batch in batches:
        if not batch.goes_on:
            stretches.append([])
            state = network.initial_state(batch.tokens.shape[1])
        assert state is not None
        hidden, state = network.read(batch.tokens.to(state[0][0].device), state)
        targets, logits = batch.targets.to(hidden.device), network.logits(hidden)
        nats = nats_of(logits, targets, tokenizer.escape)
        certain = known_probabilities(logits.float(), tokenizer.escape)[1] if sure else hidden[..., :0]
        stretches[-1].append(TokenScores(nats, targets, hidden, certain))
    whole = []
    for stretch in stretches:
        parts = TokenScores(*(torch.cat(parts).transpose(0, 1) for parts in zip(*stretch, strict=True)))
        counts = parts.tokens != NOTHING  # reader time: a reader's texts, then the next one's
        whole.append(TokenScores(*(part[counts] for part in parts)))
    return TokenScores(*(torch.cat(parts) for parts in zip(*whole, strict=True)))


def score_texts(nats: Tensor, tokenizer: Tokenizer, texts: Sequence[str]) -> TextScores:
    """Return the scores of texts from -ln p of their tokens, END after each text, (token,) double."""
    tokens = [len(tokenizer.encode(text)) + 1 for text in texts]
    return TextScores(
        torch.stack([part.sum() for part in torch.split(nats.cpu(), tokens)]) if tokens else nats.cpu(),
        torch.tensor(tokens, dtype=torch.int64),
        torch.tensor([tokenizer.oov_bits(text) for text in texts], dtype=torch.float64),
        torch.tensor([characters(text) for text in texts], dtype=torch.int64),
    )


def nats_of(logits: Tensor, targets: Tensor, escape: float) -> Tensor:
    """Return -ln p of every target, double; 0 where there is `NOTHING`.

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


def known_probabilities(logits: Tensor, escape: float) -> tuple[Tensor, Tensor]:
    """Return p of all tokens (..., token) and how sure the network is, the logarithm of the largest and the entropy.

    UNKNOWN, where it has a probability of its own, is left out.

    Returns:
        (..., token), and (..., 2) in fours of nats.
    """
    if escape:  # no -inf: infinitely many times nothing is no number
        logits = logits.index_fill(-1, torch.tensor(UNKNOWN, device=logits.device), -1e4)
    probabilities = logits.softmax(dim=-1)
    highest = probabilities.amax(dim=-1).log()
    total = logits.amax(dim=-1) - highest  # ln of the sum of their exponentials
    entropy = total - torch.linalg.vecdot(probabilities, logits)
    return probabilities, torch.stack((highest, entropy), dim=-1) / 4


def characters(text: str) -> int:
    """Return the number of characters of a text and its end, white space between two words being one."""
    return len(" ".join(text.split())) + 1


def batched(tweets: Sequence[list[int]]) -> Iterator[Sequence[list[int]]]:
    """Yield as many tweets at a time as are read together, in their order."""
    for begin in range(0, len(tweets), TOGETHER):
        yield tweets[begin : begin + TOGETHER]

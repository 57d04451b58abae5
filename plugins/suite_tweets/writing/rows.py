"""Rows of tokens that are written side by side.

The state of the network is carried along, so a token costs one step for all rows that are still being written; a row
that has drawn END leaves the batch.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

from lightning_suite.errors import UsageError
from suite_tweets.account import Account, weighted_length
from suite_tweets.state import Reader, of_columns
from suite_tweets.tokens import END, Tokenizer
from suite_tweets.writing.repeats import Repeats
from suite_tweets.writing.sampling import Sampling, draw, filter_logits, in_blocks

_LOOK = 16  # steps between two looks at whether a row has outgrown the limit


def prompt_of(tokenizer: Tokenizer, text: str, limit: int) -> "Prompt":
    """Return a text as a prompt.

    Raises:
        UsageError: it is longer than the limit, or holds no word.
    """
    if weighted_length(text) > limit:
        raise UsageError(f"the prompt has {weighted_length(text)} characters, and a tweet may have {limit}")
    tokens = tokenizer.encode(text) if text.strip() else []
    if not tokens:
        raise UsageError(f"the prompt {text!r} holds no word; without a prompt a first word is drawn")
    return Prompt(text, tokens, tokenizer.decode(tokens))


def beginnings(writer: "Writer", rows: int) -> list[list[int]]:
    """Return the tokens with which each row begins: the prompt's, else those of a first word of the account."""
    if writer.prompt is not None:
        return [writer.prompt.tokens] * rows
    if not writer.account.first_words:
        return [[]] * rows
    words = list(writer.account.first_words)
    cumulated = torch.tensor(list(writer.account.first_words.values())).cumsum(0)
    chances = (torch.rand(rows, generator=writer.generator).double() * cumulated[-1]).floor().long()
    banned = {END, *writer.tokenizer.banned}
    known: dict[int, list[int]] = {}
    drawn = torch.searchsorted(cumulated, chances, right=True).tolist()
    for word in set(drawn):
        tokens = writer.tokenizer.encode(words[word])
        known[word] = [] if banned & set(tokens) else tokens  # the model then begins that row itself
    return [known[word] for word in drawn]


def write_rows(writer: "Writer", beginnings: Sequence[list[int]]) -> "list[WrittenRow]":
    """Write rows until each has drawn END or outgrown the limit.

    All rows read END first, which is therefore read once. A row that still has a token of its beginning to come takes
    it, whatever is drawn.
    """
    prescribed = torch.full((max(map(len, beginnings)), len(beginnings)), -1)  # step row
    for row, tokens in enumerate(beginnings):
        prescribed[: len(tokens), row] = torch.tensor(tokens, dtype=torch.int64)
    texts: list[list[int]] = [[] for _ in beginnings]
    ended = [False] * len(beginnings)
    writing = torch.arange(len(beginnings))
    state = writer.network.initial_state(1)
    device = state[0][0].device
    last = torch.full((len(beginnings),), END)
    banned = torch.tensor(writer.tokenizer.banned, dtype=torch.int64)
    within = torch.tensor(writer.tokenizer.within, dtype=torch.int64)  # what a row begins with ends with a whole word
    begun = torch.tensor([len(tokens) for tokens in beginnings])
    repeats = Repeats(writer.sampling.no_repeat, writer.tokenizer.within, len(beginnings))
    steps = 4 * writer.limit + len(prescribed)  # a character has four bytes at most, and a token one at least
    for step in range(steps):
        if step == 0:
            logits, state = writer.network(last[:1].to(device)[None], state)
            logits, state = logits.expand(-1, len(last), -1), of_columns(state, torch.zeros_like(last, device=device))
        else:
            logits, state = writer.network(last.to(device)[None], state)
        now = prescribed[step, writing] if step < len(prescribed) else torch.full_like(last, -1)
        if bool((now < 0).any()):
            allowed = in_blocks(logits[0]).index_fill_(1, banned, -math.inf)  # row token
            if len(within) and bool((fresh := (begun[writing] == step) & (now < 0)).any()):
                allowed[fresh.nonzero(), within] = -math.inf
            if barred := list(repeats.barred(writing.tolist(), texts)):
                columns, tokens = torch.tensor(barred).T
                allowed[columns, tokens] = -math.inf
            now = torch.where(now < 0, draw(filter_logits(allowed, writer.sampling), writer.generator), now)
        going = now != END
        for column, (row, token) in enumerate(zip(writing.tolist(), now.tolist(), strict=True)):
            if token == END:
                ended[row] = True
                continue
            texts[row].append(token)
            repeats.add(row, texts[row])
            if step % _LOOK == _LOOK - 1 and weighted_length(text_of(writer, texts[row])) > writer.limit:
                going[column] = False
        last = now
        if not bool(going.all()):
            left = going.nonzero()[:, 0]
            if not len(left):
                break
            last, writing = last[left], writing[left]
            state = of_columns(state, left.to(device))
    return [WrittenRow(tokens, end) for tokens, end in zip(texts, ended, strict=True)]


def text_of(writer: "Writer", tokens: Sequence[int]) -> str:
    """Return the text of a row; the prompt stands there as it was typed, though its tokens may be of another text."""
    text = writer.tokenizer.decode(tokens)
    if writer.prompt is None:
        return text.strip()
    if text.startswith(writer.prompt.decoded):
        return writer.prompt.text + text[len(writer.prompt.decoded) :].rstrip()
    return f"{writer.prompt.text} {writer.tokenizer.decode(tokens[len(writer.prompt.tokens) :]).strip()}".rstrip()


class Prompt(NamedTuple):
    """A prompt.

    Attributes:
        text: as it was typed.
        tokens: of it.
        decoded: the text of its tokens.
    """

    text: str
    tokens: list[int]
    decoded: str


class Writer(NamedTuple):
    """All that writing needs."""

    network: Reader
    tokenizer: Tokenizer
    account: Account
    sampling: Sampling
    generator: torch.Generator
    prompt: Prompt | None
    limit: int


class WrittenRow(NamedTuple):
    """The tokens of a row, and whether the model ended it."""

    tokens: list[int]
    ended: bool

"""Writes tweets: draws them from a language model, many at once, token by token.

The state of the network is carried along, so a token costs one step for all tweets that are still being written; a
tweet that has drawn END leaves the batch. Of each distribution over tokens a few can be cut off before one is drawn:

    p_i = softmax(logits / temperature)_i      over the top_k likeliest tokens,
                                               and of these over the fewest whose probability reaches top_p

(top_p: Holtzman et al., 2020, arXiv:1904.09751).

The paper draws a length for a tweet, then adds words while the tweet is shorter (section 5), so that most of its tweets
stop within a sentence. Here the model ends its tweets itself, and the lengths follow the account all the same: for each
wanted tweet a length is drawn from the account's, and a tweet from the model; then each drawn length takes a tweet of
about that length, such that the differences are smallest in sum. Where they are above ``NEAR`` characters in the mean,
more tweets are written to choose from, up to ``CANDIDATES`` for each. Tweets of one length are thus as the model writes
them, and how many there are of each length is as the account has it. Only where a model does not end its tweets are
they cut as in the paper.
"""

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lightning_suite.constraints import Interval, check
from lightning_suite.errors import RunError, UsageError
from suite_tweets.account import Account, weighted_length
from suite_tweets.state import Reader, of_columns
from suite_tweets.tokens import END, Tokenizer

LIMIT: Final = 280
"""Most weighted characters of a tweet."""

CANDIDATES: Final = 4
"""Most tweets that are written for each that is wanted, so that there is one of about its length."""

NEAR: Final = 6.0
"""Weighted characters between the drawn lengths and those of the tweets, in the mean: less than a word is enough."""

_ROUNDS = 24  # of candidates, before too few usable ones are an error
_PART = 4  # the later of them write a part as many, if that is enough
_ROWS = 64  # least candidates in the second half of them: a refusal may be seldom survived
_TOGETHER = 512  # wanted tweets a batch: so many rows times the tokens of a vocabulary stay some megabytes
_BLOCK = 64  # tokens, about the root of how many a vocabulary has
_LIKELIEST = 128  # tokens in which top_p is looked for first
_LOOK = 16  # steps between two looks at whether a row has outgrown the limit

# Where a text may be cut: at white space, and beside a sign of Chinese or Japanese, which puts none between words.
_BOUNDARY = re.compile("\\s+|(?=[\u3040-\u30ff\u3400-\u9fff])|(?<=[\u3040-\u30ff\u3400-\u9fff])")


_CONSTRAINTS = {
    "temperature": [Interval(float, 0)],
    "top_k": [Interval(int, 0)],
    "top_p": [Interval(float, 0, 1, closed="right")],
}


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How a token is drawn from the model's distribution.

    Attributes:
        temperature: logits are divided by it: below 1 likelier tokens gain, at 0 the likeliest is taken.
        top_k: only so many of the likeliest tokens; 0: all.
        top_p: only the fewest likeliest tokens whose probability reaches it.

    Raises:
        UsageError: a value is out of its range.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        check(_CONSTRAINTS, vars(self))


def generate(
    network: Reader,
    tokenizer: Tokenizer,
    account: Account,
    count: int,
    sampling: Sampling,
    *,
    generator: torch.Generator,
    prompt: str | None = None,
    refused: Callable[[str], bool] | None = None,
    limit: int = LIMIT,
    progress: Callable[[int], None] | None = None,
) -> list[str]:
    """Writes tweets, none longer than the limit.

    A tweet begins with a first word of the account, or with the prompt, as it was given. Lengths are drawn from those
    of the account's tweets that the limit allows. An account of which nothing is known leaves both to the model.

    Args:
        network: on any device; it is in evaluation mode meanwhile.
        tokenizer: the one that the network was trained with.
        account: whose tweets they are.
        count: how many.
        sampling: how tokens are drawn.
        generator: on the CPU; the same state of it gives the same tweets.
        prompt: what each tweet begins with.
        refused: says of a tweet that it is not wanted.
        limit: weighted characters.
        progress: is told of every batch of tweets how many they are.

    Raises:
        UsageError: the count or the limit is out of its range, the prompt is empty or longer than the limit, or too
            few of the candidates could be used.
        RunError: the network's numbers are no probabilities.
    """
    if count < 1:
        raise UsageError(f"expected at least 1 tweet to write, got {count}")
    if not 1 <= limit <= LIMIT:
        raise UsageError(f"limit: expected a number from 1 to {LIMIT}, the most that X takes, got {limit}")
    start = None if prompt is None else _start(tokenizer, prompt, limit)
    pen = _Pen(network, tokenizer, account, sampling, generator, start, limit)
    tweets: list[str] = []
    training = network.training
    network.train(False)
    try:
        with torch.inference_mode():
            while len(tweets) < count:
                some = _batch(pen, min(_TOGETHER, count - len(tweets)), refused)
                tweets += some
                if progress is not None:
                    progress(len(some))
    finally:
        network.train(training)
    return tweets


def filtered(logits: Tensor, sampling: Sampling) -> Tensor:
    """Logits (row, token) divided by the temperature, those that are cut off -inf; the largest of each row is 0.

    Of equal logits that top_k, top_p or a temperature of 0 must choose between, any may stay.
    """
    scaled = logits - logits.amax(dim=1, keepdim=True)
    if sampling.temperature == 0:
        return torch.full_like(scaled, -math.inf).scatter(1, scaled.argmax(dim=1, keepdim=True), 0.0)
    if sampling.temperature != 1:
        scaled = scaled / max(sampling.temperature, torch.finfo(scaled.dtype).tiny)
    if 0 < sampling.top_k < scaled.shape[1]:
        largest, tokens = scaled.topk(sampling.top_k, dim=1)
        scaled = torch.full_like(scaled, -math.inf).scatter(1, tokens, largest)
    return scaled if sampling.top_p == 1 else _nucleus(scaled, sampling.top_p)


def _nucleus(scaled: Tensor, top_p: float) -> Tensor:
    """Scaled logits, -inf but for the fewest likeliest tokens of each row whose probability reaches top_p."""
    probabilities = scaled.softmax(dim=1)
    size = _LIKELIEST
    while True:  # mostly few tokens are enough, and to find them costs less than to sort all
        largest, tokens = probabilities.topk(min(size, probabilities.shape[1]), dim=1)
        reached = largest.cumsum(dim=1, dtype=torch.float64)
        if size >= probabilities.shape[1] or bool((reached[:, -1] >= top_p).all()):
            break
        size *= 8
    before = torch.cat((torch.zeros_like(reached[:, :1]), reached[:, :-1]), dim=1)
    kept = scaled.gather(1, tokens).masked_fill(before >= top_p, -math.inf)
    return torch.full_like(scaled, -math.inf).scatter(1, tokens, kept)


def draw(logits: Tensor, generator: torch.Generator) -> Tensor:
    """A token of each row of logits (row, token) that ``filtered`` gave, each with its probability.

    The inverse of the cumulated weights exp(logits), found in two steps, a block of tokens and then the token in it:
    to cumulate all of them would take longer than the rest. Two random numbers a row, where ``torch.multinomial``
    takes one a token.
    """
    rows, tokens = logits.shape
    blocks = -(-tokens // _BLOCK)
    weights = functional.pad(logits, (0, blocks * _BLOCK - tokens), value=-math.inf).exp_()
    weights = weights.view(rows, blocks, _BLOCK)
    cumulated = weights.sum(dim=2).cumsum(dim=1, dtype=torch.float64)  # row block
    total = cumulated[:, -1:]
    if not bool(total.isfinite().all()):
        raise RunError("the network gives numbers that are no probabilities (nan): its training went astray")
    # 24 random bits times a float64 stay below the total: a weight of 0 is never found, here nor below.
    block = torch.searchsorted(cumulated, torch.rand(rows, 1, generator=generator).double() * total, right=True)
    within = weights[torch.arange(rows), block[:, 0]].cumsum(dim=1, dtype=torch.float64)
    # A second random number, not the rest of the first: two sums of the same weights differ in their last digits.
    chance = torch.rand(rows, 1, generator=generator).double() * within[:, -1:]
    return (block * _BLOCK + torch.searchsorted(within, chance, right=True))[:, 0]


def nearest(lengths: Sequence[int], candidates: Sequence[int]) -> list[int]:
    """For each length another candidate, such that the sum of the differences is smallest.

    In one dimension the best pairs are in order: the i-th smallest length takes a candidate after that of the one
    before it, which dynamic programming finds in len(lengths) passes over the candidates.

    Args:
        lengths: wanted.
        candidates: what there is, at least as many.

    Returns:
        The place of the candidate of each length.
    """
    by_length, by_candidate = np.argsort(lengths, kind="stable"), np.argsort(candidates, kind="stable")
    offered = np.asarray(candidates, dtype=np.int64)[by_candidate]
    far = np.int64(2**40)
    before = np.zeros(len(offered) + 1, dtype=np.int64)  # least sum with the first j candidates
    sums = []
    for wanted in np.asarray(lengths, dtype=np.int64)[by_length]:
        with_this = before[:-1] + np.abs(offered - wanted)  # the last of the first j + 1 candidates is taken
        sums.append(with_this)
        before = np.concatenate(([far], np.minimum.accumulate(with_this)))
    taken = [0] * len(sums)
    end = len(offered)
    for place in reversed(range(len(sums))):
        end = int(np.argmin(sums[place][:end]))
        taken[int(by_length[place])] = int(by_candidate[end])
    return taken


def cut(text: str, length: int, *, start: int = 0) -> str:
    """The first words of a text that fit into a length, at least one of those after its first ``start`` characters.

    Its last word is never among them: it may be half written. Empty when there is no other.
    """
    ends = [found.start() for found in _BOUNDARY.finditer(text, start) if start < found.start() < len(text)]
    fitting = bisect_right(ends, length, key=lambda end: weighted_length(text[:end]))
    return text[: ends[max(fitting - 1, 0)]].rstrip() if ends else ""


class _Start(NamedTuple):
    """A prompt.

    Attributes:
        text: as it was given.
        tokens: of it.
        told: what its tokens tell of it.
    """

    text: str
    tokens: list[int]
    told: str


class _Pen(NamedTuple):
    """All that writing needs."""

    network: Reader
    tokenizer: Tokenizer
    account: Account
    sampling: Sampling
    generator: torch.Generator
    start: _Start | None
    limit: int


class _Row(NamedTuple):
    """What was written in a row of the batch, and whether the model ended it."""

    tokens: list[int]
    ended: bool


def _start(tokenizer: Tokenizer, prompt: str, limit: int) -> _Start:
    if weighted_length(prompt) > limit:
        raise UsageError(f"the prompt has {weighted_length(prompt)} characters, and a tweet may have {limit}")
    tokens = tokenizer.encode(prompt) if prompt.strip() else []
    if not tokens:
        raise UsageError(f"the prompt {prompt!r} holds no word; without a prompt a first word is drawn")
    return _Start(prompt, tokens, tokenizer.decode(tokens))


def _batch(pen: _Pen, count: int, refused: Callable[[str], bool] | None) -> list[str]:
    """Some tweets, of one batch of candidates where that is enough.

    Raises:
        UsageError: it is not, nor are more of them.
    """
    wanted = _lengths(pen, count)
    whole: list[str] = []
    pieces: list[str] = []
    useless: Counter[str] = Counter()
    written = 0
    for again in range(_ROUNDS):
        # A few more are mostly enough to replace what cannot be used, and those whose lengths fit worst.
        missing = count - len(whole) - len(pieces)
        rows = _write(pen, _beginnings(pen, max(missing, count // _PART, 1 if again < _ROUNDS // 2 else _ROWS)))
        written += len(rows)
        for row, length in zip(rows, _lengths(pen, len(rows)) or [pen.limit] * len(rows), strict=True):
            text = _text(pen, row.tokens)
            fits = row.ended and weighted_length(text) <= pen.limit
            if not fits:
                text = cut(text, length, start=len(pen.start.text) if pen.start else 0)
            if problem := _problem(pen, text, fits, refused):
                useless[problem] += 1
            else:
                (whole if fits else pieces).append(text)
        found = whole if len(whole) >= count else whole + pieces
        if len(found) < count:
            continue
        if not wanted:
            return found[:count]
        lengths = [weighted_length(text) for text in found]
        taken = nearest(wanted, lengths)
        apart = sum(abs(length - lengths[place]) for length, place in zip(wanted, taken, strict=True)) / count
        if written >= CANDIDATES * count or (apart <= NEAR and found is whole):
            return [found[place] for place in taken]
    raise UsageError(_too_few(len(whole) + len(pieces), count, written, useless))


def _problem(pen: _Pen, text: str, whole: bool, refused: Callable[[str], bool] | None) -> str:
    """Why a candidate cannot be used; empty when it can."""
    own = text[len(pen.start.text) :] if pen.start else text
    if not whole and (not text or weighted_length(text) > pen.limit):
        return f"have no place to be cut at within {pen.limit} characters"
    if not text.strip():
        return "are empty"
    if "\ufffd" in own:
        return "hold bytes that are no text"
    return "are refused" if refused is not None and refused(text) else ""


def _too_few(found: int, count: int, written: int, useless: Counter[str]) -> str:
    advice = {
        "are refused": "refuse less (a larger --avoid_copies), raise --temperature, or train for fewer epochs",
        "are empty": "raise --temperature, or give a --prompt",
        "hold bytes that are no text": "lower --temperature or --top_p, or train for longer",
    }
    reasons = ", ".join(f"{number} {problem}" for problem, number in useless.most_common())
    most = useless.most_common(1)[0][0]
    needed = advice.get(most, "raise --limit, lower --temperature, or train for longer")
    return f"only {found} of {count} tweets could be had from {written} candidates: {reasons}. To have more: {needed}"


def _lengths(pen: _Pen, count: int) -> list[int]:
    """Lengths drawn from those of the account that can be had, or those that come nearest; none where none is known."""
    if not len(pen.account.lengths):
        return []
    least = weighted_length(pen.start.text) if pen.start else 0
    known = torch.as_tensor(list(pen.account.lengths))
    possible = known[(known >= least) & (known <= pen.limit)]
    if not len(possible):
        possible = known.clamp(least, pen.limit)
    drawn: list[int] = possible[torch.randint(len(possible), (count,), generator=pen.generator)].tolist()
    return drawn


def _beginnings(pen: _Pen, rows: int) -> list[list[int]]:
    """The tokens of each row that are given: the prompt's, else those of a first word of the account."""
    if pen.start is not None:
        return [pen.start.tokens] * rows
    if not pen.account.first_words:
        return [[]] * rows
    words = list(pen.account.first_words)
    cumulated = torch.tensor(list(pen.account.first_words.values())).cumsum(0)
    chances = (torch.rand(rows, generator=pen.generator).double() * cumulated[-1]).floor().long()
    banned = {END, *pen.tokenizer.banned}
    known: dict[int, list[int]] = {}
    for place in (places := torch.searchsorted(cumulated, chances, right=True).tolist()):
        if place not in known:
            tokens = pen.tokenizer.encode(words[place])
            known[place] = [] if banned & set(tokens) else tokens  # the model then begins that row itself
    return [known[place] for place in places]


def _write(pen: _Pen, beginnings: Sequence[list[int]]) -> list[_Row]:
    """Writes rows until each has drawn END or outgrown the limit.

    All rows read END first. A row that still has a token of its beginning to come takes it, whatever is drawn.
    """
    given = torch.full((max(map(len, beginnings)), len(beginnings)), -1)  # step row
    for row, tokens in enumerate(beginnings):
        given[: len(tokens), row] = torch.tensor(tokens, dtype=torch.int64)
    texts: list[list[int]] = [[] for _ in beginnings]
    ended = [False] * len(beginnings)
    writing = torch.arange(len(beginnings))
    state = pen.network.initial_state(len(beginnings))
    device = state[0][0].device
    last = torch.full((len(beginnings),), END)
    banned = torch.tensor(pen.tokenizer.banned, dtype=torch.int64)
    within = torch.tensor(pen.tokenizer.within, dtype=torch.int64)  # what a row begins with ends with a whole word
    begun = torch.tensor([len(tokens) for tokens in beginnings])
    for step in range(4 * pen.limit + len(given)):  # a character has four bytes at most, and a token one at least
        logits, state = pen.network(last.to(device)[None], state)
        now = given[step, writing] if step < len(given) else torch.full_like(last, -1)
        if bool((now < 0).any()):
            allowed = logits[0].float().cpu().index_fill(1, banned, -math.inf)  # row token
            if len(within) and bool((fresh := (begun[writing] == step) & (now < 0)).any()):
                allowed[fresh.nonzero(), within] = -math.inf
            now = torch.where(now < 0, draw(filtered(allowed, pen.sampling), pen.generator), now)
        going = now != END
        for place, (row, token) in enumerate(zip(writing.tolist(), now.tolist(), strict=True)):
            if token == END:
                ended[row] = True
                continue
            texts[row].append(token)
            if step % _LOOK == _LOOK - 1 and weighted_length(_text(pen, texts[row])) > pen.limit:
                going[place] = False
        last = now
        if not bool(going.all()):
            kept = going.nonzero()[:, 0]
            if not len(kept):
                break
            last, writing = last[kept], writing[kept]
            there = kept.to(device)
            state = of_columns(state, there)
    return [_Row(tokens, end) for tokens, end in zip(texts, ended, strict=True)]


def _text(pen: _Pen, tokens: Sequence[int]) -> str:
    """What a row says; the prompt stands there as it was given, though its tokens may tell it otherwise."""
    text = pen.tokenizer.decode(tokens)
    if pen.start is None:
        return text.strip()
    if text.startswith(pen.start.told):
        return pen.start.text + text[len(pen.start.told) :].rstrip()
    return f"{pen.start.text} {pen.tokenizer.decode(tokens[len(pen.start.tokens) :]).strip()}".rstrip()

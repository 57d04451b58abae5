"""Writes tweets whose lengths are those of the account.

The paper draws a length for a tweet, then adds words while the tweet is shorter (section 5), so that most of its tweets
stop within a sentence. Here the model ends its tweets itself, and the lengths follow the account all the same: for each
wanted tweet a length is drawn from the account's, and a tweet from the model; then each drawn length takes a tweet of
about that length, such that the differences are smallest in sum. Where they are above ``NEAR`` characters in the mean,
more tweets are written to choose from, up to ``CANDIDATES`` for each. Tweets of one length are thus as the model writes
them, and how many there are of each length is as the account has it. Only where a model does not end its tweets are
they cut as in the paper.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable
from typing import Final

import torch

from lightning_suite.constraints import Interval, check
from lightning_suite.errors import UsageError
from suite_tweets.account import Account, weighted_length
from suite_tweets.state import Reader
from suite_tweets.tokens import Tokenizer
from suite_tweets.writing.lengths import cut_at_word, match_lengths
from suite_tweets.writing.rows import Writer, beginnings, prompt_of, text_of, write_rows
from suite_tweets.writing.sampling import Sampling

LIMIT: Final = 280
"""Most weighted characters of a tweet."""

CANDIDATES: Final = 4
"""Most tweets that are written for each that is wanted, so that there is one of about its length."""

NEAR: Final = 6.0
"""Weighted characters between the drawn lengths and those of the tweets, in the mean: less than a word is enough."""

_VISIBLE = frozenset("LNPS")  # letters, numbers, punctuation, symbols; all else leaves a line that looks empty
_ROUNDS = 24  # of candidates, before too few usable ones are an error
_PART = 4  # the later of them write a part as many, if that is enough
_ROWS = 64  # least candidates in the second half of them: a refusal may be seldom survived
_TOGETHER = 512  # wanted tweets a batch: so many rows times the tokens of a vocabulary stay some megabytes


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
    """Write tweets, none longer than the limit.

    A tweet begins with a first word of the account, or with the prompt, as it was typed. Lengths are drawn from those
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
        progress: is called with the number of tweets of every batch.

    Raises:
        UsageError: the count or the limit is out of its range, the prompt is empty or longer than the limit, or too
            few of the candidates could be used.
        RunError: the network's numbers are no probabilities.
    """
    check({"count": [Interval(int, 1)], "limit": [Interval(int, 1, LIMIT)]}, {"count": count, "limit": limit})
    start = None if prompt is None else prompt_of(tokenizer, prompt, limit)
    writer = Writer(network, tokenizer, account, sampling, generator, start, limit)
    tweets: list[str] = []
    training = network.training
    network.train(False)
    try:
        with torch.inference_mode():
            while len(tweets) < count:
                some = _batch(writer, min(_TOGETHER, count - len(tweets)), refused)
                tweets += some
                if progress is not None:
                    progress(len(some))
    finally:
        network.train(training)
    return tweets


def _batch(writer: Writer, count: int, refused: Callable[[str], bool] | None) -> list[str]:
    """Return tweets, of one batch of candidates where that is enough.

    Raises:
        UsageError: too few of all candidates could be used.
    """
    wanted = _lengths(writer, count)
    whole: list[str] = []
    pieces: list[str] = []
    useless: Counter[str] = Counter()
    written = 0
    for again in range(_ROUNDS):
        # A few more are mostly enough to replace what cannot be used, and those whose lengths fit worst.
        missing = count - len(whole) - len(pieces)
        least = 1 if again < _ROUNDS // 2 else _ROWS
        rows = write_rows(writer, beginnings(writer, max(missing, count // _PART, least)))
        written += len(rows)
        for row, length in zip(rows, _lengths(writer, len(rows)) or [writer.limit] * len(rows), strict=True):
            text = text_of(writer, row.tokens)
            fits = row.ended and weighted_length(text) <= writer.limit
            if not fits:
                text = cut_at_word(text, length, start=len(writer.prompt.text) if writer.prompt else 0)
            if problem := _problem(writer, text, fits, refused):
                useless[problem] += 1
            else:
                (whole if fits else pieces).append(text)
        usable = whole if len(whole) >= count else whole + pieces
        if len(usable) < count:
            continue
        if not wanted:
            return usable[:count]
        lengths = [weighted_length(text) for text in usable]
        taken = match_lengths(wanted, lengths)
        apart = sum(abs(length - lengths[i]) for length, i in zip(wanted, taken, strict=True)) / count
        if written >= CANDIDATES * count or (apart <= NEAR and usable is whole):
            return [usable[i] for i in taken]
    raise UsageError(_too_few(len(whole) + len(pieces), count, written, useless))


def _problem(writer: Writer, text: str, whole: bool, refused: Callable[[str], bool] | None) -> str:
    """Return why a candidate cannot be used; empty when it can."""
    own = text[len(writer.prompt.text) :] if writer.prompt else text
    if not whole and (not text or weighted_length(text) > writer.limit):
        return f"cannot be cut between words within {writer.limit} characters"
    if not any(unicodedata.category(character)[0] in _VISIBLE for character in text):
        return "are empty"
    if "\ufffd" in own:
        return "hold bytes that are no text"
    return "are refused" if refused is not None and refused(text) else ""


def _too_few(usable: int, count: int, written: int, useless: Counter[str]) -> str:
    advice = {
        "are refused": "refuse fewer (--avoid_copies 0: none), raise --temperature, or train for fewer epochs",
        "are empty": "raise --temperature, or give a --prompt",
        "hold bytes that are no text": "lower --temperature or --top_p, or train for longer",
    }
    reasons = ", ".join(f"{number} {problem}" for problem, number in useless.most_common())
    most = useless.most_common(1)[0][0]
    needed = advice.get(most, "raise --limit, lower --temperature, or train for longer")
    return f"got only {usable} of {count} tweets: of {written} candidates {reasons}. To get more: {needed}"


def _lengths(writer: Writer, count: int) -> list[int]:
    """Return lengths drawn from the possible ones of the account, else the nearest; none where none is known."""
    if not len(writer.account.lengths):
        return []
    least = weighted_length(writer.prompt.text) if writer.prompt else 0
    known = torch.as_tensor(list(writer.account.lengths))
    possible = known[(known >= least) & (known <= writer.limit)]
    if not len(possible):
        possible = known.clamp(least, writer.limit)
    drawn: list[int] = possible[torch.randint(len(possible), (count,), generator=writer.generator)].tolist()
    return drawn

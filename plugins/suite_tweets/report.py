"""What ``suite analyse`` says of an account, as tables for the terminal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from lightning_suite.tables import clip, listing, table, terminal_width
from suite_tweets.analysis import (
    LISTED,
    Integers,
    Losses,
    Word,
    advised,
    describe,
    examples,
    kinds,
    printable,
    share_lost,
    span,
)
from suite_tweets.cleaning import RULE_SETS, steps
from suite_tweets.languages import name_of
from suite_tweets.tweets import Tweet

AROUND = 4
"""Rows before and after the advised ``seq_length``."""

LANGUAGES = 10
"""At most so many are printed; the file has all."""

_EXAMPLE = 280  # characters of an example that are printed: a whole tweet
_WORD = 24


def heading(name: str, tweets: Sequence[Tweet]) -> str:
    """Return a line: the file, its number of tweets and the time they span."""
    line = f"{name}: {_tweets(len(tweets))}"
    dated = sum(tweet.created_at is not None for tweet in tweets)
    if (times := span(tweets)) is None:
        return f"{line}; no times are known"
    first, last = times
    days = (last - first).total_seconds() / 86_400
    pace = f", {dated / days:.1f} a day" if days >= 1 else ""
    unknown = f" ({_tweets(len(tweets) - dated)} without a time)" if dated < len(tweets) else ""
    return f"{line} from {first:%Y-%m-%d} to {last:%Y-%m-%d}{pace}{unknown}"


def lengths(numbers: Mapping[str, Integers]) -> str:
    """Return what was counted in the tweets, described as pandas does: the paper's figure 3, a column a count."""
    names = ["count", "mean", "std", "min", "25%", "50%", "75%", "max"]
    columns = []
    for title, counted in numbers.items():
        of = describe(counted)
        deviation = "-" if of.std is None else f"{of.std:.2f}"
        quartiles = [f"{quartile:.10g}" for quartile in of.quartiles]
        column = [f"{of.count}", f"{of.mean:.2f}", deviation, f"{of.minimum}", *quartiles, f"{of.maximum}"]
        width = max(map(len, [title, *column]))
        columns.append([cell.rjust(width) for cell in column])  # a dash is no number, the table would put it left
    return table(["per tweet", *numbers], [list(row) for row in zip(names, *columns, strict=True)])


def tweets_of_kinds(texts: Sequence[str]) -> str:
    """Return how many tweets are retweets, replies, and so on."""
    rows = [[kind.name, str(kind.tweets), _percent(kind.tweets / len(texts))] for kind in kinds(texts)]
    return table(["tweets that are", "tweets", "%"], rows)


def tweets_of_languages(counts: Counter[str]) -> str:
    """Return the languages that most tweets are in."""
    ranked = counts.most_common()
    total = counts.total()
    rows = [[name_of(code), code, str(count), _percent(count / total)] for code, count in ranked[:LANGUAGES]]
    if others := ranked[LANGUAGES:]:
        count = sum(count for _, count in others)
        rows.append([f"{len(others)} others", "", str(count), _percent(count / total)])
    return table(["language", "code", "tweets", "%"], rows)


def words(lists: Mapping[str, Sequence[Word]]) -> str:
    """Return lists of frequent words side by side: how often each word occurs, and in how many tweets."""
    columns = ["rank"]
    for title in lists:
        columns += [title, "times", "tweets"]
    rows = []
    for rank, row in enumerate(zip_longest(*lists.values()), start=1):
        cells = [str(rank)]
        for word in row:
            cells += [clip(printable(word.text), _WORD), str(word.times), str(word.tweets)] if word else ["", "", ""]
        rows.append(cells)
    return table(columns, rows) if rows else "no tweet has a word"


def training_sets(lengths: Integers, losses: Losses) -> str:
    """Return what the training sets hold around the advised ``seq_length``, and the advice.

    Args:
        lengths: (tweet,) words of each after cleaning.
        losses: of these.
    """
    best = advised(lengths)
    rows = [
        [str(size), _percent(lost), str(windows), str(stretches)]
        for size, lost, windows, stretches in zip(*(column.tolist() for column in losses), strict=True)
        if abs(size - min(best, LISTED)) <= AROUND
    ]
    shown = table(["seq_length", "tweets lost by set 1 (%)", "windows of set 1", "sequences of set 2"], rows)
    lost = _percent(share_lost(lengths, best))
    return f"{shown}\nadvised: --data.seq_length {best} (training set 1 would lose {lost} % of the tweets)"


def cleaning(texts: Sequence[str], cleaned: Sequence[str], rules: str, count: int) -> str:
    """Return how many tweets each rule of a set changes, and some tweets before and after all of them."""
    changed = Counter(rule for text in texts for rule, _ in steps(text, RULE_SETS[rules]))
    rows = [[rule, str(changed[rule]), _percent(changed[rule] / len(texts))] for rule in RULE_SETS[rules]]
    parts = [
        table([f"rules {rules}", "tweets changed", "%"], rows) if rows else "no rules: the tweets stay as they are"
    ]
    for before, after in examples(texts, cleaned, count):
        parts.append(listing([["before", _example(before)], ["after", _example(after)]], terminal_width()))
    return "\n\n".join(parts)


def _example(text: str) -> str:
    return clip(printable(text[: 4 * _EXAMPLE]), _EXAMPLE) or "(nothing)"


def _tweets(count: int) -> str:
    return f"{count:,} tweet{'' if count == 1 else 's'}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"

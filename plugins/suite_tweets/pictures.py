"""Pictures of an account (PNG), each with its numbers beside it (CSV): what is drawn can be drawn again elsewhere."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lightning_suite.pictures import BINS, COLOURS, GREY, drawing, histogram, numbers_of, whole_numbers, write_csv
from lightning_suite.tables import clip
from suite_tweets.account import weighted_length
from suite_tweets.analysis import LOST, Integers, Losses, Word, describe, printable
from suite_tweets.languages import name_of

DARK = ("#004a75", "#8c3d00")
"""The first two colours for what is written beside a line."""

LIMITS = (140, 280)
"""Characters of a tweet, until 2017 and since."""


def write_histogram(
    picture: Path, numbers: Mapping[str, Integers], title: str, unit: str, limits: Sequence[int] = ()
) -> Path:
    """Draw how many tweets have how many characters or words; return where the numbers are.

    A row of the numbers is a bin, its ``high`` included; the one that ends at ``inf`` is what the picture leaves out.

    Args:
        picture: where it goes.
        numbers: one or two counts (tweet,) by name; the quartiles of the last are marked.
        title: of the picture.
        unit: what is counted.
        limits: numbers to mark where the picture reaches them.

    Raises:
        OutputError: a file cannot be written.
    """
    bins = histogram(numbers, start=0)
    names, edges, width = list(bins.counts), bins.edges, int(bins.edges[1] - bins.edges[0])
    lows = (edges[:-1] + 0.5).astype(int).tolist()
    counts = zip(*(bins.counts[name].tolist() for name in names), strict=True)
    rows: list[list[object]] = [[low, low + width - 1, *row] for low, row in zip(lows, counts, strict=True)]
    rows.append([lows[-1] + width, "inf", *(bins.above[name] for name in names)])
    with drawing(picture, ["low", "high", *names], rows, width=8, height=4.2) as figure:
        axes = figure.subplots()
        axes.stairs(bins.counts[names[0]], edges, fill=True, color=COLOURS[0], alpha=0.75, label=names[0])
        for name in names[1:]:
            axes.stairs(bins.counts[name], edges, color=COLOURS[1], linewidth=1.5, label=name)
        top = max(int(counted.max()) for counted in bins.counts.values())
        axes.set_ylim(0, 1.22 * max(top, 1))
        axes.set_xlim(edges[0], edges[-1] + 0.04 * (edges[-1] - edges[0]))
        colour = DARK[len(names) - 1]
        quartiles = describe(numbers[names[-1]]).quartiles
        # Quartiles may be neighbours: the name of a line stands above the lines to its right.
        for height, percent, value in zip((0.97, 0.92, 0.87), (25, 50, 75), quartiles, strict=True):
            label = f"quartiles, {names[-1]}" if percent == 25 else None
            axes.axvline(value, 0, height, color=colour, linewidth=0.9, linestyle="--", label=label)
            _write_beside(axes, value, height, f"{percent} %: {value:g}", colour)
        for limit in limits:
            if limit < edges[-1]:
                axes.axvline(limit + 0.5, 0, 0.8, color="black", linewidth=0.9, linestyle=":")
                _write_beside(axes, limit + 0.5, 0.8, f"{limit}", "black")
        left_out = max(bins.above.values())
        axes.set_xlabel(f"{unit} per tweet" + (f" ({left_out:,} tweets beyond are not shown)" if left_out else ""))
        axes.set_ylabel("tweets" if width == 1 else f"tweets in bins of {width}")
        axes.set_title(title, loc="left")
        figure.legend(loc="outside lower center", ncols=len(names) + 1)
        whole_numbers(axes.xaxis)
        whole_numbers(axes.yaxis)
    return numbers_of(picture)


def write_lengths(picture: Path, lengths: Sequence[int], texts: Sequence[str]) -> Path:
    """Draw how long written texts are, and as many tweets of the account; return where the numbers are.

    Args:
        picture: where it goes.
        lengths: of the account's tweets, in weighted characters.
        texts: that were written.

    Raises:
        OutputError: a file cannot be written.
    """
    # As many of the account's lengths, evenly spread over all of them, so that the two can be compared.
    shares = (np.arange(len(texts)) + 0.5) / len(texts)
    numbers = {
        "the account's": np.quantile(lengths, shares, method="nearest").astype(np.int64),
        "written": np.array([weighted_length(text) for text in texts]),
    }
    title = f"Characters per tweet: {len(texts):,} written by the model, and the account's"
    return write_histogram(picture, numbers, title, "characters")


def write_losses(picture: Path, losses: Losses, advised: int) -> Path:
    """Draw what training set 1 loses and how large both sets are, by seq_length; return where the numbers are.

    Args:
        picture: where it goes.
        losses: of every seq_length.
        advised: the seq_length to mark.

    Raises:
        OutputError: a file cannot be written.
    """
    columns = ["seq_length", "share_lost", "windows_set_1", "sequences_set_2"]
    arrays = (losses.seq_length, losses.lost, losses.windows, losses.stretches)
    rows = zip(*(array.tolist() for array in arrays), strict=True)
    with drawing(picture, columns, rows, width=8, height=5.4) as figure:
        above, below = figure.subplots(2, 1, sharex=True)
        line = {"color": COLOURS[0], "marker": "o" if len(losses.seq_length) <= 2 * BINS else "", "markersize": 3}
        above.plot(losses.seq_length, 100 * losses.lost, **line)
        above.axhline(100 * LOST, color=GREY, linewidth=0.9, linestyle="--")
        above.set_ylim(-3, 103)
        above.set_ylabel("tweets lost by set 1 (%)")
        above.set_title("What training set 1 loses, and how large both sets are, by seq_length")
        below.plot(losses.seq_length, losses.windows, label="windows of set 1", **line)
        below.plot(losses.seq_length, losses.stretches, color=COLOURS[1], label="sequences of set 2")
        below.set_ylabel("training sequences")
        below.set_ylim(0)
        below.set_xlabel("seq_length (words)")
        below.legend()
        # Beyond the point where nearly all is lost there is nothing to see.
        last = int(losses.seq_length[min(int(np.searchsorted(losses.lost, 0.999)), len(losses.lost) - 1)])
        below.set_xlim(0.5, max(last, min(advised, int(losses.seq_length[-1]))) + 1)
        above.annotate(
            f"a quarter: {100 * LOST:.0f} %",
            (1, 100 * LOST),
            xycoords=("axes fraction", "data"),
            xytext=(-3, -3),
            textcoords="offset points",
            ha="right",
            va="top",
            color=GREY,
            fontsize="small",
        )
        if advised <= losses.seq_length[-1]:
            above.plot([advised], [100 * losses.lost[advised - 1]], "o", color="black", zorder=3)
            _write_beside(above, advised, 0.97, f"advised: {advised}", "black")
            for axes in (above, below):
                axes.axvline(advised, color=GREY, linewidth=0.9, linestyle=":", zorder=0)
        whole_numbers(below.xaxis)
        whole_numbers(below.yaxis)
    return numbers_of(picture)


def write_words(picture: Path, lists: Mapping[str, Sequence[Word]], title: str) -> Path:
    """Draw lists of frequent words side by side, a bar a word; return where the numbers are.

    Args:
        picture: where it goes.
        lists: by their names.
        title: of the picture.

    Raises:
        OutputError: a file cannot be written.
    """
    rows = [
        (name, rank, word.text, word.times, word.tweets)
        for name, words in lists.items()
        for rank, word in enumerate(words, start=1)
    ]
    longest = max(1, *map(len, lists.values()))
    columns = ["list", "rank", "word", "times", "tweets"]
    with drawing(picture, columns, rows, width=4.6 * len(lists), height=1.6 + 0.22 * longest) as figure:
        figure.suptitle(title)
        for axes, (name, words) in zip(figure.subplots(1, len(lists), squeeze=False)[0], lists.items(), strict=True):
            axes.barh(range(len(words)), [word.times for word in words], color=COLOURS[0], height=0.75)
            axes.set_yticks(range(len(words)), [clip(printable(word.text), 24) for word in words])
            axes.set_ylim(longest - 0.4, -0.6)
            axes.set_title(name)
            axes.set_xlabel("occurrences")
            axes.set_xlim(0, 1.05 * max([1, *(word.times for word in words)]))
            whole_numbers(axes.xaxis)
            axes.tick_params(axis="y", length=0)
            axes.grid(axis="y", visible=False)
            axes.grid(axis="x")
    return numbers_of(picture)


def write_shares(path: Path, counts: Counter[str]) -> None:
    """Write tweets and share of each language (CSV), the most frequent first, from their codes.

    Raises:
        OutputError: the file cannot be written.
    """
    total = counts.total()
    rows = ([code, name_of(code), count, count / total] for code, count in counts.most_common())
    write_csv(path, ["code", "language", "tweets", "share"], rows)


def _write_beside(axes: Any, value: float, height: float, text: str, colour: str) -> None:
    """Write at a vertical line, on the side where there is room."""
    low, high = axes.get_xlim()
    left = value > high - 0.012 * (len(text) + 1) * (high - low)
    axes.annotate(
        text,
        (value, height),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if left else 3, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="top",
        color=colour,
        fontsize="small",
    )

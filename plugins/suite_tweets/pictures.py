"""Pictures of an account (PNG), each with its numbers beside it (CSV): what is drawn can be drawn again elsewhere."""

import csv
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lightning_suite.tables import clip
from suite_tweets.analysis import BINS, LOST, Integers, Losses, Word, describe, histogram, printable
from suite_tweets.languages import name_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#4878a8", "#d1753c")
"""Of what is counted: the first filled, the second as a line over it."""

DARK = ("#2f5170", "#8f4a1f")
"""The same for what is written."""

GREY = "#555555"

LIMITS = (140, 280)
"""Characters of a tweet, until 2017 and since."""


def write_histogram(
    picture: Path, numbers: Mapping[str, Integers], title: str, unit: str, limits: Sequence[int] = ()
) -> Path:
    """Draws how many tweets have how many characters or words; returns where the numbers are.

    A row of the numbers is a bin, its ``high`` included; the one that ends at ``inf`` is what the picture leaves out.

    Args:
        picture: where it goes.
        numbers: one or two counts (tweet,) by name; the quartiles of the last are marked.
        title: of the picture.
        unit: what is counted.
        limits: numbers to mark where the picture reaches them.
    """
    bins, described = histogram(numbers), describe([*numbers.values()][-1])
    names = list(bins.counts)
    lows, width = bins.lows.tolist(), bins.width
    counts = zip(*(bins.counts[name].tolist() for name in names), strict=True)
    rows: list[list[object]] = [[low, low + width - 1, *row] for low, row in zip(lows, counts, strict=True)]
    rows.append([lows[-1] + width, "inf", *(bins.above[name] for name in names)])
    written = _write_csv(picture, ["low", "high", *names], rows)

    figure = _figure(8, 4.2)
    axis = figure.subplots()
    edges = np.append(bins.lows, bins.lows[-1] + width) - 0.5
    axis.stairs(bins.counts[names[0]], edges, fill=True, color=COLOURS[0], alpha=0.75, label=names[0])
    for name in names[1:]:
        axis.stairs(bins.counts[name], edges, color=COLOURS[1], linewidth=1.5, label=name)
    top = max(int(counted.max()) for counted in bins.counts.values())
    axis.set_ylim(0, 1.22 * max(top, 1))
    axis.set_xlim(edges[0], edges[-1] + 0.04 * (edges[-1] - edges[0]))
    # Quartiles may be neighbours: each name stands above the lines to its right.
    colour = DARK[len(names) - 1]
    for height, name, value in zip((0.97, 0.92, 0.87), ("25 %", "50 %", "75 %"), described.quartiles, strict=True):
        axis.axvline(value, 0, height, color=colour, linewidth=0.9, linestyle="--")
        _name(axis, value, height, f"{name}: {value:g}", colour)
    for limit in limits:
        if limit < edges[-1]:
            axis.axvline(limit + 0.5, 0, 0.8, color="black", linewidth=0.9, linestyle=":")
            _name(axis, limit + 0.5, 0.8, f"{limit}", "black")
    left_out = max(bins.above.values())
    axis.set_xlabel(f"{unit} per tweet" + (f" ({left_out:,} tweets beyond are not shown)" if left_out else ""))
    axis.set_ylabel("tweets" if width == 1 else f"tweets in bins of {width}")
    axis.set_title(title, loc="left", parse_math=False)
    if len(names) > 1:
        axis.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.99), ncols=2, borderaxespad=0)
    _whole_numbers(axis.xaxis)
    _whole_numbers(axis.yaxis)
    _plain(axis)
    _save(figure, picture)
    return written


def write_losses(picture: Path, losses: Losses, advised: int) -> Path:
    """Draws what training set 1 loses and how large both sets are, by seq_length; returns where the numbers are."""
    columns = [losses.seq_length, losses.lost, losses.windows, losses.stretches]
    numbers = _write_csv(
        picture,
        ["seq_length", "share_lost", "windows_set_1", "sequences_set_2"],
        zip(*(column.tolist() for column in columns), strict=True),
    )
    figure = _figure(8, 5.4)
    above, below = figure.subplots(2, 1, sharex=True)
    dots = "o" if len(losses.seq_length) <= 2 * BINS else ""
    above.plot(losses.seq_length, 100 * losses.lost, color=COLOURS[0], marker=dots, markersize=3)
    above.axhline(100 * LOST, color=GREY, linewidth=0.9, linestyle="--")
    above.set_ylim(-3, 103)
    above.set_ylabel("tweets lost by set 1 (%)")
    above.set_title("What training set 1 loses, and how large both sets are, by seq_length")
    below.plot(losses.seq_length, losses.windows, color=COLOURS[0], marker=dots, markersize=3, label="windows of set 1")
    below.plot(losses.seq_length, losses.stretches, color=COLOURS[1], label="sequences of set 2")
    below.set_ylabel("training sequences")
    below.set_ylim(0)
    below.set_xlabel("seq_length (words)")
    below.legend(frameon=False)
    # Beyond the point where nearly all is lost there is nothing to see.
    last = int(losses.seq_length[min(int(np.searchsorted(losses.lost, 0.999)), len(losses.lost) - 1)])
    below.set_xlim(0.5, max(last, min(advised, int(losses.seq_length[-1]))) + 1)
    if advised <= losses.seq_length[-1]:
        above.plot([advised], [100 * losses.lost[advised - 1]], "o", color="black", zorder=3)
        _name(above, advised, 0.97, f"advised: {advised}", "black")
        for axis in (above, below):
            axis.axvline(advised, color=GREY, linewidth=0.9, linestyle=":", zorder=0)
    _whole_numbers(below.xaxis)
    _whole_numbers(below.yaxis)
    for axis in (above, below):
        _plain(axis)
    _save(figure, picture)
    return numbers


def write_words(picture: Path, lists: Mapping[str, Sequence[Word]], title: str) -> Path:
    """Draws lists of frequent words side by side, a bar a word; returns where the numbers are.

    Args:
        picture: where it goes.
        lists: by their names.
        title: of the picture.
    """
    numbers = _write_csv(
        picture,
        ["list", "rank", "word", "times", "tweets"],
        (
            (name, rank, word.text, word.times, word.tweets)
            for name, words in lists.items()
            for rank, word in enumerate(words, start=1)
        ),
    )
    longest = max(1, *map(len, lists.values()))
    figure = _figure(4.6 * len(lists), 1.6 + 0.22 * longest)
    figure.suptitle(title, parse_math=False)
    for axis, (name, words) in zip(figure.subplots(1, len(lists), squeeze=False)[0], lists.items(), strict=True):
        places = range(len(words))
        axis.barh(places, [word.times for word in words], color=COLOURS[0], height=0.75)
        axis.set_yticks(places, [clip(printable(word.text), 24) for word in words])
        for label in axis.get_yticklabels():
            label.set_parse_math(False)  # words such as $5 are no formulas
        axis.set_ylim(longest - 0.4, -0.6)
        axis.set_title(name, fontsize="medium")
        axis.set_xlabel("occurrences")
        axis.set_xlim(0, 1.05 * max([1, *(word.times for word in words)]))
        _whole_numbers(axis.xaxis)
        axis.tick_params(axis="y", length=0)
        _plain(axis)
        axis.grid(axis="y", visible=False)
        axis.grid(axis="x", color="#dddddd")
    _save(figure, picture)
    return numbers


def write_shares(path: Path, counts: Counter[str]) -> None:
    """Writes tweets and share of each language (CSV), the most frequent first, from their codes."""
    total = counts.total()
    rows = ([code, name_of(code), count, count / total] for code, count in counts.most_common())
    _write_csv(path, ["code", "language", "tweets", "share"], rows)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    numbers = path.with_suffix(".csv")
    # Half of a surrogate pair, which some tools leave at the end of a shortened tweet, has no form in UTF-8.
    with numbers.open("w", newline="", encoding="utf-8", errors="replace") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return numbers


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _name(axis: Any, value: float, height: float, name: str, colour: str) -> None:
    """A name at a vertical line, on the side where there is room."""
    low, high = axis.get_xlim()
    left = value > high - 0.012 * (len(name) + 1) * (high - low)
    axis.annotate(
        name,
        (value, height),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if left else 3, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="top",
        color=colour,
        fontsize="small",
    )


def _whole_numbers(side: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    side.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1, steps=[1, 2, 2.5, 5, 10]))
    side.set_major_formatter("{x:,.0f}")


def _plain(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", color="#dddddd")
    axis.set_axisbelow(True)


def _save(figure: "Figure", picture: Path) -> None:
    with warnings.catch_warnings():
        # A sign that the font lacks is drawn as a box; the numbers beside the picture spell it.
        warnings.filterwarnings("ignore", message=".*(Glyph|natively)")
        figure.savefig(picture, dpi=130)

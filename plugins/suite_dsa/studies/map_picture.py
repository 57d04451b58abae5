"""The picture of attention maps (figures 3 and 4): words as one reads them, each below the shades of its weights."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from lightning_suite.pictures import GREY, drawing
from suite_dsa.studies.maps import Map

CHARACTERS_A_LINE = 84
"""A longer sentence takes several lines."""

GAP = 1.6
"""Characters between two words; the font is not of one width."""

INCHES_A_CHARACTER, INCHES_A_HEAD, INCHES_OF_WORDS, INCHES_OF_TITLE = 0.083, 0.24, 0.34, 0.2

COLUMNS = ["sentence", "position", "word", "attention", "head", "weight"]


def draw_maps(picture: Path, maps: Sequence[Map]) -> None:
    """Draw sentences below each other; one scale of shades holds for the whole picture."""
    lines = [(number, first, last) for number, each in enumerate(maps) for first, last in _cuts(each.words)]
    titled = len(maps) > 1
    cells_high = [len(maps[number].rows) for number, _, _ in lines]
    height = INCHES_A_HEAD * sum(cells_high) + INCHES_OF_WORDS * len(lines) + INCHES_OF_TITLE * len(maps) * titled
    longest = max(_edges(maps[number].words[first:last])[-1] for number, first, last in lines)
    most = max(float(row.weights.max()) for each in maps for row in each.rows)
    left = 0.08 * max(len(name) for each in maps for name in each.names())
    size = {"width": max(3.5, INCHES_A_CHARACTER * longest + left + 1.2), "height": max(1.6, height + 0.2)}
    with drawing(picture, COLUMNS, _numbers(maps), **size) as figure:
        axes = figure.subplots(len(lines), 1, squeeze=False, gridspec_kw={"height_ratios": cells_high})[:, 0]
        for axis, (number, first, last) in zip(axes, lines, strict=True):
            each = maps[number]
            edges, heads = _edges(each.words[first:last]), range(len(each.rows) + 1)
            cells = each.weights()[first:last].T.numpy()  # row word
            image = axis.pcolormesh(edges, heads, cells, cmap="Blues", vmin=0, vmax=most, edgecolors="white", lw=1.5)
            axis.invert_yaxis()
            axis.grid(visible=False)
            axis.set_xlim(0, longest)
            axis.spines[:].set_visible(False)
            axis.set_xticks([(begin + end) / 2 for begin, end in pairwise(edges)], each.words[first:last])
            axis.set_yticks([head + 0.5 for head in heads[:-1]], each.names())
            axis.tick_params(length=0)
            if titled and first == 0:
                axis.set_title(f"sentence {number + 1}", loc="left", fontsize="small", color=GREY)
        figure.colorbar(image, ax=list(axes), label="attention", aspect=12 * max(1.0, height / 2), pad=0.02)


def _numbers(maps: Sequence[Map]) -> Iterator[tuple[int, int, str, str, int, float]]:
    for number, (words, rows) in enumerate(maps, start=1):
        for position, word in enumerate(words, start=1):
            for row in rows:
                yield number, position, word, row.attention, row.head, float(row.weights[position - 1])


def _cuts(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield where the lines of a sentence begin and end."""
    first = 0
    for number in range(1, len(words) + 1):
        if number == len(words) or _edges(words[first : number + 1])[-1] > CHARACTERS_A_LINE + GAP:
            yield first, number
            first = number


def _edges(words: Sequence[str]) -> list[float]:
    """Return where the cells of words begin and end, in characters."""
    edges = [0.0]
    for word in words:
        edges.append(edges[-1] + max(len(word), 1) + GAP)
    return edges

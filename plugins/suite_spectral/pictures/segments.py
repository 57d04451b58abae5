"""An image, its segments, and their borders over it."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from lightning_suite.pictures import COLOURS, drawing
from suite_spectral.segments import Segment, borders

LONGEST = 1200
"""Pixels of the longer side of an image in a picture."""

WHITE = (1.0, 1.0, 1.0)
RED = (0.85, 0.0, 0.35)


def write_segments(picture: Path, image: Tensor, labels: Tensor, segments: Sequence[Segment]) -> None:
    """Draw an image, its segments, and their borders over it.

    Args:
        picture: the PNG file; the CSV has its name.
        image: (height, width, 1 or 3), 0 to 1.
        labels: (height, width) int64.
        segments: what each is.
    """
    columns = ["segment", "pixels", "share", "red", "green", "blue", "top", "left", "bottom", "right"]
    rows = ([one.number, one.pixels, one.share, *_three(one.colour), *one.box] for one in segments)
    height, width = labels.shape
    step = max(1, -(-max(height, width) // LONGEST))
    shown = image[::step, ::step].expand(-1, -1, 3).contiguous().float()
    parts = labels[::step, ::step]
    flat, outlined = _drawn(shown, parts)
    inches = (12.6, 0.6 + 4.1 * height / width) if width >= height else (9.6, 0.6 + 3.1 * height / width)
    with drawing(picture, columns, rows, width=inches[0], height=inches[1]) as figure:
        axes = figure.subplots(1, 3)
        panels = {"image": shown, f"{len(segments)} segments": flat, "their borders": outlined}
        for axis, (title, panel) in zip(axes, panels.items(), strict=True):
            axis.imshow(panel.numpy(), interpolation="antialiased")
            axis.set_title(title)
            axis.set_axis_off()
        box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
        for one in segments:
            row, column = (place / step for place in one.middle)
            axes[1].text(column, row, f"{one.number}", ha="center", va="center", color="black", bbox=box)


def _drawn(image: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The segments in flat colours, and the image with their borders, both (height, width, 3)."""
    from matplotlib.colors import to_rgb

    colours = torch.tensor([to_rgb(COLOURS[number % len(COLOURS)]) for number in range(int(labels.max()) + 1)])
    lines = borders(labels)
    thick = lines.clone()  # two pixels wide, to be seen when the picture is made smaller
    thick[1:] |= lines[:-1]
    thick[:, 1:] |= lines[:, :-1]
    flat, outlined = colours[labels], image.clone()
    flat[lines] = 1.0
    outlined[thick] = torch.tensor(WHITE)
    outlined[lines] = torch.tensor(RED)
    return flat, outlined


def _three(colour: tuple[float, ...]) -> tuple[float, ...]:
    return colour if len(colour) == 3 else colour * 3

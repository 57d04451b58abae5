"""Verbs of the plugin: the accuracy of a trained network beyond the sizes it was trained on."""

import torch
from lightning_suite import load
from lightning_suite.errors import UsageError
from lightning_suite.pictures import drawing, numbers_of
from lightning_suite.run import Run

from digit_sums.data import collate
from digit_sums.module import DigitSum


def sizes(run: str, *, largest: int = 100, step: int = 5, sets: int = 1000) -> None:
    """Draw the accuracy by the size of the set (figure 2), with the numbers beside it.

    Args:
        run: a run folder or a checkpoint.
        largest: the largest size.
        step: sizes are multiples of this.
        sets: number of sets of each size.

    Raises:
        UsageError: the run is of another plugin, or there is no size to draw.
    """
    module = load(run)
    if not isinstance(module, DigitSum):
        raise UsageError(f"{run} is not a run of digit_sums")
    if not 1 <= step <= largest or sets < 1:
        raise UsageError(f"--largest {largest} --step {step} --sets {sets} leave no set to draw")
    rows = [(size, accuracy(module, size, sets)) for size in range(step, largest + 1, step)]
    picture = Run.at(run).folder / "figures" / "sizes.png"
    with drawing(picture, ["size", "accuracy"], rows) as figure:
        axes = figure.subplots()
        axes.plot(*zip(*rows, strict=True), marker=".")
        axes.set(xlabel="digits in a set", ylabel="accuracy", ylim=(-0.02, 1.02))
    print(f"accuracy {rows[0][1]:.3f} with {rows[0][0]} digits, {rows[-1][1]:.3f} with {rows[-1][0]}")
    print(f"picture: {picture}\nnumbers: {numbers_of(picture)}")


@torch.inference_mode()
def accuracy(module: DigitSum, size: int, sets: int) -> float:
    """Return the share of random sets of a size whose sum is right."""
    generator = torch.Generator().manual_seed(size)
    batch = collate(list(torch.randint(10, (sets, size), generator=generator)))
    return float((module(batch).round() == batch.sums).float().mean())

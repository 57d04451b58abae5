"""What one does with a trained network: how far does it reach beyond the sizes it was trained on?"""

import csv
from pathlib import Path

import torch
from lightning_suite import load
from lightning_suite.errors import UsageError
from lightning_suite.run import Run

from digit_sums.data import collate
from digit_sums.module import DigitSum


def sizes(run: str, *, largest: int = 100, step: int = 5, sets: int = 1000) -> None:
    """Draws the accuracy by the size of the set (figure 2), with the numbers beside it.

    Args:
        run: a run folder or a checkpoint.
        largest: the largest size.
        step: sizes are multiples of this.
        sets: how many sets of each size are drawn.

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
    picture.parent.mkdir(parents=True, exist_ok=True)
    numbers = picture.with_suffix(".csv")
    with numbers.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("size", "accuracy"), *rows])
    draw(picture, rows)
    print(f"accuracy {rows[0][1]:.3f} with {rows[0][0]} digits, {rows[-1][1]:.3f} with {rows[-1][0]}")
    print(f"picture: {picture}\nnumbers: {numbers}")


@torch.inference_mode()
def accuracy(module: DigitSum, size: int, sets: int) -> float:
    """Share of random sets of a size whose sum is right."""
    generator = torch.Generator().manual_seed(size)
    batch = collate(list(torch.randint(10, (sets, size), generator=generator)))
    return float((module(batch).round() == batch.sums).float().mean())


def draw(picture: Path, rows: list[tuple[int, float]]) -> None:
    """A line through the accuracies."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3), layout="constrained")
    axis = figure.subplots()
    axis.plot(*zip(*rows, strict=True), marker=".")
    axis.set(xlabel="digits in a set", ylabel="accuracy", ylim=(-0.02, 1.02))
    figure.savefig(picture, dpi=150)

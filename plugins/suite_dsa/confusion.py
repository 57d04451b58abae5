"""The confusion matrix of a test as a picture with its numbers."""

import csv
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor


def write_confusion(picture: Path, labels: Sequence[str], counts: Tensor) -> None:
    """Draws how often each class was taken for each, and writes the numbers beside it as CSV.

    Args:
        picture: the PNG file; the CSV has its name.
        labels: the classes in the order of the matrix.
        counts: (class, class), true class by predicted class.
    """
    from matplotlib.figure import Figure

    with picture.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["true \\ predicted", *labels])
        writer.writerows([label, *row] for label, row in zip(labels, counts.tolist(), strict=True))
    figure = Figure(figsize=(1.2 * len(labels) + 2, 1.0 * len(labels) + 1.6), layout="constrained")
    axis = figure.subplots()
    shares = counts / counts.sum(dim=1, keepdim=True).clamp_min(1)
    axis.imshow(shares.cpu().numpy(), cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(labels)), labels)
    axis.set_yticks(range(len(labels)), labels)
    axis.set_xlabel("predicted")
    axis.set_ylabel("true")
    for true, row in enumerate(counts.tolist()):
        for predicted, count in enumerate(row):
            dark = bool(shares[true, predicted] > 0.6)
            axis.text(predicted, true, f"{count:,}", ha="center", va="center", color="white" if dark else "black")
    figure.savefig(picture, dpi=150)

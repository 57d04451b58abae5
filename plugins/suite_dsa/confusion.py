"""The confusion matrix of a test as a picture with its numbers."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from lightning_suite.pictures import drawing


def write_confusion(picture: Path, labels: Sequence[str], counts: Tensor) -> None:
    """Draw a confusion matrix, and write its numbers beside it as CSV.

    Args:
        picture: the PNG file; the CSV has its name.
        labels: the classes in the order of the matrix.
        counts: (class, class), true class by predicted class.

    Raises:
        UsageError: matplotlib is not installed.
        OutputError: a file cannot be written.
    """
    shares = (counts / counts.sum(dim=1, keepdim=True).clamp_min(1)).cpu()
    rows = [[label, *row] for label, row in zip(labels, counts.tolist(), strict=True)]
    width, height = 1.2 * len(labels) + 2, 1.0 * len(labels) + 1.6
    with drawing(picture, ["true \\ predicted", *labels], rows, width=width, height=height) as figure:
        axes = figure.subplots()
        axes.grid(visible=False)
        axes.imshow(shares.numpy(), cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(labels)), labels)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        for true, row in enumerate(counts.tolist()):
            for predicted, count in enumerate(row):
                colour = "white" if shares[true, predicted] > 0.6 else "black"
                axes.text(predicted, true, f"{count:,}", ha="center", va="center", color=colour)

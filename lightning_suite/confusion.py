"""The confusion matrix of a test as a picture with its numbers."""

from collections.abc import Sequence
from pathlib import Path

from lightning_suite.pictures import drawing


def write_confusion(picture: Path, labels: Sequence[str], counts: Sequence[Sequence[float]]) -> None:
    """Draw a confusion matrix, coloured by the shares of each true class, and write its numbers beside it as CSV.

    Args:
        picture: the PNG file; the CSV has its name.
        labels: the classes in the order of the matrix.
        counts: (class, class), true class by predicted class: numbers of examples, or sums of their weights.

    Raises:
        UsageError: matplotlib is not installed.
        OutputError: a file cannot be written.
    """
    rows = [[label, *row] for label, row in zip(labels, counts, strict=True)]
    shares = [[count / (sum(row) or 1) for count in row] for row in counts]
    width, height = 1.2 * len(labels) + 2, 1.0 * len(labels) + 1.6
    with drawing(picture, ["true \\ predicted", *labels], rows, width=width, height=height) as figure:
        axes = figure.subplots()
        axes.grid(visible=False)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(labels)), labels)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        for true, row in enumerate(counts):
            for predicted, count in enumerate(row):
                colour = "white" if shares[true][predicted] > 0.6 else "black"
                text = f"{count:,.0f}" if count == int(count) else f"{count:,.1f}"
                axes.text(predicted, true, text, ha="center", va="center", color=colour)

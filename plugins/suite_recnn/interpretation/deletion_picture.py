"""A picture of the deletion test: how the AUC falls with the share of the splittings that is taken away."""

from pathlib import Path
from typing import Any

from lightning_suite.pictures import GREY, drawing, numbers_of
from suite_recnn.interpretation.deletion import HARDEST, RANDOM, Deletion

COLUMNS = ("removal", "method", "share", "auc", "error", "momentum")


def draw_deletion(picture: Path, found: Deletion, *, title: str = "") -> Path:
    """Draw the AUC over the share that is taken away, by method, write the numbers beside it, and return their path."""
    rows: list[tuple[object, ...]] = [(found.removal, "none", 0.0, *found.whole, 1.0)]
    rows += [(found.removal, *point) for point in found.points]
    with drawing(picture, COLUMNS, rows, width=6.2, height=4.2) as figure:
        axis = figure.subplots()
        style: dict[str, dict[str, Any]]
        style = {RANDOM: {"color": GREY, "linestyle": "--"}, HARDEST: {"color": GREY, "linestyle": ":"}}
        for method in found.methods():
            points = [point for point in found.points if point.method == method]
            shares = [0.0, *(100 * point.share for point in points)]
            values = [found.whole.value, *(point.auc for point in points)]
            errors = [found.whole.error, *(point.error for point in points)]
            axis.errorbar(shares, values, errors, capsize=2, label=method, **style.get(method, {}))
        axis.axhline(0.5, color=GREY, linewidth=0.6)
        what = "whose features are replaced" if found.removal == "median" else "whose softer branch is removed"
        axis.set_xlabel(f"splittings of each jet {what} (%)")
        axis.set_ylabel("AUC")
        axis.set_title(title)
        axis.legend()
    return numbers_of(picture)

"""A picture of the mass direction: around the hard splitting, and by depth below the root."""

from pathlib import Path

from lightning_suite.pictures import COLOURS, GREY, drawing, numbers_of
from suite_recnn.interpretation.mass_direction import MassDirection

COLUMNS = ("what", "class", "place", "jets", "value")


def rows_of(found: MassDirection) -> list[tuple[object, ...]]:
    """Return all numbers, one in a row, under COLUMNS; place is a step, a depth, or the name of a network."""
    rows: list[tuple[object, ...]] = [
        ("r2_root", "", 0, "", found.root.value),
        ("r2_root_error", "", 0, "", found.root.error),
    ]
    for step in found.steps:
        numbers = {name: getattr(step, name) for name in ("mass", "disagreement", "bias", "change", "true_change")}
        rows += [(name, found.classes[step.label], step.step, step.jets, value) for name, value in numbers.items()]
    for depth in found.depths:
        rows += [(f"r2_{name}", "", depth.depth, depth.jets, getattr(depth, name)) for name in ("followed", "refitted")]
    for largest in found.largest:
        where = (found.classes[largest.label], largest.network, largest.jets)
        rows += [(name, *where, getattr(largest, name)) for name in ("at", "near", "random_at", "random_near")]
    return rows


def draw_mass_direction(picture: Path, found: MassDirection, *, title: str = "") -> Path:
    """Draw change and disagreement by step, and R^2 by depth, write all numbers beside it, and return their path."""
    with drawing(picture, COLUMNS, rows_of(found), width=12.0, height=3.8) as figure:
        around, apart, deep = figure.subplots(1, 3)
        for label, name in enumerate(found.classes):
            steps = [step for step in found.steps if step.label == label]
            places, colour = [step.step for step in steps], COLOURS[label]
            around.plot(places, [step.change for step in steps], "o-", color=colour, label=f"{name}: predicted")
            around.plot(places, [step.true_change for step in steps], "x:", color=colour, label=f"{name}: true")
            apart.plot(places, [step.disagreement for step in steps], "o-", color=colour, label=name)
        for axis, words in (
            (around, "median |Δ ln m| to the harder branch"),
            (apart, "median |ln m predicted - true|"),
        ):
            axis.axvline(0, color=GREY, linewidth=0.8, linestyle="--")
            axis.set_ylim(bottom=0)
            axis.set_xlabel("steps from the hard splitting")
            axis.set_ylabel(words)
            axis.legend(fontsize="small")
        depths = [depth.depth for depth in found.depths]
        deep.plot(depths, [max(depth.followed, -1.0) for depth in found.depths], "o-", label="direction of the root")
        deep.plot(depths, [depth.refitted for depth in found.depths], "s-", label="refitted at the depth")
        deep.axhline(0, color=GREY, linewidth=0.8)
        deep.set_ylim(-1.05, 1.0)
        deep.set_xlabel("steps from the root")
        deep.set_ylabel("R² of ln m (below -1 drawn at -1)")
        deep.legend(fontsize="small")
        figure.suptitle(title)
    return numbers_of(picture)

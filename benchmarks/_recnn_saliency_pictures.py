"""The pictures of benchmarks/recnn_saliency.py, small enough to be committed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._fits import folder_of
from lightning_suite.pictures import COLOURS, GREY, drawing, numbers_of

CLASSES = {"W/QCD": ("QCD", "W"), "top/QCD": ("QCD", "top"), "quark/gluon": ("gluon", "quark")}
TASKS = tuple(CLASSES)
JETS = 3000
"""Of each class and run, on the Lund planes."""
COLOURS_OF = {"integrated": COLOURS[0], "gradient_input": COLOURS[2], "relative": COLOURS[1]}


def draw(folder: Path, runs: Path, results: dict[str, Any], seeds: int) -> None:
    """Draw all pictures: of planes and one jet from the runs, of deletion and mass direction from the results."""
    planes = {task: _planes(runs, task, seeds) for task in results["saliency"] if results["saliency"][task]}
    _draw_planes(folder / "recnn_saliency.png", planes, common=False)
    _draw_planes(folder / "recnn_saliency_common.png", planes, common=True)
    _draw_deletion(folder / "recnn_deletion.png", results)
    _draw_mass(folder / "recnn_mass_direction.png", results)
    _draw_jet(folder / "recnn_jet_saliency.png", runs)


def _planes(runs: Path, task: str, seeds: int) -> tuple[list[Any], float]:
    """Return the map of each class over all seeds together, and the median transverse momentum of the jets."""
    from suite_recnn.interpretation.lund_plane import lund_map
    from suite_recnn.interpretation.saliency import splittings
    from suite_recnn.interpretation.subject import open_subject

    found = []
    for seed in range(seeds):
        try:
            run = folder_of(runs, f"{task}, RecNN", seed)
        except ValueError:
            continue
        found.append(splittings(open_subject(run, algorithm="cambridge-aachen", limit=JETS)))
    names = ("ln_inverse_delta", "ln_kt", "saliency", "weights")
    maps = []
    for label in range(2):
        x, y, values, weights = (
            np.concatenate([getattr(one, name)[one.labels == label] for one in found]) for name in names
        )
        maps.append(lund_map(x, y, values, weights, float(sum(one.jet_weights[label] for one in found))))
    return maps, found[0].jet_pt


def _draw_planes(picture: Path, planes: Mapping[str, tuple[list[Any], float]], *, common: bool) -> None:
    """Draw Figure 1, or with a common range Figure 3: tasks from left to right, background above signal."""
    from suite_recnn.interpretation.lund_pictures import COMMON_RANGE, draw_lines, draw_plane, paper_range

    with drawing(picture, ["see"], [["benchmarks/results"]], width=3.5 * len(planes), height=6.2) as figure:
        axes = figure.subplots(2, len(planes), sharex=True, sharey=True, squeeze=False)
        for column, (task, (maps, pt)) in zip(axes.T, planes.items(), strict=True):
            end = COMMON_RANGE if common else paper_range([name.lower() for name in CLASSES[task]])
            for axis, plane, name in zip(column, maps, CLASSES[task], strict=True):
                draw_plane(figure, axis, plane, plane.mean, "viridis", 0.0, end, "saliency")
                draw_lines(axis, pt)
                axis.set_title(f"{task}: {name}")
            column[1].set_xlabel("ln(1 / Δ)")
        for axis in axes[:, 0]:
            axis.set_ylabel("ln(kT / GeV)")
        axes[0, -1].legend(loc="upper right", fontsize="small")
    _shrink(picture)


def _draw_deletion(picture: Path, results: dict[str, Any]) -> None:
    with drawing(picture, ["see"], [["benchmarks/results"]], width=10.0, height=5.6) as figure:
        axes = figure.subplots(2, 3, sharex=True, sharey=True)
        for row, removal, words in zip(axes, ("median", "branch"), ("features", "branches"), strict=True):
            for axis, task in zip(row, TASKS, strict=True):
                runs = list(results[removal].get(task, {}).values())
                for method in dict.fromkeys(point[0] for run in runs for point in run["points"]):
                    points = np.array([[p[1:3] for p in run["points"] if p[0] == method] for run in runs])
                    shares = np.append(0.0, 100 * points[0, :, 0])
                    aucs = np.column_stack([[run["whole"] for run in runs], points[:, :, 1]])
                    colour = COLOURS_OF.get(method, GREY)
                    style = {"random": "--", "hardest": ":"}.get(method, "-")
                    axis.plot(shares, aucs.mean(axis=0), style, color=colour, label=method)
                    axis.fill_between(shares, aucs.min(axis=0), aucs.max(axis=0), color=colour, alpha=0.2, linewidth=0)
                axis.axhline(0.5, color=GREY, linewidth=0.6)
                axis.set_title(f"{task}, {words} of the most salient")
        for axis in axes[1]:
            axis.set_xlabel("splittings taken away (%)")
        for axis in axes[:, 0]:
            axis.set_ylabel("AUC")
        axes[0, 2].legend(loc="lower left", fontsize="small")
    _shrink(picture)


def _draw_mass(picture: Path, results: dict[str, Any]) -> None:
    with drawing(picture, ["see"], [["benchmarks/results"]], width=10.0, height=3.3) as figure:
        axes = figure.subplots(1, 3, sharey=True)
        for axis, task in zip(axes, TASKS, strict=True):
            runs = list(results["mass_direction"].get(task, {}).values())
            for label, name in enumerate(CLASSES[task] if runs else ()):
                steps = [step for run in runs for step in run["steps"] if step["label"] == label]
                places = sorted({step["step"] for step in steps})
                for key, style in (("change", "o-"), ("true_change", "x:")):
                    means = [np.mean([step[key] for step in steps if step["step"] == place]) for place in places]
                    words = f"{name}: {'predicted' if key == 'change' else 'true'}"
                    axis.plot(places, means, style, color=COLOURS[label], label=words, markersize=4)
            axis.axvline(0, color=GREY, linewidth=0.8, linestyle="--")
            axis.set_title(task)
            axis.set_xlabel("steps from the hard splitting")
            if runs:
                axis.legend(fontsize="small")
        axes[0].set_ylabel("median |Δ ln m| to the harder branch")
    _shrink(picture)


def _draw_jet(picture: Path, runs: Path) -> None:
    """Draw the first W jet of 30 to 40 constituents whose hard splitting is below the root, of W/QCD, seed 0."""
    from suite_recnn.interpretation.hard_splitting import ways_of
    from suite_recnn.interpretation.jet_tree import draw_jet, jet_tree
    from suite_recnn.interpretation.subject import open_subject
    from suite_recnn.interpretation.trees import trees_of

    subject = open_subject(folder_of(runs, "W/QCD, RecNN", 0), algorithm="cambridge-aachen", limit=200)
    ways, counts = ways_of(trees_of(subject)), subject.jets.counts()
    mass = np.exp(ways.log_mass[np.arange(len(subject)), np.maximum(ways.hard, 0)])
    fit = (subject.labels == 1) & (counts >= 30) & (counts <= 40) & (ways.hard >= 2) & (np.abs(mass - 80) < 5)
    draw_jet(picture, jet_tree(subject, int(np.flatnonzero(fit)[0])), title="a W jet in W/QCD")
    _shrink(picture)


def _shrink(picture: Path) -> None:
    """Keep 256 colours, of which a picture of this kind has no more, and no numbers: these are in the results."""
    from PIL import Image

    with Image.open(picture) as image:
        image.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
            picture, optimize=True
        )
    numbers_of(picture).unlink()

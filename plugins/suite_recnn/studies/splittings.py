"""Verbs on what a network makes of the splittings of a jet: where it looks, and what it knows down the tree."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from lightning_suite.constraints import Interval, check
from lightning_suite.tables import table

if TYPE_CHECKING:
    from suite_recnn.interpretation.deletion import Deletion
    from suite_recnn.interpretation.saliency import Splittings

Measure = Literal["relative", "gradient_input", "integrated"]
Test = Literal["none", "median", "branch"]


def saliency(
    run: str,
    *,
    jets: str | None = None,
    method: Measure = "relative",
    deletion: Test = "none",
    jet: int | None = None,
    limit: int | None = 2000,
    output: str | None = None,
) -> None:
    """Show which splittings a recursive network looks at: saliency on the Lund plane, of one jet, and its test.

    The saliency of the paper (its equation 2) is relative to the root of the tree, where it is 1: it falls with depth.
    Jets are clustered with Cambridge/Aachen, whatever the network was trained on. Draws mean saliency by class in the
    paper's range (its Fig. 1) and in one that all tasks share (its Fig. 3), the number of splittings beside it, and the
    lines of the masses of W and top.

    Args:
        run: a run folder or a checkpoint.
        jets: files of other jets, with commas between them, in place of the test jets of the run.
        method: relative, the paper's; or, with a sign, gradient_input or integrated (gradients).
        deletion: takes the most salient splittings away and measures the AUC, by each method: median, by replacing the
            node's features; branch, by removing its softer branch.
        jet: draws the tree of the jet of this number, from 0, in place of the plane.
        limit: the largest number of jets of each class.
        output: the folder of the pictures; by default figures in the folder of the run.

    Raises:
        UsageError: there is no such run, file or jet, or the network has no such saliency.
        DataError: a file cannot be read.
    """
    check({"limit": [Interval(int, 1), None]}, locals(), where="--")

    from suite_recnn.interpretation import lund_pictures
    from suite_recnn.interpretation.deletion import deletion as delete
    from suite_recnn.interpretation.deletion_picture import draw_deletion
    from suite_recnn.interpretation.jet_tree import draw_jet, jet_tree
    from suite_recnn.interpretation.saliency import splittings, untrained_splittings
    from suite_recnn.interpretation.subject import open_subject

    subject = open_subject(run, jets=_files(jets), algorithm="cambridge-aachen", limit=limit)
    folder = Path(output).expanduser() if output else subject.run.folder / "figures"
    title = f"{subject.name}: {subject.source}"
    if jet is not None:
        picture = folder / f"saliency-jet-{jet}.png"
        numbers = draw_jet(picture, tree := jet_tree(subject, jet, method), title=f"{tree.name} ({title})")
        print(f"picture: {picture}, numbers: {numbers.name}")
        print(f"next: suite saliency {shlex.quote(run)}")
        return
    found = splittings(subject, method)
    random = untrained_splittings(subject, method)
    picture = folder / ("saliency.png" if method == "relative" else f"saliency-{method}.png")
    print(f"{title}\n\n{_means(found, random, subject.classes)}\n")
    numbers = lund_pictures.draw_lund_planes(picture, found, subject.classes, title=title)
    print(f"picture: {picture}, numbers: {numbers.name}")
    if deletion != "none":
        result = delete(subject, removal=deletion)
        picture = folder / f"deletion-{deletion}.png"
        print(f"\n{_deleted(result)}\n")
        numbers = draw_deletion(picture, result, title=f"{subject.name}: the most salient splittings taken away")
        print(f"picture: {picture}, numbers: {numbers.name}")
        print(f"next: suite mass-direction {shlex.quote(run)}")
    else:
        print(f"next: suite saliency {shlex.quote(run)} --deletion branch")


def mass_direction(
    run: str,
    *,
    jets: str | None = None,
    folds: int = 5,
    limit: int | None = 4000,
    seed: int = 0,
    output: str | None = None,
) -> None:
    """Follow the direction of mass down the tree, and see where it breaks: at the hard splitting, or elsewhere.

    A linear regression gives ln m from the root's embedding; its prediction at every node along the harder branches is
    compared with the node's mass, by steps from the hard splitting. That is soft drop's, the first with z > 0.1 on
    Cambridge/Aachen trees: files of jets do not say where the quarks of a decay went.

    Args:
        run: a run folder or a checkpoint.
        jets: files of other jets, with commas between them, in place of the test jets of the run.
        folds: each fold of the events is predicted by a regression on the others.
        limit: the largest number of jets of each class.
        seed: of the folds, and of the untrained network that is shown beside.
        output: the folder of the picture; by default figures in the folder of the run.

    Raises:
        UsageError: there is no such run or file, the network is not recursive, or a package is missing.
        DataError: a file cannot be read.
    """
    check({"limit": [Interval(int, 1), None], "folds": [Interval(int, 2)]}, locals(), where="--")

    from suite_recnn.interpretation.mass_direction import mass_direction as follow
    from suite_recnn.interpretation.mass_direction_picture import draw_mass_direction
    from suite_recnn.interpretation.subject import open_subject

    subject = open_subject(run, jets=_files(jets), algorithm="cambridge-aachen", limit=limit)
    folder = Path(output).expanduser() if output else subject.run.folder / "figures"
    found = follow(subject, folds=folds, seed=seed)
    print(f"{found.name}: {found.source}\n\nR² of ln m at the root: {found.root.value:.3f} ± {found.root.error:.3f}\n")
    columns = ["class", "steps from hard splitting", "jets", "median m (GeV)", "|predicted - true|", "change", "true"]
    rows = [
        [found.classes[step.label], f"{step.step:+d}", f"{step.jets:,}", *(f"{value:.2f}" for value in numbers)]
        for step in found.steps
        for numbers in [(step.mass, step.disagreement, step.change, step.true_change)]
    ]
    print(f"{table(columns, rows)}\nchange: median |Δ ln m| predicted to the harder branch; true: of the mass itself\n")
    rows = [
        [f"{each.depth}", f"{each.jets:,}", f"{each.followed:.2f}", f"{each.refitted:.2f}"] for each in found.depths
    ]
    print(f"{table(['steps from root', 'jets', 'R², direction of the root', 'R², refitted'], rows)}\n")
    rows = [
        [found.classes[one.label], one.network, f"{one.jets:,}", *(f"{share:.3f}" for share in one[3:])]
        for one in found.largest
    ]
    columns = ["class", "network", "jets", "at", "at or next to", "random: at", "at or next to"]
    print(f"largest change of the prediction at the hard splitting, share of the jets:\n{table(columns, rows)}\n")
    picture = folder / "mass-direction.png"
    numbers_file = draw_mass_direction(picture, found, title=f"{found.name}: {found.source}")
    print(f"picture: {picture}, numbers: {numbers_file.name}")
    print(f"next: suite saliency {shlex.quote(run)}")


def _files(jets: str | None) -> list[str] | None:
    """Return the names between commas."""
    return None if jets is None else [file.strip() for file in jets.split(",") if file.strip()]


def _means(found: "Splittings", random: "Splittings", classes: tuple[str, ...]) -> str:
    """Return a table of the saliency of each class, beside that of an untrained network."""
    from suite_recnn.interpretation.lund_plane import likeness

    rows = []
    for label, name in enumerate(classes):
        chosen = (found.labels == label) & np.isfinite(found.saliency)
        if not chosen.any():
            continue
        quartiles = np.percentile(found.saliency[chosen], [25, 50, 75])
        above = np.mean(found.saliency[chosen] > 1)
        alike = likeness(found.map(label), random.map(label))
        numbers = (found.mean(label), *quartiles, above, random.mean(label), alike)
        rows.append([name, f"{chosen.sum():,}", *(f"{number:.3f}" for number in numbers)])
    columns = ["class", "splittings", "mean", "25 %", "50 %", "75 %", "share above 1", "untrained mean", "maps alike"]
    return f"{table(columns, rows)}\nmaps alike: correlation, over cells, with the map of an untrained network"


def _deleted(result: "Deletion") -> str:
    """Return a table of the AUC by method, the best one first, and share."""
    shares = sorted({point.share for point in result.points})
    rows = [["none", f"{result.whole.value:.3f}", *(f"{result.whole.value:.3f}" for _ in shares), ""]]
    for method in result.methods():
        points = {point.share: point for point in result.points if point.method == method}
        aucs = [f"{points[share].auc:.3f}" for share in shares]
        rows.append([method, f"{result.mean_auc(method):.3f}", *aucs, f"{points[shares[-1]].momentum:.2f}"])
    columns = ["taken away", "mean AUC", *(f"{100 * share:g} %" for share in shares), "pT left"]
    return table(columns, rows)

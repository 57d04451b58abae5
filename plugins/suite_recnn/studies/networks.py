"""Verbs on trained networks: what they have learnt. Each opens runs, calls a study and prints and draws its numbers."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lightning_suite.constraints import Interval, check
from lightning_suite.errors import UsageError
from lightning_suite.tables import table

if TYPE_CHECKING:
    from suite_recnn.interpretation.probing import Probing
    from suite_recnn.tagging import Estimate

Regression = Literal["ridge", "linear"]


def probe(
    runs: list[str],
    *,
    jets: str | None = None,
    layers: str = "first",
    regression: Regression = "ridge",
    folds: int = 5,
    step: float = 0.25,
    limit: int | None = None,
    seed: int = 0,
    output: str | None = None,
) -> None:
    """Measure which observables a linear function of hidden layers gives: R², on jets that nothing was trained on.

    Prints for each observable of the paper's Table 1 the score from a layer, the three highest marked, and beside it
    what keeps it honest; draws the scores by layer (its Fig. 2, a panel for each run) and, for the first layer of each
    run, the plane of angularities.

    Args:
        runs: run folders or checkpoints.
        jets: files of other jets, with commas between them, in place of the test jets of each run.
        layers: first (the embedding), all (the last three), or names with commas between them.
        regression: ridge, or linear as in the paper.
        folds: each fold of the events is predicted by a regression on the others.
        step: between the exponents of the plane of angularities.
        limit: the largest number of jets of each class.
        seed: of the folds, of the untrained network and of the shuffled targets.
        output: the folder of the pictures; by default figures in the folder of the run, or probe for several.

    Raises:
        UsageError: there is no such run, file or layer, an option is out of its range, or a package is missing.
        DataError: a file cannot be read.
    """
    ranges = {"folds": [Interval(int, 2)], "step": [Interval(float, 0, 3, closed="right")]}
    check(ranges | {"limit": [Interval(int, 1), None]}, locals(), where="--")

    from suite_recnn.interpretation import probe_pictures, probing
    from suite_recnn.interpretation.subject import open_subject

    files = None if jets is None else [file.strip() for file in jets.split(",") if file.strip()]
    folder = _folder(runs, output, "probe")
    found, pictures = [], []
    for number, run in enumerate(runs):
        subject = open_subject(run, jets=files, limit=limit)
        result = probing.probe(subject, layers=layers, regression=regression, folds=folds, seed=seed)
        plane = probing.plane(subject, step=step, regression=regression, folds=folds, seed=seed)
        found.append(result)
        stem = "probe-plane" if len(runs) == 1 else f"plane-{number + 1}"
        probe_pictures.write_plane(folder / f"{stem}.png", plane)
        pictures.append(folder / f"{stem}.png")
        print(f"{result.name}: {result.source}\n\n{_probes(result)}\n")
    names = [result.name for result in found]
    if len(set(names)) < len(names):  # such as seeds of one task
        found = [replace(result, name=f"{result.name}, {run}") for result, run in zip(found, runs, strict=True)]
    pictures.append(folder / ("probe.png" if len(runs) == 1 else "layers.png"))
    probe_pictures.write_layers(pictures[-1], found)
    print("* the three highest; partial: after mass and pT; ± of R² alone, by drawing the events again")
    for picture in pictures:
        print(f"picture: {picture}, numbers: {picture.with_suffix('.csv').name}")
    following = f"transfer {shlex.quote(runs[0])} --to RUN" if len(runs) == 1 else f"transfer {shlex.join(runs)}"
    print(f"next: suite {following}")


def transfer(
    runs: list[str],
    *,
    to: str | None = None,
    epochs: int = 20,
    fine_tune: bool = False,
    seed: int = 0,
    output: str | None = None,
) -> None:
    """Measure how far the embedding of one task serves another: frozen, with new dense layers on top.

    One run and --to: from this run to that task. Several runs: from each to each other, which for the paper's three
    tasks is its Table 2. Beside the AUC stand that of the target's own network (base) and that of a random embedding.

    Args:
        runs: run folders or checkpoints.
        to: a run, whose jets and their division are taken; or a task: a recipe such as top-qcd, on the files of the
            first run.
        epochs: of training the dense layers; the one with the best validation AUC counts.
        fine_tune: also train the whole network from the weights of the first task: what is possible.
        seed: of the new layers, of the random embedding and of the order of the jets.
        output: the folder of the picture; by default figures in the folder of the run, or transfer for several.

    Raises:
        UsageError: there is no such run or task, a task has more than two classes, or an option is out of its range.
        DataError: the jets cannot be read.
    """
    check({"epochs": [Interval(int, 1)]}, locals(), where="--")
    if (to is None) == (len(runs) == 1):
        raise UsageError(
            "suite transfer RUN --to TASK|RUN goes from one run to one task, suite transfer RUN RUN ... between all; "
            f"got {len(runs)} run{'s' * (len(runs) > 1)} {'without' if to is None else 'with'} --to"
        )
    folder = _folder(runs, output, "transfer")

    from suite_recnn.interpretation import transfer as transferring
    from suite_recnn.interpretation.transfer_picture import write_transfers

    pairs = [(runs[0], to)] if to is not None else transferring.pairs(runs)
    found = [transferring.transfer(*pair, epochs=epochs, fine_tune=fine_tune, seed=seed) for pair in pairs]

    def cell(estimate: "Estimate | None") -> str:
        return "" if estimate is None else f"{estimate.value:.4f} ± {estimate.error:.4f}"

    rows = [
        [
            f"{one.source} → {one.target}",
            *map(cell, [one.base, one.auc, one.floor, one.fine_tuned][: 3 + fine_tune]),
            *(["", ""] if one.paper is None else [f"{value:.3f}" for value in one.paper]),
        ]
        for one in found
    ]
    shown = ["base", "transfer", "random embedding", "fine-tuned"][: 3 + fine_tune]
    print(f"\n{table(['AUC', *shown, 'paper: base', 'transfer'], rows)}\n")
    picture = folder / "transfer.png"
    numbers = write_transfers(picture, found)
    print(f"picture: {picture}\nnumbers: {numbers}\nnext: suite saliency {shlex.quote(runs[0])}")


def _probes(result: "Probing") -> str:
    """Return the table of a run's probes."""
    rows = [
        [
            row.layer,
            row.observable,
            f"{row.r2.value:.3f} ± {row.r2.error:.3f}{' *' if row.marked else ''}",
            "" if row.paper is None else f"{row.paper:.2f}",
            *(f"{each.value:.2f}" for each in (row.partial, row.untrained, row.summaries, row.root)),
            f"{row.shuffled.value:.3f} ± {row.shuffled.error:.3f}",
        ]
        for row in result.rows
    ]
    beside = ["partial", "untrained", "n, m, pT", "root's input", "shuffled"]
    return table(["layer", "observable", "R²", "paper", *beside], rows)


def _folder(runs: list[str], output: str | None, name: str) -> Path:
    """Return the folder of pictures: what was asked for, or a run's figures, or one in the working directory.

    Raises:
        UsageError: a run is named twice.
    """
    from lightning_suite.run import Run

    if twice := [run for number, run in enumerate(runs) if run in runs[:number]]:
        raise UsageError(f"{twice[0]} is named twice; expected different runs")
    if output is not None:
        return Path(output).expanduser()
    return Run.at(runs[0]).folder / "figures" if len(runs) == 1 else Path(name)

"""The dynamic weight vectors of many sentences, head by head, in two dimensions (figure 2)."""

import shlex
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from lightning_suite.errors import DataError, UsageError
from lightning_suite.pca import principal_components
from lightning_suite.pictures import COLOURS, drawing, numbers_of, write_csv
from lightning_suite.tables import table
from lightning_suite.text_files import numbered_lines
from suite_dsa.module import SentenceClassifier
from suite_dsa.studies.scatter import scatter
from suite_dsa.studies.trained import chosen_heads, encoder_of, picture_of

PANELS_A_ROW = 4

COLUMNS = ["head", "variance_1", "variance_2", "spread", "alignment", "beside_heads"]
"""What is written of each head: shares of the variance, and the measures of `suite_dsa.studies.scatter`."""


def vectors(
    run: str,
    input: str,
    *,
    sentences: int = 1000,
    heads: str = "all",
    head: int | None = None,
    output: str | None = None,
) -> None:
    """Plot the dynamic weight vectors of many sentences in two principal components (figure 2).

    Says of each head how far its vectors scatter, too. A static head has one vector for all sentences: spread 0,
    alignment 1.

    Args:
        run: a run folder or a checkpoint.
        input: a text file, one sentence a line.
        sentences: the number of lines to read.
        heads: numbers of the heads to show, with commas between them, or all.
        head: the old name of heads.
        output: the picture; by default vectors.png in the run's figures, with its points (.csv) and the measures of
            each head (_heads.csv) beside it.

    Raises:
        UsageError: a head does not exist, the run is not of this plugin, or its weight vectors do not depend on the
            sentence.
        DataError: the file has fewer than three sentences, or cannot be read.
    """
    encoder = encoder_of(run)
    if encoder.hparams["attention"] != "dynamic" or int(encoder.hparams["iterations"]) < 2:
        raise UsageError(
            f"{run} has no weight vectors that differ between sentences: they come from dynamic attention with at "
            "least two iterations (--model.attention dynamic --model.iterations 2)"
        )
    chosen = chosen_heads(heads if head is None else str(head), int(encoder.hparams["heads"]))
    if sentences < 3:
        raise UsageError(f"--sentences {sentences}: expected at least 3")
    picture = picture_of(run, output, "vectors")
    filled = (line for _, line in numbered_lines(Path(input).expanduser()) if line.strip())
    lines = list(islice(filled, sentences))
    if len(lines) < 3:
        raise DataError(f"expected at least 3 sentences, one a line, got {len(lines)}", input)
    found = encoder.weight_vectors(lines)  # sentence head head_dim
    measures = scatter(found)
    points = {number: principal_components(found[:, number]) for number in chosen}
    _draw(picture, lines, points, measures.spread, _predicted(encoder, lines))
    rows = [
        [number + 1, *points[number][1].tolist(), *(float(measure[number]) for measure in measures)]
        for number in chosen
    ]
    of_heads = write_csv(picture.with_name(f"{picture.stem}_heads.csv"), COLUMNS, rows)
    print(f"{len(lines)} sentences\n")
    shown = COLUMNS if found.shape[1] > 1 else COLUMNS[:-1]  # a single head has no others beside it
    print(table(shown, [[str(row[0]), *(f"{value:.3f}" for value in row[1 : len(shown)])] for row in rows]))
    print(f"\npicture: {picture}\nnumbers: {numbers_of(picture)} and {of_heads}")
    print(f"next: suite attention {shlex.quote(run)} {shlex.quote(input)}")


def _predicted(encoder: SentenceClassifier, lines: list[str]) -> list[str]:
    """Return the likeliest class of each sentence; nothing of an encoder that was trained on pairs."""
    if encoder.columns == 2:
        return [""] * len(lines)
    with torch.no_grad():
        best = encoder.classifier(torch.as_tensor(encoder.encode(lines))).argmax(dim=1)
    return [encoder.labels[index] for index in best.tolist()]


def _draw(
    picture: Path,
    lines: Sequence[str],
    points: dict[int, tuple[Tensor, Tensor]],
    spread: Tensor,
    predicted: Sequence[str],
) -> None:
    """Draw a panel for each head; all have one scale, so that the scatter of heads can be compared.

    The colours are those of the classes that the network predicts, as far as there are colours.
    """
    rows = (
        (line, head + 1, *point, name)
        for head, (components, _) in points.items()
        for line, point, name in zip(lines, components.tolist(), predicted, strict=True)
    )
    classes = list(dict.fromkeys(predicted)) if len(set(predicted)) <= len(COLOURS) else [""]
    across = min(len(points), PANELS_A_ROW)
    down = -(-len(points) // across)
    side = 4.6 if across == 1 else 2.9
    reach = 1.05 * max(float(components.abs().max()) for components, _ in points.values())
    columns = ["sentence", "head", "component_1", "component_2", "predicted"]
    with drawing(picture, columns, rows, width=side * across, height=side * down + 0.5) as figure:
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for axes, (head, (components, share)) in zip(panels, points.items(), strict=False):
            for name in sorted(classes):
                own = components[[not name or name == one for one in predicted]]
                axes.scatter(*own[:, :2].T.numpy(), s=5, alpha=0.5, linewidths=0, label=name and f"predicted {name}")
            axes.plot(0, 0, "+", color="black", markersize=7, markeredgewidth=1.5, label="a static head: one point")
            axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
            axes.set_xlabel(f"component 1 ({share[0]:.0%} of the variance)")
            axes.set_ylabel(f"component 2 ({share[1]:.0%})")
            axes.set_title(f"head {head + 1}, spread {spread[head]:.2f}")
        for axes in panels[len(points) :]:
            axes.set_visible(False)
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(
            handles, names, loc="outside lower center", ncols=min(across, 3), fontsize="small", markerscale=1.5
        )
        figure.suptitle(f"Dynamic weight vectors of {len(lines):,} sentences")

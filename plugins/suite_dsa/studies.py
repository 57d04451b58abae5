"""What a trained encoder attends to: attention maps (figures 3 and 4) and dynamic weight vectors (figure 2)."""

import csv
import warnings
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from lightning_suite import load
from lightning_suite.errors import DataError, UsageError
from lightning_suite.run import Run
from lightning_suite.text_files import numbered_lines
from suite_dsa.module import SentenceClassifier

SHADES = " ░▒▓█"
"""From no attention to the most that any word of the sentence has."""


def attention(run: str, sentence: str, *, output: str | None = None) -> None:
    """Shows how much each head attends to each word of a sentence.

    In the terminal a row a head, a shade a word; as a picture (PNG) with its numbers beside it (CSV).

    Args:
        run: a run folder or a checkpoint.
        sentence: the sentence, or several, separated by line breaks.
        output: the picture; by default attention.png in the run's figures.

    Raises:
        UsageError: the sentence is empty, or the run is not of this plugin.
    """
    sentences = [line for line in sentence.splitlines() if line.strip()]
    if not sentences:
        raise UsageError("suite attention RUN SENTENCE: the sentence is empty")
    picture = _picture(run, output, "attention")
    maps = _encoder(run).attention(sentences)
    for words, weights in maps:
        print(shaded(words, weights), end="\n\n")
    numbers = picture.with_suffix(".csv")
    _write_maps(numbers, maps)
    _draw_maps(picture, maps)
    print(f"picture: {picture}\nnumbers: {numbers}")


def vectors(run: str, input: str, *, sentences: int = 1000, head: int = 1, output: str | None = None) -> None:
    """Plots the dynamic weight vectors of many sentences in two principal components (figure 2).

    Args:
        run: a run folder or a checkpoint.
        input: a text file, one sentence a line.
        sentences: how many lines are taken, from the first.
        head: which attention, from 1.
        output: the picture; by default vectors.png in the run's figures.

    Raises:
        UsageError: there is no such head, the run is not of this plugin, or its weight vectors are the same for all.
        DataError: the file has fewer than three sentences, or cannot be read.
    """
    encoder = _encoder(run)
    if encoder.hparams["attention"] != "dynamic" or int(encoder.hparams["iterations"]) < 2:
        raise UsageError(
            f"{run} has no weight vectors that differ between sentences: they come from dynamic attention with at "
            "least two iterations (--model.attention dynamic --model.iterations 2)"
        )
    heads = int(encoder.hparams["heads"])
    if not 1 <= head <= heads:
        raise UsageError(f"--head {head}: expected a number from 1 to {heads}, the heads of this run")
    if sentences < 3:
        raise UsageError(f"--sentences {sentences}: expected at least 3")
    picture = _picture(run, output, "vectors")
    filled = (line for _, line in numbered_lines(Path(input).expanduser()) if line.strip())
    lines = list(islice(filled, sentences))
    if len(lines) < 3:
        raise DataError(f"expected at least 3 sentences, one a line, got {len(lines)}", input)
    found = encoder.weight_vectors(lines)[:, head - 1]  # sentence head_dim
    points, share = principal_components(found)
    numbers = picture.with_suffix(".csv")
    with numbers.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["sentence", "component_1", "component_2"])
        writer.writerows([line, *point] for line, point in zip(lines, points.tolist(), strict=True))
    _draw_points(picture, points, share)
    print(f"{len(lines)} sentences; the two components hold {share.sum():.1%} of the variance")
    print(f"picture: {picture}\nnumbers: {numbers}")


def principal_components(points: Tensor) -> tuple[Tensor, Tensor]:
    """Points (point, dim) in their first two principal components (point, 2), and the variance share of each (2,)."""
    centred = points - points.mean(dim=0)
    left, values, _ = torch.linalg.svd(centred, full_matrices=False)
    share = values.square() / values.square().sum().clamp_min(torch.finfo(points.dtype).tiny)
    return left[:, :2] * values[:2], share[:2]


def shaded(words: list[str], weights: Tensor) -> str:
    """A sentence for the terminal: its words, and below them a row of shades a head, full for the most attended word.

    Args:
        words: its words.
        weights: (word, head).
    """
    rows = ["        " + " ".join(words)]
    for head, column in enumerate(weights.T.tolist(), start=1):
        most = max(column)
        steps = [round((len(SHADES) - 1) * weight / most) if most > 0 else 0 for weight in column]
        bars = " ".join(SHADES[step] * len(word) for step, word in zip(steps, words, strict=True))
        top = max(range(len(words)), key=column.__getitem__)
        rows.append(f"head {head:<2} {bars}  {words[top]!r} {most:.2f}")
    return "\n".join(rows)


def _picture(run: str, output: str | None, name: str) -> Path:
    """Where a picture goes; its folder is there afterwards."""
    picture = Path(output).expanduser() if output else Run.at(run).folder / "figures" / f"{name}.png"
    if picture.suffix != ".png":
        raise UsageError(f"--output {output}: expected a name that ends in .png; its numbers go beside it, as .csv")
    picture.parent.mkdir(parents=True, exist_ok=True)
    return picture


def _encoder(run: str) -> SentenceClassifier:
    module = load(run)
    if not isinstance(module, SentenceClassifier):
        raise UsageError(f"{run} is a run of {type(module).__name__}, which has no attention to show")
    return module


def _write_maps(path: Path, maps: list[tuple[list[str], Tensor]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["sentence", "position", "word", "head", "weight"])
        for number, (words, weights) in enumerate(maps, start=1):
            for position, (word, row) in enumerate(zip(words, weights.tolist(), strict=True), start=1):
                writer.writerows([number, position, word, head, weight] for head, weight in enumerate(row, start=1))


def _draw_maps(path: Path, maps: list[tuple[list[str], Tensor]]) -> None:
    from matplotlib.figure import Figure

    longest = max(len(words) for words, _ in maps)
    heads = maps[0][1].shape[1]
    figure = Figure(figsize=(max(4.0, 0.55 * longest + 1), sum(0.35 * heads + 1.1 for _ in maps)), layout="constrained")
    axes = figure.subplots(len(maps), 1, squeeze=False)[:, 0]
    for axis, (words, weights) in zip(axes, maps, strict=True):
        image = axis.imshow(weights.T.numpy(), aspect="auto", cmap="Blues", vmin=0)  # head word
        axis.set_xticks(range(len(words)), words, rotation=45, ha="right")
        axis.set_yticks(range(heads), [f"head {head}" for head in range(1, heads + 1)])
        figure.colorbar(image, ax=axis, label="attention")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the numbers beside it spell such a word
        figure.savefig(path, dpi=150)


def _draw_points(path: Path, points: Tensor, share: Tensor) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    axis = figure.subplots()
    axis.scatter(points[:, 0].numpy(), points[:, 1].numpy(), s=6, alpha=0.6)
    axis.set_xlabel(f"component 1 ({share[0]:.0%} of the variance)")
    axis.set_ylabel(f"component 2 ({share[1]:.0%} of the variance)")
    axis.set_title("Dynamic weight vectors, a point a sentence")
    figure.savefig(path, dpi=150)

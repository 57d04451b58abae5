"""What a trained encoder attends to: attention maps (figures 3 and 4) and dynamic weight vectors (figure 2)."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from torch import Tensor

from lightning_suite import load
from lightning_suite.errors import DataError, UsageError
from lightning_suite.pca import principal_components
from lightning_suite.pictures import check_name, drawing, numbers_of
from lightning_suite.run import Run
from lightning_suite.text_files import numbered_lines
from suite_dsa.module import SentenceClassifier

SHADES = " ░▒▓█"
"""From no attention to that of the most attended word."""

WORDS_A_LINE = 16
"""A picture shows a longer sentence in several lines."""

Map = tuple[list[str], Tensor]
"""The words of a sentence, and how much each head attends to them: (word, head)."""


def attention(run: str, sentence: str, *, output: str | None = None) -> None:
    """Show how much each head attends to each word of a sentence.

    Prints a row of shades for each head, and draws a picture (PNG) with its numbers beside it (CSV).

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
    _draw_maps(picture, maps)
    print(f"picture: {picture}\nnumbers: {numbers_of(picture)}")


def vectors(run: str, input: str, *, sentences: int = 1000, head: int = 1, output: str | None = None) -> None:
    """Plot the dynamic weight vectors of many sentences in two principal components (figure 2).

    Args:
        run: a run folder or a checkpoint.
        input: a text file, one sentence a line.
        sentences: the number of lines to read.
        head: the number of the attention head, from 1.
        output: the picture; by default vectors.png in the run's figures.

    Raises:
        UsageError: the head does not exist, the run is not of this plugin, or its weight vectors do not depend on the
            sentence.
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
    points, share = principal_components(encoder.weight_vectors(lines)[:, head - 1])  # of sentence head_dim
    _draw_points(picture, lines, points, share)
    print(f"{len(lines)} sentences; the two components hold {share.sum():.1%} of the variance")
    print(f"picture: {picture}\nnumbers: {numbers_of(picture)}")


def shaded(words: list[str], weights: Tensor) -> str:
    """Return a sentence for the terminal: its words, and a row of shades a head, full for the most attended word.

    Args:
        words: its words.
        weights: (word, head).

    Example:
        >>> import torch
        >>> print(shaded(["good", "film"], torch.tensor([[0.75], [0.25]])))
                good film
        head 1  ████ ░░░░  'good' 0.75
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
    """Return the path of a picture."""
    return check_name(output or Run.at(run).folder / "figures" / f"{name}.png")


def _encoder(run: str) -> SentenceClassifier:
    module = load(run)
    if not isinstance(module, SentenceClassifier):
        raise UsageError(f"{run} is a run of {type(module).__name__}, which has no attention to show")
    return module


def _rows_of(maps: list[Map]) -> Iterator[tuple[int, int, str, int, float]]:
    for number, (words, weights) in enumerate(maps, start=1):
        for position, (word, row) in enumerate(zip(words, weights.tolist(), strict=True), start=1):
            yield from ((number, position, word, head, weight) for head, weight in enumerate(row, start=1))


def _draw_maps(picture: Path, maps: list[Map]) -> None:
    """Draw a strip for each sentence, or for each line of a long one; the shades of a sentence have one scale."""
    cuts = [(words, begin, weights) for words, weights in maps for begin in range(0, len(words), WORDS_A_LINE)]
    longest = min(max(len(words) for words, _ in maps), WORDS_A_LINE)
    heads = maps[0][1].shape[1]
    size = {"width": max(4.0, 0.55 * longest + 1.4), "height": len(cuts) * (0.35 * heads + 1.1)}
    with drawing(picture, ["sentence", "position", "word", "head", "weight"], _rows_of(maps), **size) as figure:
        axes = figure.subplots(len(cuts), 1, squeeze=False)[:, 0]
        for axis, (words, begin, weights) in zip(axes, cuts, strict=True):
            shown, part = words[begin : begin + WORDS_A_LINE], weights[begin : begin + WORDS_A_LINE]
            image = axis.imshow(
                part.T.numpy(), aspect="auto", cmap="Blues", vmin=0, vmax=float(weights.max())
            )  # head word
            axis.grid(visible=False)
            axis.set_xlim(-0.5, longest - 0.5)
            axis.set_xticks(range(len(shown)), shown, rotation=45, ha="right")
            axis.set_yticks(range(heads), [f"head {head}" for head in range(1, heads + 1)])
            figure.colorbar(image, ax=axis, label="attention")


def _draw_points(picture: Path, lines: list[str], points: Tensor, share: Tensor) -> None:
    rows = ((line, *point) for line, point in zip(lines, points.tolist(), strict=True))
    with drawing(picture, ["sentence", "component_1", "component_2"], rows, width=5, height=5) as figure:
        axes = figure.subplots()
        axes.scatter(points[:, 0].numpy(), points[:, 1].numpy(), s=6, alpha=0.6)
        axes.set_xlabel(f"component 1 ({share[0]:.0%} of the variance)")
        axes.set_ylabel(f"component 2 ({share[1]:.0%} of the variance)")
        axes.set_title("Dynamic weight vectors, one point for each sentence")

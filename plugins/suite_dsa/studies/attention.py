"""How much each head attends to each word of some sentences, as text and as a picture (figures 3 and 4)."""

from itertools import islice
from pathlib import Path

from lightning_suite.errors import DataError, UsageError
from lightning_suite.pictures import numbers_of
from lightning_suite.tables import terminal_width
from lightning_suite.text_files import numbered_lines
from suite_dsa.studies.map_picture import draw_maps
from suite_dsa.studies.maps import maps_of
from suite_dsa.studies.shading import shaded
from suite_dsa.studies.trained import picture_of


def attention(
    run: str,
    sentence: str,
    *,
    beside: str | None = None,
    heads: str = "all",
    sentences: int = 8,
    output: str | None = None,
) -> None:
    """Show how much each head attends to each word of one or several sentences (figures 3 and 4).

    Prints bars under the words, and draws all sentences in one picture (PNG) with its numbers beside it (CSV).

    Args:
        run: a run folder or a checkpoint.
        sentence: the sentence, or several, separated by line breaks; or a text file, one sentence a line.
        beside: another run, such as one with static attention, whose heads are shown below those of the first.
        heads: numbers of the heads to show, with commas between them, or all.
        sentences: how many lines of a file are shown, the first ones.
        output: the picture; by default attention.png in the run's figures, or attention-2.png after it.

    Raises:
        UsageError: there is no sentence, a head does not exist, a run is not of this plugin, or the two runs split
            sentences into different words.
        DataError: the file cannot be read.
    """
    lines = _given(sentence, sentences)
    picture = picture_of(run, output, "attention")
    maps = maps_of(lines, [run] if beside is None else [run, beside], heads)
    for each in maps:
        print(shaded(each.words, each.weights(), each.names(), terminal_width()), end="\n\n")
    draw_maps(picture, maps)
    print(f"picture: {picture}\nnumbers: {numbers_of(picture)}")


def _given(sentence: str, most: int) -> list[str]:
    """Return the sentences of an argument: the lines of a file, or its own."""
    if most < 1:
        raise UsageError(f"--sentences {most}: expected 1 or more")
    if _is_file(sentence):
        lines = (line for _, line in numbered_lines(Path(sentence).expanduser()) if line.strip())
        found = list(islice(lines, most))
        if not found:
            raise DataError("expected a sentence a line, got only blank lines", sentence)
        return found
    lines_of = [line for line in sentence.splitlines() if line.strip()]
    if not lines_of:
        raise UsageError("suite attention RUN SENTENCE: the sentence is empty")
    return lines_of


def _is_file(text: str) -> bool:
    try:
        return Path(text).expanduser().is_file()
    except (OSError, RuntimeError, ValueError):  # too long for a name, "~" of nobody, a zero byte: so it is a sentence
        return False

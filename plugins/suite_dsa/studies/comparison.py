"""Compares a trained network with simple classifiers, on its own test data and on twins: is it worth it?"""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_suite import load, load_data
from lightning_suite.errors import DataError, UsageError
from lightning_suite.files import atomic_write
from lightning_suite.progress import progress, say
from lightning_suite.run import Run
from lightning_suite.tables import table
from suite_dsa.baselines import AveragedVectors, Baseline, Labelled, TfIdf
from suite_dsa.data import SentenceData
from suite_dsa.module import COLUMNS, SentenceClassifier
from suite_dsa.parts import Selection, read_parts
from suite_dsa.sources.examples import SST_BINARY, Example, Table, class_numbers
from suite_dsa.sources.reading import read
from suite_dsa.splits import PARTS
from suite_dsa.tokens import TOKENIZERS
from suite_dsa.twins import examples_of, find_twins

SURE = 1.96
"""Standard errors to both sides that hold 95 % of a normal distribution."""


def baselines(run: str) -> None:
    """Show what simple classifiers reach on the same training, validation and test data.

    Trains logistic regressions on tf-idf and on averaged word vectors, those of the run.

    Args:
        run: a run folder or a checkpoint.

    Raises:
        UsageError: the run is not of this plugin, or scikit-learn is not installed.
        DataError: the data of the run cannot be read, or its test has no labels.
    """
    module, _, parts = opened(run)
    test = parts["test"].examples
    if not test or test[0].label is None:
        raise DataError("there is no labelled test to compare on (--data.test)", run)
    say(f"{len(test):,} test examples, {len(parts['train'].examples):,} to train on")
    rows = compared(module, parts, {"test": test})
    print(table(["classifier", "validation", "test", "behind the network"], rows))
    print(f"next: suite twins {run} FILE   (examples of equal words and different classes)")


def twins(run: str, input: str, *, output: str | None = None) -> None:
    """Measure a network on twins: examples whose words are the same, or nearly so, and whose classes differ.

    The twins are found in the file: all phrases of trees, else its rows; none that was trained on. They are written as
    a table of label and text, which other runs can be measured on.

    Args:
        run: a run folder or a checkpoint.
        input: a file of labelled sentences or pairs as the run's, or of SST's trees; several with commas between.
        output: the table of twins; by default twins.tsv in the run folder.

    Raises:
        UsageError: the run is not of this plugin, or scikit-learn is not installed.
        DataError: a file cannot be read, has no twins, or has other classes or columns than the network.
    """
    module, selection, parts = opened(run)
    files = [Path(name).expanduser() for name in input.split(",")]
    found = [example for file in files for example in twins_in(module, selection, file, parts["train"].examples)]
    if not found:
        raise DataError("no two examples of different classes have nearly the same words", input)
    labelled(module, found)  # what is wrong with them is said before they are written
    path = Path(output) if output else Run.at(run).folder / "twins.tsv"
    write_twins(path, found)
    say(f"{len(found):,} examples that have a twin: {path}")
    rows = compared(module, parts, {"twins": found})
    print(table(["classifier", "validation", "twins", "behind the network"], rows))


def compared(
    module: SentenceClassifier, parts: dict[str, Table], tests: dict[str, Sequence[Example]]
) -> list[list[str]]:
    """Return a row for the network and for each simple classifier: its accuracies, and how far it is behind.

    Args:
        module: the trained network.
        parts: the training and the validation data.
        tests: examples to measure on, by name.
    """
    train, validation = (labelled(module, parts[part].examples) for part in ("train", "validation"))
    measured = {name: labelled(module, examples) for name, examples in tests.items()}
    right = {name: classified(module, part.texts) == part.labels for name, part in measured.items()}
    own = float((classified(module, validation.texts) == validation.labels).mean())
    rows = [["network", f"{own:.3f}", *(f"{each.mean():.3f}" for each in right.values()), "-"]]
    with progress("training simple classifiers", 2) as step:
        for baseline in simple(module):
            baseline.fit(train, validation)
            hits = {name: baseline.predict(part.texts) == part.labels for name, part in measured.items()}
            behind = [
                f"{difference:+.3f} ± {error:.3f}" for difference, error in map(paired, right.values(), hits.values())
            ]
            cells = [f"{each.mean():.3f}" for each in hits.values()]
            rows.append([baseline.name, f"{baseline.val_accuracy:.3f}", *cells, ", ".join(behind)])
            step()
    return rows


def simple(module: SentenceClassifier) -> list[Baseline]:
    """Return the simple classifiers, untrained, with the tokenizer and the word vectors of a network."""
    tokenize = TOKENIZERS[module.tokenizer]
    return [TfIdf(tokenize), AveragedVectors(module.vocabulary, module.word_vectors, tokenize)]


def paired(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> tuple[float, float]:
    """Return how much more often the first is right than the second, on the same examples, and 95 % of its error.

    Example:
        >>> difference, error = paired(np.array([True, True, True, False]), np.array([True, False, False, False]))
        >>> round(difference, 2), round(error, 2)
        (0.5, 0.57)
    """
    differences = first.astype(float) - second.astype(float)
    error = SURE * float(differences.std(ddof=1)) / len(differences) ** 0.5 if len(differences) > 1 else float("inf")
    return float(differences.mean()), error


@torch.no_grad()
def classified(
    module: SentenceClassifier, texts: Sequence[tuple[str, ...]], batch_size: int = 256
) -> NDArray[np.int64]:
    """Return the number of the likeliest class of each sentence or pair."""
    tokenize = TOKENIZERS[module.tokenizer]
    classes = [torch.empty(0, dtype=torch.int64)]
    for begin in range(0, len(texts), batch_size):
        columns = zip(*texts[begin : begin + batch_size], strict=True)
        rows, offsets = module.vocabulary.pack([tokenize(text) for column in columns for text in column])
        classes.append(module(rows.to(module.device), offsets.to(module.device)).argmax(dim=1).cpu())
    numbers: NDArray[np.int64] = torch.cat(classes).numpy()
    return numbers


def labelled(module: SentenceClassifier, examples: Sequence[Example]) -> Labelled:
    """Return examples as texts and the numbers of the network's classes.

    Raises:
        DataError: a label is not among the classes, or sentences stand where pairs were trained on.
    """
    if len(examples[0].texts) != module.columns:
        raise DataError(f"expected {module.columns} columns of text, got {len(examples[0].texts)}", examples[0].path)
    numbers = class_numbers(examples, module.labels)
    return Labelled([example.texts for example in examples], np.array(numbers, dtype=np.int64))


def twins_in(module: SentenceClassifier, selection: Selection, path: Path, trained: Sequence[Example]) -> list[Example]:
    """Return the examples of a file, of trees all phrases, that have a twin and were not trained on.

    Args:
        module: the network; its tokenizer decides which words there are.
        selection: the choice of the run's data: names of columns, classes and encoding. Of trees, a network of negative
            and positive gets these two classes also where the choice names none.
        path: the file.
        trained: the training examples.

    Raises:
        DataError: the file cannot be read.
    """
    classes = len(SST_BINARY) if set(module.labels) == set(SST_BINARY) else selection.classes
    whole = read(path, selection.columns, classes, phrases=True, labels=selection.labels, encoding=selection.encoding)
    seen = [example.texts for example in trained]
    return examples_of(find_twins(whole.examples, TOKENIZERS[module.tokenizer], seen=seen))


def write_twins(path: Path, examples: Sequence[Example]) -> None:
    """Write examples as a table of label and text."""
    with atomic_write(path, newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["label", *COLUMNS[len(examples[0].texts)]])
        writer.writerows([example.label, *example.texts] for example in examples)


def opened(run: str | Path) -> tuple[SentenceClassifier, Selection, dict[str, Table]]:
    """Return a trained network, the choice of its data, and the tables of their parts.

    Raises:
        UsageError: it is not of this plugin.
        DataError: the data cannot be read.
    """
    module, data = load(run), load_data(run)
    if not isinstance(module, SentenceClassifier) or not isinstance(data, SentenceData):
        raise UsageError(f"{run} is a run of {type(module).__name__}, which classifies no sentences")
    selection = data.selection
    if not selection.is_movie_reviews:
        selection = replace(selection, labels=tuple(module.labels))
    return module, selection, read_parts(selection, PARTS)[0]

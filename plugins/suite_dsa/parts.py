"""The examples that train, validate and test: read from the files of each part, or cut from those of training."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from lightning_suite.assets import Asset, fetch
from lightning_suite.errors import DataError, UsageError
from lightning_suite.text_files import bare_name
from suite_dsa.sources.columns import Columns
from suite_dsa.sources.examples import SST_BINARY, Example, Table, Unlabelled
from suite_dsa.sources.label_text import read_rated
from suite_dsa.sources.reading import read, read_unlabelled
from suite_dsa.splits import PARTS, Files, named_files, part_of, recognised_files

MOVIE_REVIEWS = Asset(
    package="vaderSentiment",
    version="3.3.2",
    archive="sdist",
    sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
    member="vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
    "!hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt",
)
"""10,605 movie-review snippets with the mean rating, -4 to 4, of 20 people each (Hutto, Gilbert, 2014)."""


@dataclass(frozen=True)
class Selection:
    """The options of ``SentenceData`` that choose the examples; the class explains them.

    Attributes:
        named: the named files for training, validation and test.
        columns: the names of the columns.
        labels: the declared classes, or none.
    """

    path: str | None
    named: tuple[list[str] | None, list[str] | None, list[str] | None]
    columns: Columns
    encoding: str | None
    labels: tuple[str, ...]
    classes: int | None
    phrases: bool
    neutral_band: float
    split_seed: int
    validation_fraction: float
    test_fraction: float

    @property
    def is_movie_reviews(self) -> bool:
        """Whether the movie reviews are used: neither a path nor a training file is named."""
        return self.path is None and self.named[0] is None

    @property
    def source(self) -> str:
        """The name of the data for messages."""
        return self.path or MOVIE_REVIEWS.package


def read_parts(selection: Selection, parts: Sequence[str]) -> tuple[dict[str, Table], Table | None]:
    """Return the tables of these parts, and the table that some of them were cut from.

    Args:
        selection: the options.
        parts: some of ``PARTS``.

    Raises:
        DataError: a file does not exist or cannot be read, or a part has no examples; the test may be unwanted.
        UsageError: the options do not go together.
        AssetError: the movie reviews cannot be fetched.
    """
    files = _files(selection)
    cut = {part for part in PARTS if part != "train" and not getattr(files, part)}
    whole = Table()
    if selection.is_movie_reviews:
        whole = read_rated(fetch(MOVIE_REVIEWS), selection.neutral_band)
    elif cut & set(parts) or "train" in parts:
        whole = _read_all(files.train, selection, phrases=selection.phrases)
    shares = _shares(whole.examples, selection, cut)
    if selection.phrases and cut and whole.examples:
        shares = _shares_of_trees(whole, files.train, selection, cut)
        whole.examples = [example for part in PARTS for example in shares[part]]
    tables = {}
    for part in parts:
        if part == "train" or part in cut:
            table = replace(whole, examples=shares[part], dropped=Counter() if cut else whole.dropped)
        elif part == "test":
            table = _read_test(files.test, selection)
        else:
            table = _read_all(getattr(files, part), selection, phrases=False)
        is_unwanted = part == "test" and part in cut and not selection.test_fraction
        if not table.examples and not is_unwanted:
            larger = f", or raise --data.{part}_fraction" if part != "train" else ""
            raise DataError(
                f"no example is left for {part}; there are {len(whole.examples)} in all. Name a file with "
                f"--data.{part}{larger}",
                selection.source,
            )
        tables[part] = table
    return tables, whole if cut and whole.examples else None


def _files(selection: Selection) -> Files:
    train, validation, test = selection.named
    if selection.is_movie_reviews:
        of_reviews = set(selection.labels or SST_BINARY) == set(SST_BINARY)
        if selection.classes is not None or selection.phrases or not of_reviews:
            raise UsageError(
                "--data.path FILE or FOLDER is missing: --data.classes, --data.phrases and --data.labels need your own "
                "data. The movie reviews, which are read without a path, have the classes negative and positive"
            )
        return Files([], [], [])
    if train is None and validation is None and test is None:
        return recognised_files(str(selection.path), selection.classes, selection.phrases)
    if train is None:
        raise UsageError("--data.train is missing: expected it beside --data.validation and --data.test")
    return named_files(selection.path, train, validation or [], test or [])


def _shares(examples: Sequence[Example], selection: Selection, cut: Iterable[str]) -> dict[str, list[Example]]:
    """Return the examples of each part, where some parts are cut from all."""
    fractions = {
        "validation_fraction": selection.validation_fraction if "validation" in cut else 0.0,
        "test_fraction": selection.test_fraction if "test" in cut else 0.0,
    }
    shares: dict[str, list[Example]] = {part: [] for part in PARTS}
    for example in examples:
        shares[part_of(example, selection.split_seed, **fractions)].append(example)
    return shares


def _shares_of_trees(
    whole: Table, paths: Sequence[Path], selection: Selection, cut: Collection[str]
) -> dict[str, list[Example]]:
    """Return whole sentences for the parts that are cut, and the phrases of the other trees for training.

    A phrase beside its own sentence in another part would tell the network the answer. One that several trees hold
    goes the way of the first.

    Raises:
        UsageError: phrases are in a file of their own, which does not say of which sentences they are.
        DataError: a file cannot be read.
    """
    apart = next((path for path in paths if bare_name(path).startswith("derived.")), None)
    if apart is not None:
        raise UsageError(
            f"{' and '.join(sorted(cut))} would be cut from training, but {apart} does not say of which sentences its "
            "phrases are. Name files with --data.train, --data.validation and --data.test, or give --data.phrases false"
        )
    shares = _shares(_read_all(paths, selection, phrases=False).examples, selection, cut)
    held = [example for part in cut for example in shares[part]]
    trees, texts = {(one.path, one.line) for one in held}, {one.texts for one in held}
    shares["train"] = [one for one in whole.examples if (one.path, one.line) not in trees and one.texts not in texts]
    return shares


def _read_test(paths: Sequence[Path], selection: Selection) -> Table:
    """Return the examples of the test files; where none has labels, to be predicted, they have none.

    Raises:
        DataError: a file cannot be read, or some files have labels and some do not.
    """
    try:
        return _read_all(paths, selection, phrases=False)
    except Unlabelled:
        if any(map(partial(_is_labelled, selection=selection), paths)):
            raise
    whole = Table()
    for path in paths:
        whole.examples += _unlabelled(path, selection)
    return whole


def _unlabelled(path: Path, selection: Selection) -> list[Example]:
    """Return the examples of a file without labels: beside labels such as -1, else one for every line or row."""
    try:
        _read_all([path], selection, phrases=False)
    except Unlabelled as error:
        if error.examples:
            return list(error.examples)
    inputs = read_unlabelled(path, selection.columns, None, encoding=selection.encoding)
    return [Example(texts, None, path, line) for line, texts in enumerate(inputs, start=1)]


def _is_labelled(path: Path, selection: Selection) -> bool:
    try:
        return bool(_read_all([path], selection, phrases=False).examples)
    except Unlabelled:
        return False


def _read_all(paths: Sequence[Path], selection: Selection, phrases: bool) -> Table:
    """Return the examples of several files, which are all pairs or all single sentences."""
    whole = Table()
    for path in paths:
        table = read(
            path,
            selection.columns,
            selection.classes,
            phrases,
            labels=selection.labels,
            encoding=selection.encoding,
        )
        width = len(table.examples[0].texts)
        if whole.examples and width != len(whole.examples[0].texts):
            expected, got = ("single sentences", "pairs") if width == 2 else ("pairs", "single sentences")
            raise DataError(f"expected {expected} as in {paths[0]}, got {got}", path)
        whole.extend(table)
    return whole

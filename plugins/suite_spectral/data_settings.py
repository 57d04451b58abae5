"""Which data are clustered, and what of a file is read: each choice once, with default, range and meaning.

Nothing heavy is imported, so that the help of a command is quick.
"""

from dataclasses import dataclass
from typing import Literal

from lightning_suite.constraints import Interval, ListOf, check
from lightning_suite.errors import UsageError
from lightning_suite.setting import constraints_of, setting

Name = Literal["digits", "iris", "wine", "breast_cancer", "moons", "circles", "blobs"]
ReadAs = Literal["points", "texts", "graph"]
StopWords = Literal["english", "none"]
Column = int | str
"""A column, by its number from 0 or by its name."""

COLUMNS = ListOf([int, str], least=1)


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Which data are clustered, and what of a file is read.

    Raises:
        UsageError: a value is out of its range.

    Example:
        >>> DataSettings(name="moons", samples=1)
        Traceback (most recent call last):
        lightning_suite.errors.UsageError: --data.samples: expected a whole number of 2 or more, got 1
    """

    path: str | None = setting(
        None,
        meaning=".npy, .npz, .csv, .tsv, .jsonl, .parquet, .mtx, .edges, .edgelist, .txt or an image, perhaps "
        "compressed (.gz, .bz2, .xz, .zst); null: the set of name.",
    )
    name: Name = setting(
        "digits",
        meaning="a built-in set, where no path is given: digits, iris, wine and breast_cancer are measured, moons, "
        "circles and blobs are drawn at random.",
    )
    samples: int = setting(1000, Interval(int, 2), meaning="points that are drawn.")
    noise: float | None = setting(
        None,
        Interval(float, 0),
        meaning="standard deviation of drawn points about their shape; null: 0.05, for blobs 1.",
    )
    columns: list[int | str] | None = setting(
        None, COLUMNS, meaning="of points, by name or by number from 0; null: all that are numbers."
    )
    label_column: int | str | None = setting(
        None,
        meaning="of the labels, by name or by number from 0; in an .npz file the array; null: y of an .npz "
        "file; beside texts in a .jsonl file the first that is there of gold_label, label, labels, class, target, "
        "sentiment, y, cluster.",
    )
    noise_label: int | str | None = setting(None, meaning="points with this label are left out.")
    text_column: list[int | str] | int | str | None = setting(
        None,
        COLUMNS,
        int,
        meaning="of the texts, by name or by number from 0; several, as [title, description], are joined; null: in a "
        ".jsonl file the first that is there of text, sentence, full_text, content, tweet, message, phrase, review.",
    )
    key: str | None = setting(None, meaning="the array of points in an .npz file; null: X.")
    header: bool | None = setting(
        None,
        meaning="whether the first line of a table names its columns; null: it does if none of its cells is a number "
        "and the columns are not asked for by number.",
    )
    encoding: str | None = setting(
        None,
        meaning="of text that is not Unicode, cp1251 for instance; null: Unicode, whose kind is recognised.",
    )
    read_as: ReadAs | None = setting(
        None, meaning="points, texts or graph, for a file whose suffix leaves it open; null: by what is in it."
    )
    standardize: Literal["none", "scale"] = setting(
        "none", meaning="scale: every column of points gets mean 0 and standard deviation 1; none: as they are."
    )
    vocabulary_size: int | None = setting(
        2000, Interval(int, 1), meaning="most words of texts, those that occur most often; null: all."
    )
    stop_words: StopWords = setting(
        "english", meaning='english: frequent English words such as "the" are left out of texts; none: no word is.'
    )
    limit: int | None = setting(None, Interval(int, 2), meaning="take so many points, chosen at random; null: all.")
    test_fraction: float = setting(
        0.0,
        Interval(float, 0, 1, closed="left"),
        meaning="of the points are held out and tested on; 0: the clustered points are.",
    )
    split_seed: int = setting(0, Interval(int, 0), meaning="another number chooses and draws others.")
    batch_size: int = setting(1024, Interval(int, 1), meaning="points in a batch on each process; changes no result.")
    predict_path: str | None = setting(None, meaning="the file whose points or texts are predicted.")

    def __post_init__(self) -> None:
        check(constraints_of(DataSettings), vars(self), where="--data.")
        if self.path is not None and self.key is not None and str(self.label_column) == self.key:
            raise UsageError(f"--data.key and --data.label_column must differ, both are {self.key!r}")


DEFAULTS = DataSettings()

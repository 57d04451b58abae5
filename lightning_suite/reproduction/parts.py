"""What a table of a paper consists of: cells and pictures, each with what makes it again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Deviation:
    """What is other than in the paper.

    Attributes:
        name: a word for it: data, sizes, vectors.
        ours: what we have.
        paper: what the paper has.
        comparable: whether numbers can be compared all the same.
    """

    name: str
    ours: str
    paper: str
    comparable: bool = True


@dataclass(frozen=True)
class Training:
    """Settings of ``suite fit``: a recipe, and options that differ from it, by dotted names."""

    recipe: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """A number of a table and how it is made again.

    Attributes:
        row: its row.
        column: its column.
        training: the run that it is measured on.
        metric: the metrics of the run whose sum it is. ``train_loss@last`` and ``train_loss@5`` are those of an epoch,
            ``parameters.encoder`` the number of weights of a part of the module, and ``seconds_per_epoch`` a time.
        scale: what ours is multiplied with, as 100 for per cent.
        digits: decimal places that are shown.
        paper: the paper's number; None: it has none.
        interval: within which ours is reproduced; None: no verdict is asked for.
        deviations: what is other than in the paper.
        study: words of a verb that measures it; empty: it is a metric of the run.
        numbers: the CSV file that the verb writes.
        where: values of columns by which its row is found there.
        take: the column of the value.
        relative_to: the row whose number of the same column it is divided by; empty: none.
        cannot: why it cannot be made; empty: it can.
    """

    row: str
    column: str
    training: Training
    metric: tuple[str, ...] = ()
    scale: float = 1.0
    digits: int = 3
    paper: float | None = None
    interval: tuple[float, float] | None = None
    deviations: tuple[Deviation, ...] = ()
    study: tuple[str, ...] = ()
    numbers: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    take: str = ""
    relative_to: str = ""
    cannot: str = ""


@dataclass(frozen=True)
class Picture:
    """A figure and how it is made again: the words of a verb, and the files that it writes; without words, its run."""

    name: str
    training: Training
    study: tuple[str, ...]
    files: tuple[str, ...]
    shows: str = ""
    deviations: tuple[Deviation, ...] = ()
    cannot: str = ""


@dataclass(frozen=True)
class Table:
    """A table or a figure of a paper.

    Attributes:
        name: of the file.
        file: where it is declared.
        title: what it shows.
        place: where it stands in the paper.
        verdict: the rule in words.
        seeds: how many, where no number is given.
        minutes: one seed of all of it, on two cores.
        disk: megabytes of one seed.
        needs: what has to be given: words by the name of an option.
        makes: data that a verb makes first, its words by the name that stands for their folder.
        runs: further runs that studies name.
        cells: in the order of rows and columns.
        pictures: what is drawn.
        quick: why a number of the quick setting is none of the paper's; empty: this is the whole setting.
        has_quick: whether there is a quick setting.
    """

    name: str
    file: Path
    title: str
    place: str
    verdict: str
    seeds: int
    minutes: float
    disk: float
    needs: Mapping[str, str]
    makes: Mapping[str, tuple[str, ...]]
    runs: Mapping[str, Training]
    cells: tuple[Cell, ...]
    pictures: tuple[Picture, ...]
    quick: str = ""
    has_quick: bool = False

    @property
    def parts(self) -> tuple["Cell | Picture", ...]:
        """Return all cells, then all pictures."""
        return (*self.cells, *self.pictures)


def trainings_of(table: Table) -> list[Training]:
    """Return the trainings of all cells, pictures and named runs that can be made."""
    own = [
        part.training for part in table.parts if not part.cannot and (not part.study or "{run}" in " ".join(part.study))
    ]
    return [*own, *table.runs.values()]

"""A cell's values beside the paper's number, and what that says."""

from collections.abc import Sequence
from dataclasses import dataclass

from lightning_suite import scatter
from lightning_suite.reproduction.parts import Cell, Deviation

VERDICTS = ("reproduced", "below", "above", "not comparable", "cannot", "")
"""What can be said of a cell; nothing where the paper has no number."""


@dataclass(frozen=True)
class Result:
    """A cell that was made again, as far as it could be.

    Attributes:
        cell: what was declared.
        values: ours, scaled, one for each seed that has one.
        seeds: the seeds of the values.
        verdict: of ``VERDICTS``.
        why: the deviation, or what is missing; empty where the verdict says all.
        commands: what makes it again, for the first seed.
        runs: the folders of the runs, relative to that of all tables.
    """

    cell: Cell
    values: tuple[float, ...]
    seeds: tuple[int, ...]
    verdict: str
    why: str
    commands: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()

    @property
    def mean(self) -> float | None:
        """Return the mean over seeds; None without a value."""
        return scatter.mean(self.values) if self.values else None

    @property
    def deviation(self) -> float | None:
        """Return the standard deviation over seeds; None for fewer than two."""
        return scatter.deviation(self.values) if self.values else None

    @property
    def difference(self) -> float | None:
        """Return by how much ours is above the paper's; None where one is missing."""
        return None if self.mean is None or self.cell.paper is None else self.mean - self.cell.paper


def judged(cell: Cell, values: Sequence[float], missing: str, others: Sequence[Deviation] = ()) -> tuple[str, str]:
    """Return the verdict on a cell, and why.

    Args:
        cell: what was declared.
        values: ours, one for each seed.
        missing: why there is none, or fewer than were asked for.
        others: deviations that the command brings: the quick setting, options that were typed.

    Example:
        >>> from lightning_suite.reproduction.parts import Training
        >>> cell = Cell("ours", "SST-2", Training(), paper=88.5, interval=(87.0, 90.0))
        >>> judged(cell, [88.1, 88.3], ""), judged(cell, [85.0], ""), judged(cell, [], "no --data.path")
        (('reproduced', ''), ('below', ''), ('cannot', 'no --data.path'))
    """
    if not values:
        return "cannot", missing or "there is no value"
    if cell.paper is None or cell.interval is None:
        return "", missing
    if apart := [deviation for deviation in (*cell.deviations, *others) if not deviation.comparable]:
        return "not comparable", ", ".join(deviation.name for deviation in apart)
    lowest, highest = cell.interval
    value = scatter.mean(values)
    return "below" if value < lowest else "above" if value > highest else "reproduced", missing

"""What the studies share: the trained encoder of a run, the heads that are asked for, and where the picture goes."""

from pathlib import Path

from lightning_suite import load
from lightning_suite.errors import UsageError
from lightning_suite.files import free_path
from lightning_suite.pictures import check_name
from lightning_suite.run import Run
from suite_dsa.module import SentenceClassifier


def encoder_of(run: str) -> SentenceClassifier:
    """Return the trained encoder of a run.

    Raises:
        UsageError: the run is of another plugin.
    """
    module = load(run)
    if not isinstance(module, SentenceClassifier):
        raise UsageError(f"{run} is a run of {type(module).__name__}, which has no attention to show")
    return module


def picture_of(run: str, output: str | None, name: str) -> Path:
    """Return the path of a picture: the one given, else of this name in the run's figures, numbered if it is taken."""
    return check_name(output or free_path(Run.at(run).folder / "figures" / f"{name}.png"))


def chosen_heads(heads: str, there: int) -> list[int]:
    """Return the numbers of the heads that are asked for, from 0, in the order given.

    Args:
        heads: numbers from 1 with commas between them, or all.
        there: how many heads the run has.

    Raises:
        UsageError: one of them is not there.

    Example:
        >>> chosen_heads("3, 1", there=4), chosen_heads("all", there=2)
        ([2, 0], [0, 1])
        >>> chosen_heads("1,5", there=4)
        Traceback (most recent call last):
        lightning_suite.errors.UsageError: --heads 1,5: expected numbers from 1 to 4, the heads of this run, or all
    """
    if heads.strip() == "all":
        return list(range(there))
    names = [name.strip() for name in heads.split(",")]
    if not all(name.isdecimal() and 1 <= int(name) <= there for name in names):
        raise UsageError(f"--heads {heads}: expected numbers from 1 to {there}, the heads of this run, or all")
    return [int(name) - 1 for name in dict.fromkeys(names)]

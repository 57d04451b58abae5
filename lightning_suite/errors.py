"""The exceptions of lightning-suite. Each is one kind of mistake and knows the exit status it ends a command with.

    SuiteError                 1
    ├── UsageError             2   a verb, a name, an option or a value that does not exist
    ├── PluginError            3   a plugin that is installed but cannot be used
    ├── DataError              1   an input file that cannot be read as what it should be
    ├── RunError               1   a run folder or a checkpoint that is not what it should be
    └── AssetError             1   a data file that could not be fetched or does not have its checksum

A message says what was expected, what came, where, and what to do; the command line prints it without a traceback.
"""

from collections.abc import Iterable
from pathlib import Path


class SuiteError(Exception):
    """Something the user can mend."""

    exit_status = 1


class UsageError(SuiteError):
    """The command line names something that does not exist."""

    exit_status = 2


class PluginError(SuiteError):
    """A plugin is installed but cannot be used; the message names cause, distribution and repair."""

    exit_status = 3


class DataError(SuiteError):
    """An input is not what it should be."""

    def __init__(self, message: str, path: str | Path, line: int | None = None) -> None:
        place = f"{path}:{line}" if line is not None else f"{path}"
        super().__init__(f"{place}: {message}")


class RunError(SuiteError):
    """A run folder or a checkpoint cannot be used."""


class AssetError(SuiteError):
    """A data file carried by a published package could not be had."""


def edit_distance(left: str, right: str) -> int:
    """Number of insertions, deletions, substitutions and swaps of neighbours between two words."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        before_that, before, row = before, row, [i]
        for j, b in enumerate(right, start=1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                row[j] = min(row[j], before_that[j - 2] + 1)
    return row[-1]


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """The sentence that offers the nearest of some names, or nothing when none is near.

    All names at the smallest distance are offered: every single-edit typo of a name gets it back.
    """
    distances = {choice: edit_distance(word, choice) for choice in choices}
    nearest = min(distances.values(), default=0)
    if not distances or nearest > max(1, len(word) // 3):
        return ""
    return f"Did you mean {' or '.join(repr(choice) for choice, far in distances.items() if far == nearest)}?"

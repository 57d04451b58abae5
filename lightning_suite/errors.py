"""The exceptions of lightning-suite: one for each kind of mistake, with the exit status that it ends a command with.

    SuiteError                 1
    ├── UsageError             2   a verb, a name, an option or a value that does not exist
    ├── PluginError            3   a plugin that is installed but cannot be used
    ├── DataError              1   an input file that cannot be read
    ├── OutputError            1   a file that cannot be written: no folder, no permission, no room
    ├── RunError               1   a run folder or a checkpoint that cannot be used
    ├── AssetError             1   a data file that could not be fetched or has another checksum
    ├── OpsError               1   compiled ops that were required and are not there
    └── Interrupted          130   a training that was ended from outside and can go on

A message says what was expected, what came, where, and what to do; the command line prints it without a traceback.
"""

from pathlib import Path

LONGEST, BEGINNING, END = 1000, 700, 250
"""Characters of a line of a message; of a longer one, what is shown."""


def printable(line: str) -> str:
    r"""Return a line of foreign text with an escape for every character that a terminal would obey.

    Example:
        >>> print(printable("red: \x1b[31m"))
        red: \x1b[31m
    """
    return line if line.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


def _shown(line: str) -> str:
    return _cut(printable(_cut(line)))


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[:BEGINNING]} ... {line[-END:]}"


class SuiteError(Exception):
    r"""A mistake that the user can correct.

    Its text may quote any file: what would move a terminal's cursor or change its colours is shown as an escape, and of
    a very long line the middle is left out.

    Example:
        >>> raise SuiteError("there is no column 'a\x1b[31m'")
        Traceback (most recent call last):
        lightning_suite.errors.SuiteError: there is no column 'a\x1b[31m'
    """

    exit_status = 1

    def __str__(self) -> str:
        return "\n".join(map(_shown, super().__str__().split("\n")))


class UsageError(SuiteError):
    """The command line names something that does not exist."""

    exit_status = 2


class PluginError(SuiteError):
    """A plugin is installed but cannot be used; the message names cause, distribution and repair."""

    exit_status = 3


class DataError(SuiteError):
    """An input cannot be read; the message begins with the file and the line.

    Example:
        >>> raise DataError("expected 2 fields, got 3", "words.csv", line=7)
        Traceback (most recent call last):
        lightning_suite.errors.DataError: words.csv:7: expected 2 fields, got 3
    """

    def __init__(self, message: str, path: str | Path, line: int | None = None) -> None:
        super().__init__(f"{path}: {message}" if line is None else f"{path}:{line}: {message}")


class OutputError(SuiteError):
    """A file cannot be written; the message names it and says why."""


class RunError(SuiteError):
    """A run folder or a checkpoint cannot be used."""


class AssetError(SuiteError):
    """A data file of a published package could not be fetched."""


class OpsError(SuiteError):
    """The compiled form of an op is required and missing; the message says why and how to compile it."""


class Interrupted(SuiteError):
    """A training was ended by the user or the system; the message says how to continue it."""

    exit_status = 130

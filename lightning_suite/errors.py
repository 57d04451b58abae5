"""The exceptions of lightning-suite. Each is one kind of mistake and knows the exit status it ends a command with.

    SuiteError                 1
    ├── UsageError             2   a verb, a name, an option or a value that does not exist
    ├── PluginError            3   a plugin that is installed but cannot be used
    ├── DataError              1   an input file that cannot be read as what it should be
    ├── OutputError            1   a file that cannot be written: no folder, no permission, no room
    ├── RunError               1   a run folder or a checkpoint that is not what it should be
    ├── AssetError             1   a data file that could not be fetched or does not have its checksum
    ├── OpsError               1   compiled ops that were required and are not there
    └── Interrupted          130   a training that was ended from outside and can go on

A message says what was expected, what came, where, and what to do; the command line prints it without a traceback.
"""

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


class OutputError(SuiteError):
    """A file cannot be written; the message names it and says why."""


class RunError(SuiteError):
    """A run folder or a checkpoint cannot be used."""


class AssetError(SuiteError):
    """A data file carried by a published package could not be had."""


class OpsError(SuiteError):
    """The compiled form of an op was required and is not there; the message says why and how to compile it."""


class Interrupted(SuiteError):
    """A training was ended from outside, by the user or the system; the message says how it goes on."""

    exit_status = 130

"""Reads the arguments of a light verb: argparse whose mistakes are ours.

A mistake is a UsageError that names the nearest option, and an abbreviation is a mistake. Options that come from
signatures are read by ``lightning_suite.options``, which costs an import of jsonargparse.
"""

import argparse
from collections.abc import Sequence
from typing import NoReturn

from lightning_suite.errors import UsageError
from lightning_suite.spelling import did_you_mean


class LightParser(argparse.ArgumentParser):
    """The parser of one verb."""

    def __init__(self, verb: str, summary: str) -> None:
        super().__init__(prog=f"suite {verb}", description=summary, allow_abbrev=False)

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """The values of all arguments.

        Raises:
            UsageError: an argument is unknown, missing or of the wrong type.
        """
        values, rest = self.parse_known_args(arguments)
        if rest:
            options = [option for option in self._option_string_actions if option.startswith("--")]
            kind = "option" if rest[0].startswith("-") else "argument"
            hint = did_you_mean(rest[0].partition("=")[0], options)
            self.error(f"there is no {kind} {rest[0]!r}. {hint}".rstrip())
        return values

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print before it ends the program.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"{self.prog}: {message}\n{self.format_usage().strip()}")

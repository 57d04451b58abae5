"""Read the arguments of a verb that are not options of a plugin, by argparse with UsageErrors.

Abbreviated options are refused, and options that are given twice or with an empty value.
"""

import argparse
import inspect
from collections.abc import Sequence
from typing import Any, NoReturn

from lightning_suite.errors import UsageError
from lightning_suite.spelling import did_you_mean


class LightParser(argparse.ArgumentParser):
    """The parser of one verb.

    Args:
        verb: its name; empty for arguments that every verb takes.
        description: what the verb does, for ``--help``.
        usage: its arguments for ``--help``; argparse lists them by default.
        add_help: whether ``-h`` and ``--help`` print the help and end the program.

    Example:
        >>> parser = LightParser("doctor", "Explains.")
        >>> _ = parser.add_argument("--timeout", type=float)
        >>> parser.read(["--timeout", "3"]).timeout
        3.0
    """

    def __init__(
        self, verb: str = "", description: str | None = None, usage: str = "", *, add_help: bool = True
    ) -> None:
        super().__init__(
            prog=f"suite {verb}".rstrip(),
            description=inspect.cleandoc(description or ""),
            usage=f"suite {verb} {usage}" if usage else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            add_help=add_help,
        )
        self.register("action", None, _StoreOnce)

    def options(self) -> list[str]:
        """Return the options of the verb, such as ``--output``."""
        from lightning_suite.lightning_internals import options_of  # costs an import of logging

        return [option for option in options_of(self) if option.startswith("--")]

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Return the values of all arguments.

        Raises:
            UsageError: an argument is unknown, missing or of the wrong type.
        """
        values, rest = self.parse_known_args(arguments)
        if rest:
            kind = "option" if rest[0].startswith("-") else "argument"
            hint = did_you_mean(rest[0].partition("=")[0], self.options())
            self.error(f"there is no {kind} {rest[0]!r}. {hint}".rstrip())
        return values

    def error(self, message: str) -> NoReturn:
        """Raise the message that argparse would print, with the usage.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"{self.prog}: {message}\n{self.format_usage().strip()}")


class _StoreOnce(argparse.Action):
    """Stores a value; refuses a second one, and an empty one."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        if option and getattr(namespace, self.dest) is not self.default:
            parser.error(f"{option} is given twice; leave one out")
        if option and values == "" != self.const:
            parser.error(f"{option} needs a value")
        setattr(namespace, self.dest, values)

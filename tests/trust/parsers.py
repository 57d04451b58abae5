"""What a parser is to the fuzzing: a function that reads a file, and files that it reads as they are."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

AREAS = ("core", "sentences", "tweets", "points", "jets")


@cache
def parsers() -> tuple["Parser", ...]:
    """Return every parser of the suite."""
    return tuple(parser for area in AREAS for parser in import_module(f"tests.trust.parsers_of_{area}").PARSERS)


@cache
def seeds_of(name: str) -> tuple["Seed", ...]:
    """Return the valid files of a parser."""
    return tuple(next(parser for parser in parsers() if parser.name == name).seeds())


class Seed(NamedTuple):
    """A valid file.

    Attributes:
        name: of the file, which says what it is.
        content: of it.
        beside: other files that it needs, by name.
    """

    name: str
    content: bytes
    beside: Mapping[str, bytes] = MappingProxyType({})


class Parser(NamedTuple):
    """A function that reads files.

    Attributes:
        name: of the plugin and the format.
        read: what is tested.
        seeds: make the valid files.
        rows: of an answer, one for each line of the file after the header; None where the format has no such lines.
            It returns None for an answer that says what it leaves out.
        header: how many lines come before the rows.
    """

    name: str
    read: Callable[[Path], Any]
    seeds: Callable[[], Sequence[Seed]]
    rows: Callable[[Any], Sequence[Any] | None] | None = None
    header: int = 0

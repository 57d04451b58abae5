"""Files of options that ``--config`` names, and nested options under dotted names."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning_suite.arguments import LightParser
from lightning_suite.errors import UsageError
from lightning_suite.yaml_files import read_options

GROUPS = ("model", "data", "trainer")

PEOPLE_ONLY = ("summary", "expected")
"""Entries of a recipe that are no options, but information for people."""


def flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return options under dotted names, without the entries of a recipe that are no options.

    Example:
        >>> flat({"seed": 1, "model": {"heads": 2}, "summary": "as published"})
        {'seed': 1, 'model.heads': 2}
    """
    options: dict[str, Any] = {}
    for name, value in values.items():
        if name in PEOPLE_ONLY:
            continue
        options |= {f"{name}.{inner}": v for inner, v in value.items()} if isinstance(value, Mapping) else {name: value}
    return options


def nested(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with dotted names in groups: the inverse of `flat`.

    Example:
        >>> nested({"seed": 1, "model.heads": 2})
        {'seed': 1, 'model': {'heads': 2}}
    """
    values: dict[str, Any] = {}
    for name, value in options.items():
        group, _, inner = name.partition(".")
        if inner:
            values.setdefault(group, {})[inner] = value
        else:
            values[name] = value
    return values


def config_files(typed: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the files that ``--config`` names on a command line, in order, and the words that are left."""
    parser = LightParser(add_help=False)
    parser.add_argument("--config", action="append", default=[])
    values, rest = parser.parse_known_args(typed)
    return values.config, rest


def read_config(file: str) -> dict[str, Any]:
    """Return the options of a config file.

    Raises:
        UsageError: it cannot be read, or does not hold options by name.
    """
    try:
        values = read_options(Path(file).expanduser())
    except OSError as error:
        raise UsageError(f"--config {file}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"--config {error}") from error
    for name, value in values.items():
        if name in GROUPS and not isinstance(value, dict):
            raise UsageError(f"--config {file}: {name}: expected options by name, got {value!r:.60}")
        if name in ("plugin", "recipe") and not isinstance(value, str | None):
            raise UsageError(f"--config {file}: {name}: expected a name, got {value!r:.60}")
        if strange := [inner for inner in value if not isinstance(inner, str)] if isinstance(value, dict) else []:
            raise UsageError(f"--config {file}: {name}: {str(strange[0])!r} is not the name of an option")
    return values

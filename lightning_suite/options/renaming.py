"""Accept old names of options for one release, and say the new name in a line on stderr.

The record of a plugin lists them: ``renamed={"model.largest": "model.max_clusters"}`` for an option, and
``renamed={"model.route=better": "model.route=best_of"}`` for a value of an option.
"""

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from lightning_suite.errors import UsageError
from lightning_suite.progress import is_later_process


def renamed_options(renamed: Mapping[str, str], options: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return options by dotted name with old names replaced by new ones.

    Raises:
        UsageError: an option is given under both names.
    """
    present: dict[str, Any] = {}
    for old, value in options.items():
        name = _present_name(renamed, old)
        if name != old and name in options:
            raise UsageError(f"--{old} is now --{name}, and both are given {where}; leave --{old} out")
        present[name] = _present_value(renamed, name, value)
    return present


def renamed_words(renamed: Mapping[str, str], words: Sequence[str]) -> list[str]:
    """Return the words of a command line with old names of options and values replaced by new ones.

    Example:
        >>> renamed_words({"model.old": "model.new"}, ["--model.new=3"])
        ['--model.new=3']
    """
    result, option = [], ""
    for word in words:
        if word.startswith("--"):
            old, equals, value = word[2:].partition("=")
            option = _present_name(renamed, old)
            result.append(f"--{option}{equals}{_present_value(renamed, option, value)}")
        else:
            result.append(_present_value(renamed, option, word))
            option = ""
    return result


def renamed_of_verb(renamed: Mapping[str, str], verb: str) -> dict[str, str]:
    """Return the old and new names of the options of one of a plugin's verbs.

    Example:
        >>> renamed_of_verb({"segment.largest": "segment.max_clusters", "model.old": "model.new"}, "segment")
        {'largest': 'max_clusters'}
    """
    of_verb = f"{verb}."
    return {
        old.removeprefix(of_verb): new.removeprefix(of_verb) for old, new in renamed.items() if old.startswith(of_verb)
    }


def _present_name(renamed: Mapping[str, str], name: str) -> str:
    """Return the new name of an option, or of a part of it: ``model.old.depth`` is a part of ``model.old``."""
    for old, new in renamed.items():
        if name == old or name.startswith((f"{old}.", f"{old}+")):
            _announce(f"--{old}", f"--{new}")
            return new + name.removeprefix(old)
    return name


def _present_value(renamed: Mapping[str, str], name: str, value: Any) -> Any:
    old = f"{name}={value}"
    if old not in renamed:
        return value
    _announce(f"--{old}", f"--{renamed[old]}")
    return renamed[old].partition("=")[2]


@cache
def _announce(old: str, new: str) -> None:
    """Print the new name of an old one, once and in the first process alone."""
    if not is_later_process():
        print(f"{old} is now {new}", file=sys.stderr)

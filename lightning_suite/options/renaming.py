"""Old names of options: they work for one release, and one line on stderr says the present name.

The record of a plugin lists them, ``renamed={"model.largest": "model.max_clusters"}``; a value that got another name
stands there with its option in front, ``"model.route=better": "model.route=best_of"``.
"""

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from lightning_suite.errors import UsageError
from lightning_suite.progress import is_later_process


def renamed_options(renamed: Mapping[str, str], options: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return options by dotted name with the present names in place of the old ones.

    Raises:
        UsageError: an option is there under both names.
    """
    present: dict[str, Any] = {}
    for old, value in options.items():
        name = _present_name(renamed, old)
        if name != old and name in options:
            raise UsageError(f"--{old} is now --{name}, and both are given {where}; leave --{old} out")
        present[name] = _present_value(renamed, name, value)
    return present


def renamed_words(renamed: Mapping[str, str], words: Sequence[str]) -> list[str]:
    """Return the words of a command line with the present names of options and values in place of the old ones.

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
    """Return the old and present names of the options of one of a plugin's verbs.

    Example:
        >>> renamed_of_verb({"segment.largest": "segment.max_clusters", "model.old": "model.new"}, "segment")
        {'largest': 'max_clusters'}
    """
    of_verb = f"{verb}."
    return {
        old.removeprefix(of_verb): new.removeprefix(of_verb) for old, new in renamed.items() if old.startswith(of_verb)
    }


def _present_name(renamed: Mapping[str, str], name: str) -> str:
    """Return the present name of an option, or of one that lies in it: ``model.old.depth`` lies in ``model.old``."""
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
    """Print, once and in one process, what an old name is called now."""
    if not is_later_process():
        print(f"{old} is now {new}", file=sys.stderr)

"""The values that a command would use, as far as the recipe, ``--config`` and the words say them; nothing is checked.

Help and completion answer from them, so nothing of the plugin is imported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from lightning_suite.errors import UsageError
from lightning_suite.options.config import config_files, flat, read_config
from lightning_suite.options.renaming import renamed_options
from lightning_suite.plugin import Plugin
from lightning_suite.recipes import recipe_of
from lightning_suite.yaml_files import one_line_yaml

RECIPE, TYPED = "*", ">"
"""The marks of values that are not the signature's: from the recipe; from ``--config`` or the words."""


@dataclass(frozen=True)
class Given:
    """A value that a recipe, a file or a word gives to an option.

    Attributes:
        value: what is given.
        mark: where: ``RECIPE`` or ``TYPED``.
    """

    value: Any
    mark: str


def effective_options(plugin: Plugin, recipe: str | None, words: Sequence[str]) -> dict[str, Given]:
    """Return the options that a command gives to a plugin, by dotted name.

    Args:
        plugin: has the options.
        recipe: its recipe, if it has any.
        words: the other words of the command, ``--config FILE`` among them.

    Raises:
        UsageError: there is no such recipe, or a file cannot be read.
    """
    options = flat(recipe_of(plugin, recipe)) if recipe else {}
    found = {name: Given(value, RECIPE) for name, value in renamed_options(plugin.renamed, options, "").items()}
    files, rest = config_files(words)
    for typed in (*map(_of_file, files), _of_words(rest)):
        found |= {name: Given(value, TYPED) for name, value in renamed_options(plugin.renamed, typed, "").items()}
    return found


def shown(value: Any) -> str:
    """Return a value as one types it.

    Example:
        >>> shown(None), shown(True), shown((3, 5)), shown("paper"), shown(1e-5)
        ('null', 'true', '[3,5]', 'paper', '1e-05')
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{','.join(map(shown, value))}]"
    if isinstance(value, Mapping):
        return one_line_yaml(value)
    return str(value)


def _of_file(file: str) -> dict[str, Any]:
    return {name: value for name, value in flat(read_config(file)).items() if name not in ("plugin", "recipe")}


def _of_words(words: Sequence[str]) -> dict[str, Any]:
    """Return the options that words give, as YAML reads their values; what follows no option is left out."""
    options: dict[str, Any] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if equals:
                options[name], name = _value(value), ""
        elif name:
            options[name], name = _value(word), ""
    return options


def _value(word: str) -> Any:
    try:
        return yaml.safe_load(word)
    except (yaml.YAMLError, UsageError):
        return word

"""The options of a run beside what its recipe says of them, or else the signatures of the plugin's classes."""

from dataclasses import dataclass
from typing import Any

from lightning_suite.errors import PluginError, UsageError
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find, signature
from lightning_suite.recipes import recipe_of
from lightning_suite.run_comparison import flattened
from lightning_suite.run_records import RunRecord
from lightning_suite.seed_groups import same
from lightning_suite.trust import is_path

RECIPE, SIGNATURE, UNKNOWN = "recipe", "default", "not known"

SHOWN_DEFAULT = "<default: "
"""How config.yaml begins the text of a default that no file can hold."""

NO_OPTIONS = ("plugin", "recipe", "summary", "expected")
"""Entries of settings and recipes that are no options of a training."""


@dataclass(frozen=True)
class Option:
    """An option of a run.

    Attributes:
        name: with dots, such as ``model.heads``.
        value: in the run.
        usual: what the recipe says or, where it says nothing, the signature; None where that is not known.
        source: of ``usual``: `RECIPE`, `SIGNATURE` or `UNKNOWN`.
    """

    name: str
    value: Any
    usual: Any
    source: str

    @property
    def differs(self) -> bool:
        """Return whether the run had another value than usual."""
        is_default = isinstance(self.value, str) and self.value.startswith(SHOWN_DEFAULT)
        return self.source != UNKNOWN and not is_default and not same(self.value, self.usual)


@dataclass(frozen=True)
class Departures:
    """The options of a run, and what they were compared with.

    Attributes:
        options: all of them.
        plugin: the plugin of the run; None where it is not installed, or was named by its path.
        recipe: all that its recipe says, ``expected`` too.
        remark: why options could not be compared; empty where they could.
    """

    options: tuple[Option, ...]
    plugin: Plugin | None
    recipe: dict[str, Any]
    remark: str


def departures(record: RunRecord) -> Departures:
    """Return the options of a run beside the usual ones; the plugin is read, not imported.

    Raises:
        RunError: the settings cannot be read.
    """
    plugin, recipe, remark = None, {}, ""
    if is_path(record.plugin):
        remark = f"the plugin {record.plugin} was named by its path and is not read: what is usual of it is not known"
    else:
        try:
            plugin = find.look_at(record.plugin)
            recipe = dict(recipe_of(plugin, record.recipe)) if record.recipe else {}
        except (PluginError, UsageError) as error:
            remark = f"what is usual is not known in full: {f'{error}'.partition(chr(10))[0]}"
    said = flattened({name: value for name, value in recipe.items() if name not in NO_OPTIONS})
    defaults = _defaults(plugin)
    options = [
        _option(name, value, said, defaults)
        for name, value in flattened(record.settings).items()
        if name not in NO_OPTIONS
    ]
    return Departures(tuple(options), plugin, recipe, remark)


def _defaults(plugin: Plugin | None) -> dict[str, Any]:
    found = signature.defaults("lightning_suite.options.settings:Settings")
    classes = {"trainer": "pytorch_lightning:Trainer"}
    if plugin is not None:
        classes |= {"model": plugin.module, "data": plugin.data}
    for group, path in classes.items():
        found |= flattened(signature.defaults(path), group)
    return found


def _option(name: str, value: Any, recipe: dict[str, Any], defaults: dict[str, Any]) -> Option:
    """Return an option; where only what contains it has a usual value, such as null, with that."""
    parts = name.split(".")
    within = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    for source, usual in ((RECIPE, recipe), (SIGNATURE, defaults)):
        if found := next((each for each in within if each in usual), ""):
            return Option(name, value, usual[found], source)
    return Option(name, value, None, UNKNOWN)

"""Read the recipes of a plugin: named settings, each a YAML file in the folder that the record names.

Their package is not imported. ``{recipes}`` in a recipe stands for its folder, for a small data file beside it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning_suite.errors import UsageError
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import source
from lightning_suite.plugins.explain import BrokenPlugin
from lightning_suite.spelling import no_such
from lightning_suite.yaml_files import read_options

FOLDER = "{recipes}"


def recipes_of(plugin: Plugin) -> dict[str, Mapping[str, Any]]:
    """Return all recipes of a plugin by name, ``default`` first.

    Raises:
        BrokenPlugin: a recipe does not parse, or their folder or ``default.yaml`` is missing.
    """
    return {name: _read(plugin, file) for name, file in recipe_files(plugin).items()}


def recipe_of(plugin: Plugin, name: str) -> Mapping[str, Any]:
    """Return one recipe of a plugin; a plugin without recipes has an empty ``default``.

    Raises:
        UsageError: there is no recipe of this name.
        BrokenPlugin: it does not parse, or their folder or ``default.yaml`` is missing.

    Example:
        >>> recipe_of(Plugin(name="mine", summary="", module="mine:Net", data="mine:Data"), "default")
        {}
    """
    files = recipe_files(plugin)
    if not files and name == "default":
        return {}
    if name not in files:
        raise UsageError(no_such("recipe", name, files, f"plugin {plugin.name!r} has"))
    return _read(plugin, files[name])


def recipe_files(plugin: Plugin) -> dict[str, Path]:
    """Return the files of all recipes by name, ``default`` first.

    Raises:
        BrokenPlugin: their folder or ``default.yaml`` is missing.
    """
    if plugin.recipes is None:
        return {}
    package, _, inside = plugin.recipes.partition(":")
    parent = source.folder(package)
    if parent is None or not (parent / inside / "default.yaml").is_file():
        missing = f"no package {package!r}" if parent is None else f"no file {parent / inside / 'default.yaml'}"
        raise BrokenPlugin(plugin.name, f"recipes={plugin.recipes!r}, but there is {missing}", plugin.origin)
    files = {file.stem: file for file in sorted((parent / inside).glob("*.yaml"))}
    return {"default": files.pop("default"), **files}


def _read(plugin: Plugin, file: Path) -> Mapping[str, Any]:
    try:
        return read_options(file, lambda text: text.replace(FOLDER, file.parent.as_posix()))
    except (OSError, ValueError) as error:
        cause = f"recipe {file.stem!r} does not parse: {error}"
        raise BrokenPlugin(plugin.name, cause, plugin.origin, f"correct {file.name}{plugin.origin.upgrade}") from error

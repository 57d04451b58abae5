"""The recipes of a plugin: named settings, each a YAML file of a folder that its record names.

They are found without importing the package they lie in. ``{recipes}`` in a recipe is the folder it lies in, to name
a small data file beside it.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lightning_suite import source
from lightning_suite.errors import UsageError
from lightning_suite.faults import BrokenPlugin, correct
from lightning_suite.origin import origin_of
from lightning_suite.plugin import Plugin
from lightning_suite.spelling import no_such

FOLDER = "{recipes}"


def recipes_of(plugin: Plugin) -> dict[str, Mapping[str, Any]]:
    """All recipes of a plugin by name, ``default`` first.

    Raises:
        BrokenPlugin: a recipe does not parse, or their folder or ``default.yaml`` is not there.
    """
    return {name: _parse(plugin, file) for name, file in recipe_files(plugin).items()}


def recipe_of(plugin: Plugin, name: str) -> Mapping[str, Any]:
    """One recipe of a plugin; a plugin without recipes has an empty ``default``.

    Raises:
        UsageError: there is no recipe of this name.
        BrokenPlugin: it does not parse, or the folder is not there.
    """
    files = recipe_files(plugin)
    if not files and name == "default":
        return {}
    if name not in files:
        raise UsageError(no_such("recipe", name, files, f"plugin {plugin.name!r} has"))
    return _parse(plugin, files[name])


def recipe_files(plugin: Plugin) -> dict[str, Path]:
    """The file of every recipe, ``default`` first; nothing is parsed.

    Raises:
        BrokenPlugin: their folder or ``default.yaml`` is not there.
    """
    if plugin.recipes is None:
        return {}
    origin = origin_of(plugin)
    package, _, inside = plugin.recipes.partition(":")
    above = source.folder(package)
    folder = None if above is None else above / inside
    if folder is None or not (folder / "default.yaml").is_file():
        place = f"no package {package!r}" if folder is None else f"no file {folder / 'default.yaml'}"
        raise BrokenPlugin(plugin.name, f"recipes={plugin.recipes!r}, but there is {place}", origin, correct(origin))
    files = {file.stem: file for file in sorted(folder.glob("*.yaml"))}
    return {"default": files.pop("default"), **files}


def _parse(plugin: Plugin, file: Path) -> Mapping[str, Any]:
    import yaml

    try:
        text = file.read_text(encoding="utf-8").replace(FOLDER, file.parent.as_posix())
        values = yaml.load(text, Loader=_loader())
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}" if mark else f"{file}"
        raise _unreadable(plugin, file, f"{getattr(error, 'problem', None) or error} ({place})") from error
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise _unreadable(plugin, file, f"expected options by name, got {type(values).__name__} ({file}:1)")
    return values


def _unreadable(plugin: Plugin, file: Path, problem: str) -> BrokenPlugin:
    origin = origin_of(plugin)
    cause = f"recipe {file.stem!r} does not parse: {problem}"
    return BrokenPlugin(plugin.name, cause, origin, f"correct {file.name}{origin.upgrade}")


@cache
def _loader() -> type:
    """YAML's safe loader, the compiled one where it is there, for which ``1e-5`` is a number as in YAML 1.2."""
    import re

    import yaml

    fast: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: Any = type("RecipeLoader", (fast,), {})
    number = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)[eE][-+]?\d+$")
    loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+.0123456789"))
    return loader  # type: ignore[no-any-return]

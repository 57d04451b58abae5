"""Finds plugins: lists them without an import, imports one when it is asked for, lets a bad one harm only itself.

A plugin is an entry point of the group ``lightning_suite.plugins`` whose value is the path of its record. Nothing
has to be installed to try one: wherever a name stands, a path may stand.

    dsa                        the name of an entry point
    package.module:attribute   a record that can be imported
    path/to/file.py:attribute  a record in a single file

A single file is imported under its stem, without its folder becoming importable: in ``path/to/echo.py`` the record
names the file's own classes as ``module="echo:Net"``, and ``recipes="echo:recipes"`` is the folder ``recipes``
beside it. A stem that already names another importable module is refused.

Imports of installed plugins have a time limit (see ``lightning_suite.guard``); the environment variable
``LIGHTNING_SUITE_IMPORT_LIMIT`` gives another one, in seconds.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from lightning_suite import guard, requirements, source
from lightning_suite.errors import PluginError, SuiteError, UsageError, did_you_mean
from lightning_suite.plugin import API, Plugin

GROUP = "lightning_suite.plugins"
RECIPES = "{recipes}"  # what a recipe writes for the folder it lies in, to name a small data file beside it

# Seconds for the import of a record that is about to be used, and of a class, which imports torch and more.
RECORD_LIMIT = 60.0
CLASS_LIMIT = 300.0

_LIGHTNING_CLASSES: dict[str, Literal["LightningModule", "LightningDataModule"]] = {
    "module": "LightningModule",
    "data": "LightningDataModule",
}


@dataclass(frozen=True)
class Installed:
    """What is known of a plugin before anything of it is imported.

    Attributes:
        name: what it is called by: the entry point's name, or the path that was typed.
        value: ``module:attribute`` of its record.
        distribution: the distribution that brings it; empty when it was given by a path.
        version: of the distribution.
    """

    name: str
    value: str
    distribution: str = ""
    version: str = ""

    def __str__(self) -> str:
        if not self.distribution:
            return self.value
        return f"{self.distribution} {self.version}, entry point {self.name} = {self.value}"

    @property
    def upgrade(self) -> str:
        """What its user can do when its author has to mend it."""
        if not self.distribution:
            return ""
        return f", or try a newer one: pip install --upgrade {self.distribution}"


def installed() -> list[Installed]:
    """All installed plugins by name, without importing any; two of one name both stand in it."""
    return list(_scan(tuple(sys.path)))


def names() -> list[str]:
    """The names of the installed plugins, each once."""
    return list(dict.fromkeys(entry.name for entry in installed()))


def get(name_or_path: str) -> Plugin:
    """Import the record of one plugin, given as a name or a path (see the module's docstring).

    Raises:
        UsageError: there is no plugin of this name, or nothing at this path.
        BrokenPlugin: there is one, but its record cannot be used.
    """
    if ":" in name_or_path or name_or_path.endswith(".py"):
        return _at_path(name_or_path)
    found = [entry for entry in installed() if entry.name == name_or_path]
    if not found:
        raise UsageError(no_such("plugin", name_or_path, names(), "installed"))
    if len(found) > 1:
        raise same_name(found)
    return read(found[0], RECORD_LIMIT)


def reference(name_or_path: str) -> str:
    """The name or path in the form that means the same plugin from any folder; what a run stores."""
    place, colon, attribute = name_or_path.rpartition(":")
    return f"{Path(place).resolve()}{colon}{attribute}" if place.endswith(".py") else name_or_path


def read(entry: Installed, limit: float) -> Plugin:
    """Import the record of an installed plugin within some seconds and check it.

    Raises:
        BrokenPlugin: it cannot be imported or is not a record that this release understands.
    """
    module_name, _, attribute = entry.value.partition("[")[0].strip().partition(":")
    if not module_name or not attribute:
        raise BrokenPlugin(
            entry.name, f"its entry point is {entry.value!r}, expected 'module:attribute'", entry, _correct(entry)
        )
    if source.locate(module_name) is None:
        raise BrokenPlugin(entry.name, f"there is no module {module_name!r}", entry, _correct(entry))
    with _blame(entry, entry.value), guard.unchanged_environment(), _guarded(limit):
        module = importlib.import_module(module_name)
    return _checked(module, attribute, entry)


def resolve(plugin: Plugin, what: str) -> Callable[..., Any]:
    """Import what a record names: its ``"module"`` class, its ``"data"`` class or the function of one of its commands.

    Raises:
        UsageError: the plugin has no such command.
        BrokenPlugin: the import fails, a requirement is not installed, or what is named is not what it should be.
    """
    origin = origin_of(plugin)
    if what not in _LIGHTNING_CLASSES and what not in plugin.commands:
        raise UsageError(no_such(f"command of plugin {plugin.name!r}", what, plugin.commands, "it has"))
    path = getattr(plugin, what) if what in _LIGHTNING_CLASSES else plugin.commands[what]
    if lacking := missing(plugin):
        raise lacking
    if what in _LIGHTNING_CLASSES:
        _import_lightning()
    module_name, _, attribute = path.partition(":")
    role = f"{what}={path!r}" if what in _LIGHTNING_CLASSES else f"the command {what!r}, {path!r}"
    if source.locate(module_name) is None:
        raise no_module(plugin, role, module_name)
    with _blame(origin, role), guard.time_limit(_limit(CLASS_LIMIT)):
        module = importlib.import_module(module_name)
    try:
        found = module
        for part in attribute.split("."):
            found = getattr(found, part)
    except AttributeError:
        raise no_attribute(plugin, role, module_name, attribute, list(vars(module))) from None
    if what in _LIGHTNING_CLASSES:
        _check_class(plugin, role, found, _LIGHTNING_CLASSES[what])
    elif not callable(found):
        raise BrokenPlugin(
            plugin.name, f"{role} is of type {type(found).__name__}, expected a function", origin, _correct(origin)
        )
    return found  # type: ignore[return-value]  # checked above


def recipes(plugin: Plugin) -> dict[str, Mapping[str, Any]]:
    """All recipes of a plugin by name, ``default`` first.

    Raises:
        BrokenPlugin: a recipe does not parse, or their folder or ``default.yaml`` is not there.
    """
    return {name: _parse(plugin, file) for name, file in recipe_files(plugin).items()}


def recipe(plugin: Plugin, name: str) -> Mapping[str, Any]:
    """One recipe of a plugin; a plugin without recipes has an empty ``default``.

    Raises:
        UsageError: there is no recipe of this name.
        BrokenPlugin: it does not parse, or the folder is not there.
    """
    files = recipe_files(plugin)
    if not files and name == "default":
        return {}
    if name not in files:
        raise UsageError(no_such(f"recipe of plugin {plugin.name!r}", name, files, "it has"))
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
        raise BrokenPlugin(plugin.name, f"recipes={plugin.recipes!r}, but there is {place}", origin, _correct(origin))
    files = {file.stem: file for file in sorted(folder.glob("*.yaml"))}
    return {"default": files.pop("default"), **files}


def origin_of(plugin: Plugin) -> Installed:
    """Where a record came from."""
    return _origins.get(id(plugin), Installed(plugin.name, f"a record named {plugin.name!r}"))


def missing(plugin: Plugin) -> "BrokenPlugin | None":
    """What a plugin's extra brings and is not installed, as the error that says so."""
    origin = origin_of(plugin)
    if plugin.extra is None or not origin.distribution:
        return None
    absent = requirements.absent(origin.distribution, plugin.extra)
    if not absent:
        return None
    return BrokenPlugin(plugin.name, f"not installed: {', '.join(absent)}", origin, _install(origin, plugin.extra))


def no_such(kind: str, word: str, choices: Mapping[str, Any] | list[str], have: str) -> str:
    """What was wrong, what there is, the nearest match: the message of a mistake in a name, in at most three lines."""
    all_names = list(choices)
    shown = ", ".join(all_names[:20]) + (f" and {len(all_names) - 20} more" if len(all_names) > 20 else "")
    lines = [f"there is no {kind} {word!r}", f"{have}: {shown or 'none'}", did_you_mean(word, all_names)]
    return "\n".join(line for line in lines if line)


def same_name(entries: list[Installed]) -> "BrokenPlugin":
    """The error of several plugins of one name; none of them is chosen."""
    those = " and ".join(f"{entry.distribution} {entry.version}" for entry in entries)
    repair = f"pip uninstall one of them, or give the path of one record: --plugin {entries[0].value}"
    return BrokenPlugin(entries[0].name, f"{len(entries)} distributions bring a plugin of this name", those, repair)


def no_module(plugin: Plugin, role: str, module: str) -> "BrokenPlugin":
    """The error of a path whose module does not exist."""
    origin = origin_of(plugin)
    return BrokenPlugin(plugin.name, f"{role}, but there is no module {module!r}", origin, _correct(origin))


def no_attribute(plugin: Plugin, role: str, module: str, attribute: str, defined: list[str]) -> "BrokenPlugin":
    """The error of a path whose module exists and does not define what it should."""
    origin = origin_of(plugin)
    hint = did_you_mean(attribute, [name for name in defined if not name.startswith("_")])
    cause = f"{role}, but {module} defines no {attribute!r}{'. ' if hint else ''}{hint}"
    return BrokenPlugin(plugin.name, cause, origin, _correct(origin))


def wrong_class(plugin: Plugin, role: str, is_what: str, expected: str) -> "BrokenPlugin":
    """The error of a class that Lightning could not use."""
    origin = origin_of(plugin)
    repair = f"derive it from pytorch_lightning.{expected}{origin.upgrade}"
    if "'lightning'" in is_what:
        repair = f"import pytorch_lightning in the place of lightning.pytorch{origin.upgrade}"
    return BrokenPlugin(
        plugin.name, f"{role} is {is_what}, expected a subclass of pytorch_lightning.{expected}", origin, repair
    )


class BrokenPlugin(PluginError):
    """One plugin that cannot be used: its name, what is wrong, where it comes from and what mends it."""

    def __init__(self, name: str, cause: str, origin: Installed | str, repair: str) -> None:
        self.name, self.cause, self.origin, self.repair = name, guard.one_line(cause), str(origin), repair
        super().__init__(f"plugin {name!r} cannot be used: {self.cause}\n  from:   {self.origin}\n  repair: {repair}")


# Records by identity: a record is a value that its plugin keeps, and equal records may come from different places.
_origins: dict[int, Installed] = {}


@cache
def _scan(_path: tuple[str, ...]) -> tuple[Installed, ...]:
    """The entry points that a search path gives; the path is an argument only to tell one search from another."""
    return tuple(sorted(map(_installed, entry_points(group=GROUP)), key=lambda entry: (entry.name, entry.distribution)))


def _installed(point: EntryPoint) -> Installed:
    distribution, version = ("", "") if point.dist is None else requirements.identity(point.dist)
    return Installed(point.name, point.value, distribution, version)


def _at_path(text: str) -> Plugin:
    place, _, attribute = text.rpartition(":")
    if not place or not attribute:
        file = f"{place or attribute}"
        raise UsageError(f"expected path/to/file.py:attribute or module:attribute, got {text!r}: try {file}:plugin")
    entry = Installed(text, text)
    if place.endswith(".py"):
        file_ = Path(place).resolve()
        if not file_.is_file():
            raise UsageError(f"there is no file {place!r} to take the plugin {text!r} from")
        with _blame(entry, place):  # whoever names a file may have it import torch, which takes its time
            module = _import_file(file_)
    else:
        if source.locate(place) is None:
            hint = did_you_mean(place, list({entry.value.partition(":")[0] for entry in installed()}))
            raise UsageError(
                f"there is no module {place!r} to take the plugin {text!r} from; "
                f"a file is given as path/to/file.py:attribute. {hint}".rstrip()
            )
        with _blame(entry, place):
            module = importlib.import_module(place)
    if not hasattr(module, attribute):
        records = [name for name, value in vars(module).items() if isinstance(value, Plugin)]
        raise UsageError(no_such(f"record in {place}:", attribute, records, "records there"))
    return _checked(module, attribute, entry)


def _import_file(file: Path) -> ModuleType:
    stem = file.stem
    loaded = sys.modules.get(stem)
    if loaded is not None and getattr(loaded, "__file__", None) == str(file):
        return loaded
    other = source.locate(stem)
    if other is not None and (other.origin is None or Path(other.origin).resolve() != file):
        raise ImportError(f"{stem!r} is already the name of a module ({other.origin}); rename the file")
    spec = spec_from_file_location(stem, file)
    assert spec is not None and spec.loader is not None, file
    module = module_from_spec(spec)
    sys.modules[stem] = module  # before it runs: dataclasses and pickling look a class's module up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[stem]
        raise
    return module


def _checked(module: ModuleType, attribute: str, entry: Installed) -> Plugin:
    """The record that a module holds, when it is one that this release understands."""
    record = getattr(module, attribute, None)
    problem, repair = _problem_of(record, attribute, module, entry)
    if problem:
        raise BrokenPlugin(entry.name, problem, entry, repair)
    assert isinstance(record, Plugin)
    _origins[id(record)] = entry
    return record


def _problem_of(record: object, attribute: str, module: ModuleType, entry: Installed) -> tuple[str, str]:
    if not isinstance(record, Plugin):
        if not hasattr(module, attribute):
            return f"{module.__name__} has no attribute {attribute!r}", _correct(entry)
        kind = f"the class {record.__name__}" if isinstance(record, type) else f"of type {type(record).__name__}"
        return f"{module.__name__}:{attribute} is {kind}, expected a lightning_suite.Plugin", _correct(entry)
    if not isinstance(record.api, int) or record.api < 1:
        return f"api={record.api!r} in its record, expected a version of the contract such as {API}", _correct(entry)
    if record.api > API:
        return (
            f"its record is written for api {record.api}, this lightning-suite understands {API}",
            "pip install --upgrade lightning-suite",
        )
    for field in ("name", "summary", "module", "data"):
        if not isinstance(getattr(record, field), str) or not getattr(record, field):
            return f"{field}={getattr(record, field)!r} in its record, expected text", _correct(entry)
    if not isinstance(record.commands, Mapping):
        return f"commands={record.commands!r} in its record, expected paths of functions by name", _correct(entry)
    for field in ("recipes", "extra"):
        if not isinstance(getattr(record, field), str | None):
            return f"{field}={getattr(record, field)!r} in its record, expected text or None", _correct(entry)
    for field, path in {"module": record.module, "data": record.data, **record.commands}.items():
        package, colon, attribute = path.partition(":") if isinstance(path, str) else ("", "", "")
        if not (package and colon and attribute):
            return f"{field}={path!r} in its record, expected 'module:attribute'", _correct(entry)
    if entry.distribution and record.name != entry.name:
        return (
            f"its record is named {record.name!r}, its entry point {entry.name!r}",
            f"give both the same name{entry.upgrade}",
        )
    return "", ""


def _check_class(plugin: Plugin, role: str, found: object, expected: str) -> None:
    import pytorch_lightning

    if isinstance(found, type) and issubclass(found, getattr(pytorch_lightning, expected)):
        return
    other = getattr(sys.modules.get("lightning.pytorch"), expected, None)
    if isinstance(found, type) and isinstance(other, type) and issubclass(found, other):
        raise wrong_class(plugin, role, f"a {expected} of the package 'lightning'", expected)
    if isinstance(found, type):
        bases = ", ".join(
            f"{base.__module__}.{base.__qualname__}".removeprefix("builtins.") for base in found.__bases__
        )
        raise wrong_class(plugin, role, f"a class derived from {bases}", expected)
    raise wrong_class(plugin, role, f"of type {type(found).__name__}", expected)


def _import_lightning() -> None:
    try:
        importlib.import_module("pytorch_lightning")
    except Exception as error:
        raise SuiteError(
            f"pytorch_lightning could not be imported: {guard.cause(error)}\n"
            "repair: pip install --upgrade pytorch-lightning; `suite doctor` shows the versions"
        ) from error


@contextmanager
def _guarded(limit: float) -> Iterator[None]:
    with guard.print_to_stderr(), guard.time_limit(_limit(limit)):
        yield


@contextmanager
def _blame(entry: Installed, imported: str) -> Iterator[None]:
    """Turn whatever an import raises into the error that names the plugin; an interruption by the user passes."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        cause = f"the import of {imported} failed: {guard.cause(error)}"
        raise BrokenPlugin(entry.name, cause, entry, _repair(entry, error)) from error


def _repair(entry: Installed, error: BaseException) -> str:
    match error:
        case ModuleNotFoundError(name=str(absent)) if _top(absent) != _top(entry.value):
            extra = requirements.extra_with(entry.distribution, _top(absent)) if entry.distribution else None
            if extra:
                return _install(entry, extra)
            return f"pip install the distribution that brings the module {_top(absent)!r}{entry.upgrade}"
        case guard.TimeUp():
            return "`suite doctor` allows it more time; LIGHTNING_SUITE_IMPORT_LIMIT=seconds allows it everywhere"
        case guard.EnvironmentChanged():
            return f"move the change out of the module that holds the record{entry.upgrade}"
        case TypeError() if "Plugin.__init__" in str(error):
            return (
                f"it may be written for a newer release: pip install --upgrade lightning-suite; else {_correct(entry)}"
            )
        case _:
            return _correct(entry)


def _top(path: str) -> str:
    """The package that a dotted path begins with."""
    return path.partition(":")[0].partition(".")[0]


def _correct(entry: Installed) -> str:
    return f"correct {entry.value.partition(':')[0]}{entry.upgrade}"


def _install(entry: Installed, extra: str) -> str:
    return f'pip install "{entry.distribution}[{extra}]"'


def _limit(seconds: float) -> float:
    return float(os.environ.get("LIGHTNING_SUITE_IMPORT_LIMIT") or seconds)


def _parse(plugin: Plugin, file: Path) -> Mapping[str, Any]:
    import yaml

    try:
        text = file.read_text(encoding="utf-8").replace(RECIPES, file.parent.as_posix())
        values = yaml.load(text, Loader=_loader())
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}" if mark else f"{file}"
        problem = getattr(error, "problem", None) or str(error)
        origin = origin_of(plugin)
        raise BrokenPlugin(
            plugin.name,
            f"recipe {file.stem!r} does not parse: {problem} ({place})",
            origin,
            _correct_file(file, origin),
        ) from error
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        origin = origin_of(plugin)
        raise BrokenPlugin(
            plugin.name,
            f"recipe {file.stem!r} does not parse: expected options by name, got {type(values).__name__} ({file}:1)",
            origin,
            _correct_file(file, origin),
        )
    return values


def _correct_file(file: Path, origin: Installed) -> str:
    return f"correct {file.name}{origin.upgrade}"


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

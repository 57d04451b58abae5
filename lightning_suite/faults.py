"""A plugin that cannot be used: the error, and for each way to be broken its cause and what mends it.

A message names the plugin, what is wrong, where it comes from and what to type or to correct. Nothing here finds out
what is wrong; ``validity`` looks at what has been imported, ``diagnosis`` at what has not.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from lightning_suite import guard, requirements
from lightning_suite.errors import OpsError, PluginError
from lightning_suite.origin import Installed, origin_of, undone_by
from lightning_suite.plugin import Plugin
from lightning_suite.spelling import did_you_mean


def missing(plugin: Plugin) -> "BrokenPlugin | None":
    """What a plugin's extra brings and is not installed, as the error that says so."""
    origin = origin_of(plugin)
    if plugin.extra is None or not origin.distribution:
        return None
    absent = requirements.absent(origin.distribution, plugin.extra)
    if not absent:
        return None
    return BrokenPlugin(plugin.name, f"not installed: {', '.join(absent)}", origin, _install(origin, plugin.extra))


def same_name(entries: list[Installed]) -> "BrokenPlugin":
    """The error of several plugins of one name; none of them is chosen."""
    those = " and ".join(f"{entry.distribution} {entry.version}" for entry in entries)
    repair = f"pip uninstall one of them, or give the path of one record: --plugin {entries[0].value}"
    return BrokenPlugin(entries[0].name, f"{len(entries)} distributions bring a plugin of this name", those, repair)


def no_module(plugin: Plugin, role: str, module: str) -> "BrokenPlugin":
    """The error of a path whose module does not exist."""
    origin = origin_of(plugin)
    return BrokenPlugin(plugin.name, f"{role}, but there is no module {module!r}", origin, correct(origin))


def no_attribute(plugin: Plugin, role: str, module: str, attribute: str, defined: list[str]) -> "BrokenPlugin":
    """The error of a path whose module exists and does not define what it should."""
    origin = origin_of(plugin)
    hint = did_you_mean(attribute, [name for name in defined if not name.startswith("_")])
    cause = f"{role}, but {module} defines no {attribute!r}{'. ' if hint else ''}{hint}"
    return BrokenPlugin(plugin.name, cause, origin, correct(origin))


def wrong_class(plugin: Plugin, role: str, is_what: str, expected: str) -> "BrokenPlugin":
    """The error of a class that Lightning could not use."""
    origin = origin_of(plugin)
    repair = f"derive it from pytorch_lightning.{expected}{origin.upgrade}"
    if "'lightning'" in is_what:
        repair = f"import pytorch_lightning in the place of lightning.pytorch{origin.upgrade}"
    return BrokenPlugin(
        plugin.name, f"{role} is {is_what}, expected a subclass of pytorch_lightning.{expected}", origin, repair
    )


def warning(plugin: Plugin) -> str:
    """What is wrong with a plugin and does not keep it from being used; empty when it is nothing."""
    undone = undone_by(plugin)
    if not undone:
        return ""
    return (
        f"the import of its record changed the environment: {', '.join(undone)}. This was undone; "
        "such a change belongs into the module that needs it"
    )


@contextmanager
def blame(entry: Installed, imported: str) -> Iterator[None]:
    """Turn whatever an import raises into the error that names the plugin.

    An interruption by the user passes, and so does the lack of compiled ops where they are required: no plugin's fault.
    """
    try:
        yield
    except (KeyboardInterrupt, OpsError):
        raise
    except BaseException as error:
        cause = f"the import of {imported} failed: {guard.cause(error)}"
        raise BrokenPlugin(entry.name, cause, entry, _repair(entry, error)) from error


def correct(entry: Installed) -> str:
    """The repair that only the author of a plugin can make: of the module that holds its record."""
    return f"correct {entry.value.partition(':')[0]}{entry.upgrade}"


class BrokenPlugin(PluginError):
    """One plugin that cannot be used: its name, what is wrong, where it comes from and what mends it."""

    def __init__(self, name: str, cause: str, origin: Installed | str, repair: str) -> None:
        self.name, self.cause, self.origin, self.repair = name, guard.one_line(cause), str(origin), repair
        super().__init__(f"plugin {name!r} cannot be used: {self.cause}\n  from:   {self.origin}\n  repair: {repair}")


def _repair(entry: Installed, error: BaseException) -> str:
    match error:
        case ModuleNotFoundError(name=str(absent)) if _top(absent) != _top(entry.value):
            extra = requirements.extra_with(entry.distribution, _top(absent)) if entry.distribution else None
            if extra:
                return _install(entry, extra)
            return f"pip install the distribution that brings the module {_top(absent)!r}{entry.upgrade}"
        case guard.TimeUp():
            return "`suite doctor` allows it more time; LIGHTNING_SUITE_IMPORT_LIMIT=seconds allows it everywhere"
        case TypeError() if "Plugin.__init__" in str(error):
            return (
                f"it may be written for a newer release: pip install --upgrade lightning-suite; else {correct(entry)}"
            )
        case _:
            return correct(entry)


def _top(path: str) -> str:
    """The package that a dotted path begins with."""
    return path.partition(":")[0].partition(".")[0]


def _install(entry: Installed, extra: str) -> str:
    return f'pip install "{entry.distribution}[{extra}]"'

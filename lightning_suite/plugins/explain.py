"""The error of a plugin that cannot be used, and for each way to be broken its cause and repair.

A message names the plugin, what is wrong, where the plugin comes from and what to type or to correct. Nothing here
finds out what is wrong: ``check`` looks at what was imported, ``diagnosis`` at what was not.
"""

import contextlib
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning_suite.errors import OpsError, PluginError, UsageError
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import guard, isolated, requirements
from lightning_suite.plugins.origin import Origin
from lightning_suite.spelling import did_you_mean
from lightning_suite.tables import one_line

# Files whose lines do not explain a failed import: those of the import system and of this package.
_CORE, _IMPORTLIB = str(Path(__file__).parent.parent), str(Path(importlib.__file__).parent)
_NOT_THE_PLUGIN = ("<frozen", _CORE, _IMPORTLIB, contextlib.__file__)


def missing_requirements(plugin: Plugin) -> "BrokenPlugin | None":
    """Return the error of a plugin whose extra is not completely installed, otherwise None."""
    origin = plugin.origin
    if plugin.extra is None or not origin.distribution:
        return None
    absent = requirements.absent(origin.distribution, plugin.extra)
    if not absent:
        return None
    return BrokenPlugin(plugin.name, f"not installed: {', '.join(absent)}", origin, _install(origin, plugin.extra))


def same_name(origins: list[Origin]) -> "BrokenPlugin":
    """Return the error of several plugins of one name, none of which is chosen."""
    distributions = " and ".join(f"{origin.distribution} {origin.version}" for origin in origins)
    repair = f"pip uninstall one of them, or give the path of one record: --plugin {origins[0].value}"
    cause = f"{len(origins)} distributions bring a plugin of this name"
    return BrokenPlugin(origins[0].name, cause, distributions, repair)


def no_module(plugin: Plugin, role: str, module: str) -> "BrokenPlugin":
    """Return the error of a path whose module does not exist."""
    return BrokenPlugin(plugin.name, f"{role}, but there is no module {module!r}", plugin.origin)


def no_attribute(plugin: Plugin, role: str, module: str, attribute: str, defined: list[str]) -> "BrokenPlugin":
    """Return the error of a path whose module exists and does not define the attribute."""
    hint = did_you_mean(attribute, [name for name in defined if not name.startswith("_")])
    cause = f"{role}, but {module} defines no {attribute!r}{'. ' if hint else ''}{hint}"
    return BrokenPlugin(plugin.name, cause, plugin.origin)


def wrong_class(plugin: Plugin, role: str, description: str, expected: str) -> "BrokenPlugin":
    """Return the error of a class that Lightning cannot use."""
    repair = f"derive it from pytorch_lightning.{expected}{plugin.origin.upgrade}"
    if "'lightning'" in description:
        repair = f"import pytorch_lightning instead of lightning.pytorch{plugin.origin.upgrade}"
    cause = f"{role} is {description}, expected a subclass of pytorch_lightning.{expected}"
    return BrokenPlugin(plugin.name, cause, plugin.origin, repair)


def warning(plugin: Plugin) -> str:
    """Return what is wrong with a plugin without keeping it from being used; empty when nothing is."""
    changed = plugin.origin.changed_environment
    if not changed:
        return ""
    return (
        f"the import of its record changed the environment: {', '.join(changed)}. This was undone; "
        "such a change belongs in the module that needs it"
    )


@contextmanager
def wrap_import_errors(origin: Origin, imported: str) -> Iterator[None]:
    """Raise whatever an import raises as the error that names the plugin.

    An interruption by the user passes, and so do the lack of compiled ops where they are required and a time limit
    that is no number, which are no plugin's fault.

    Raises:
        BrokenPlugin: something else was raised inside.
    """
    try:
        yield
    except (BrokenPlugin, KeyboardInterrupt, OpsError, UsageError):
        raise
    except BaseException as error:
        cause = f"the import of {imported} failed: {one_line_cause(error)}"
        raise BrokenPlugin(origin.name, cause, origin, _repair(origin, error)) from error


def one_line_cause(error: BaseException) -> str:
    """Return in one line what was raised, and the file and line of the plugin that raised it."""
    match error:
        case guard.TimeUp():
            text = str(error)
        case SystemExit():
            text = f"it ends the program: SystemExit({error.code!r})"
        case SyntaxError(filename=str(file)):
            return one_line(f"{type(error).__name__}: {error.msg} ({file}:{error.lineno})")
        case _:
            message = _text(error)
            text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return one_line(text + location(error, lambda file: file.startswith(_NOT_THE_PLUGIN)))


def location(error: BaseException, is_skipped: Callable[[str], bool]) -> str:
    """Return in parentheses the file and line that raised an error, the innermost of those that are not skipped."""
    result, traceback = "", error.__traceback__
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if not is_skipped(file):
            result = f" ({file}:{traceback.tb_lineno})"
        traceback = traceback.tb_next
    return result


def ended_process(origin: Origin, ending: str, seconds: float) -> "BrokenPlugin":
    """Return the error of a plugin whose import did not leave its process alive; how that ended is ``isolated``'s."""
    cause = f"its import ended the process {ending}"
    if ending == isolated.KILLED:
        cause = f"its import had not ended after {seconds:g} s and {ending}"
    return BrokenPlugin(origin.name, cause, origin, f"import {origin.value.partition(':')[0]} in Python to see where")


class BrokenPlugin(PluginError):
    """A plugin that cannot be used: its name, what is wrong, where it comes from and what repairs it.

    Example:
        >>> print(BrokenPlugin("echo", "its record is empty", Origin("echo", "echo_net:plugin", "echo-net", "1.0")))
        plugin 'echo' cannot be used: its record is empty
          from:   echo-net 1.0, entry point echo = echo_net:plugin
          repair: correct echo_net, or try a newer one: pip install --upgrade echo-net
    """

    def __init__(self, name: str, cause: str, origin: Origin | str, repair: str = "") -> None:
        self.name: str = name
        self.cause: str = one_line(cause)
        self.origin: str = str(origin)
        self.repair: str = repair or (origin.correct if isinstance(origin, Origin) else "")
        super().__init__(f"plugin {name!r} cannot be used: {self.cause}\n  from:   {origin}\n  repair: {self.repair}")


def _repair(origin: Origin, error: BaseException) -> str:
    match error:
        case ModuleNotFoundError(name=str(absent)) if _package(absent) != _package(origin.value):
            package = _package(absent)
            extra = requirements.extra_with(origin.distribution, package) if origin.distribution else None
            if extra:
                return _install(origin, extra)
            return f"pip install the distribution that brings the module {package!r}{origin.upgrade}"
        case guard.TimeUp():
            return f"`suite doctor` allows it more time; {guard.LIMIT_VARIABLE}=seconds allows it everywhere"
        case TypeError() if "Plugin.__init__" in str(error):
            return (
                f"it may be written for a newer release: pip install --upgrade lightning-suite; else {origin.correct}"
            )
        case _:
            return origin.correct


def _text(error: BaseException) -> str:
    try:
        return f"{error}"
    except Exception as second:  # the plugin's own class may be broken as well
        return f"(its text cannot be read: {type(second).__name__})"


def _package(path: str) -> str:
    """Return the package that a dotted path begins with."""
    return path.partition(":")[0].partition(".")[0]


def _install(origin: Origin, extra: str) -> str:
    return f'pip install "{origin.distribution}[{extra}]"'

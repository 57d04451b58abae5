"""Finds what is wrong with a plugin by reading its files, for the verbs that answer at once.

The record too is read as source, or imported in a process of its own; nothing of the plugin runs in this one.
Reading may miss a fault, and reports one only where there is no doubt; ``trial`` imports everything.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find, source
from lightning_suite.plugins.explain import (
    BrokenPlugin,
    missing_requirements,
    no_attribute,
    no_module,
    warning,
    wrong_class,
)
from lightning_suite.plugins.origin import Origin
from lightning_suite.recipes import recipes_of


@dataclass(frozen=True)
class Diagnosis:
    """An installed plugin, its record when that could be read, and all that is wrong with it.

    Attributes:
        origin: where the plugin comes from.
        plugin: its record; None when it could not be read, or was read in another process.
        faults: what keeps it from being used.
        warning: what is wrong without keeping it from being used; empty when nothing is.
    """

    origin: Origin
    plugin: Plugin | None
    faults: tuple[BrokenPlugin, ...]
    warning: str = ""

    @property
    def state(self) -> str:
        """Return ``ok``, ``needs: COMMAND`` when an installation repairs it, or ``broken: CAUSE``."""
        if not self.faults:
            return "ok"
        fault = self.faults[0]
        return f"needs: {fault.repair}" if fault.cause.startswith("not installed:") else f"broken: {fault.cause}"


def look(origins: Sequence[Origin]) -> list[Diagnosis]:
    """Diagnose installed plugins by reading; nothing of theirs runs in this process."""
    return [_diagnosis(origin, found) for origin, found in zip(origins, find.look(origins), strict=True)]


def read(origin: Origin, limit: float) -> Diagnosis:
    """Diagnose an installed plugin by reading, once its record was imported here within some seconds."""
    try:
        return _diagnosis(origin, find.read(origin, limit))
    except BrokenPlugin as error:
        return _diagnosis(origin, error)


def faults(plugin: Plugin) -> Iterator[BrokenPlugin]:
    """Yield what the files that a record names show to be wrong."""
    if error := missing_requirements(plugin):
        yield error
    yield from _faults_of_path(plugin, f"module={plugin.module!r}", plugin.module, "LightningModule")
    yield from _faults_of_path(plugin, f"data={plugin.data!r}", plugin.data, "LightningDataModule")
    for name, path in plugin.commands.items():
        yield from _faults_of_path(plugin, f"the verb {name!r}, {path!r}", path, "")
    try:
        recipes_of(plugin)
    except BrokenPlugin as error:
        yield error


def _diagnosis(origin: Origin, found: Plugin | BrokenPlugin) -> Diagnosis:
    if isinstance(found, BrokenPlugin):
        return Diagnosis(origin, None, (found,))
    return Diagnosis(origin, found, tuple(faults(found)), warning(found))


def _faults_of_path(plugin: Plugin, role: str, path: str, lightning_class: str) -> Iterator[BrokenPlugin]:
    module, _, attribute = path.partition(":")
    spec = source.locate(module)
    if spec is None:
        yield no_module(plugin, role, module)
        return
    code = source.text(spec)
    if code is None or "." in attribute or _has_usual_line(code, attribute, lightning_class):
        return
    tree = source.tree(code)
    if tree is None:
        return
    if not source.may_define(tree, attribute):
        yield no_attribute(plugin, role, module, attribute, source.names(tree))
    elif lightning_class and (description := source.wrong_bases(tree, attribute, lightning_class)):
        yield wrong_class(plugin, role, description, lightning_class)


def _has_usual_line(code: str, attribute: str, lightning_class: str) -> bool:
    """Return whether the code has the usual definition, so that it need not be parsed: 400 lines take 10 ms."""
    code = f"\n{code}"  # so that a line may be the first
    if not lightning_class:
        return f"\ndef {attribute}(" in code
    bases = code.partition(f"\nclass {attribute}(")[2].partition("):")[0]
    return lightning_class in bases.split(", ") and "\nfrom pytorch_lightning import" in code

"""Finds all that is wrong with a plugin: by reading its files, or by importing everything it names in another process.

Reading serves ``suite list``: it imports the record, which is cheap by contract, reads the rest as source, and never
imports torch. It may miss a fault, and reports one only where there is no doubt. The trial serves ``suite doctor``: a
process of its own for each plugin, so that a hang, a crash or ``os._exit`` ends that process and nothing else.

``python -m lightning_suite.plugins.diagnosis DISTRIBUTION NAME SECONDS`` is that process.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lightning_suite.errors import OpsError, SuiteError
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find, guard, isolated, records, requirements, source
from lightning_suite.plugins.explain import (
    BrokenPlugin,
    missing_requirements,
    no_attribute,
    no_module,
    warning,
    wrong_class,
)
from lightning_suite.plugins.origin import Origin
from lightning_suite.plugins.resolve import resolve
from lightning_suite.recipes import recipes_of

GRACE = 5.0
"""Seconds between the moment a trial should have ended by itself and its end by force."""


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
        if fault.cause.startswith("not installed:"):
            return f"needs: {fault.repair}"
        return f"broken: {fault.cause}"


def read_all() -> list[Diagnosis]:
    """Diagnose every installed plugin by reading, in the order of their names."""
    return [
        Diagnosis(origin, None, (error,)) if (error := find.ambiguous(origin)) else read(origin)
        for origin in find.installed()
    ]


def read(origin: Origin, limit: float = find.LIMIT) -> Diagnosis:
    """Diagnose one installed plugin by reading, with some seconds for the import of its record."""
    try:
        plugin = records.read(origin, limit)
    except BrokenPlugin as error:
        return Diagnosis(origin, None, (error,))
    return Diagnosis(origin, plugin, tuple(faults(plugin)), warning(plugin))


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


def trial(origin: Origin, seconds: float) -> Diagnosis:
    """Diagnose one installed plugin by importing all that it names, in a process that may take some seconds."""
    arguments = [origin.distribution, origin.name, f"{seconds}"]
    output, ending = isolated.run("lightning_suite.plugins.diagnosis", arguments, seconds + GRACE)
    reports = [json.loads(line) for line in output.splitlines() if line.startswith('{"faults"')]
    if reports:
        found = [BrokenPlugin(origin.name, cause, origin, repair) for cause, repair in reports[-1]["faults"]]
        return Diagnosis(origin, None, tuple(found), reports[-1]["warning"])
    cause = f"its import ended the process {ending}"
    if ending == isolated.KILLED:
        cause = f"its import had not ended after {seconds:g} s and {ending}"
    repair = f"import {origin.value.partition(':')[0]} in Python to see where"
    return Diagnosis(origin, None, (BrokenPlugin(origin.name, cause, origin, repair),))


def _faults_of_path(plugin: Plugin, role: str, path: str, lightning_class: str) -> Iterator[BrokenPlugin]:
    module, _, attribute = path.partition(":")
    if source.locate(module) is None:
        yield no_module(plugin, role, module)
        return
    code = source.text(module)
    if code is None or "." in attribute or _is_plain(code, attribute, lightning_class):
        return
    tree = source.tree(code)
    if tree is None:
        return
    if not source.may_define(tree, attribute):
        yield no_attribute(plugin, role, module, attribute, source.names(tree))
    elif lightning_class and (description := source.wrong_bases(tree, attribute, lightning_class)):
        yield wrong_class(plugin, role, description, lightning_class)


def _is_plain(code: str, attribute: str, lightning_class: str) -> bool:
    """Return whether the code has the usual line, so that it need not be parsed: that takes 3 ms for 300 lines."""
    if not lightning_class:
        return f"\ndef {attribute}(" in code
    return f"\nclass {attribute}({lightning_class}):" in code and "\nfrom pytorch_lightning import" in code


def _try_imports(origin: Origin, seconds: float) -> Diagnosis:
    ends = time.monotonic() + seconds
    diagnosis = read(origin, seconds)
    more = () if diagnosis.plugin is None else tuple(_faults_of_imports(diagnosis, diagnosis.plugin, ends))
    return replace(diagnosis, faults=(*diagnosis.faults, *more))


def _faults_of_imports(diagnosis: Diagnosis, plugin: Plugin, ends: float) -> Iterator[BrokenPlugin]:
    origin = diagnosis.origin
    if origin.distribution and plugin.extra and missing_requirements(plugin) is None:
        for phrase in requirements.unsatisfied(origin.distribution, plugin.extra):
            repair = f'pip install --upgrade "{origin.distribution}[{plugin.extra}]"'
            yield BrokenPlugin(origin.name, phrase, origin, repair)
    if diagnosis.faults:
        return
    for what in ("module", "data", *plugin.commands):
        os.environ[guard.LIMIT_VARIABLE] = f"{max(ends - time.monotonic(), 0.1)}"
        try:
            resolve(plugin, what)
        except BrokenPlugin as error:
            yield error
        except OpsError as error:
            yield BrokenPlugin(origin.name, f"{error}", origin, "see the ops above")
            return
        except SuiteError as error:  # Lightning itself: no fault of the plugin, and the same for all
            yield BrokenPlugin(origin.name, f"{error}", origin, "repair the installation of Lightning")
            return


def _main(distribution: str, name: str, seconds: str) -> None:
    # What the plugin prints must not mix with the report: its standard output becomes the error stream.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as report:
        os.dup2(2, 1)
        for origin in find.installed():
            if (origin.distribution, origin.name) == (distribution, name):
                diagnosis = _try_imports(origin, float(seconds))
                causes = [(fault.cause, fault.repair) for fault in diagnosis.faults]
                report.write(json.dumps({"faults": causes, "warning": diagnosis.warning}) + "\n")
                report.flush()
                os._exit(0)  # threads that an import has left behind must not keep the process


if __name__ == "__main__":
    _main(*sys.argv[1:])

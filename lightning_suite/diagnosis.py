"""What is wrong with a plugin: by a look at its files, or by importing everything it names in another process.

The look serves ``suite list``: it imports the record, which is cheap by contract, reads the rest as text, and never
imports torch. It may miss a fault, and accuses only where there is no doubt. The trial serves ``suite doctor``: a
process of its own for each plugin, so that a hang, a crash or ``os._exit`` ends that process and nothing else.

``python -m lightning_suite.diagnosis DISTRIBUTION NAME SECONDS`` is that process.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lightning_suite import guard, isolated, registry, requirements, source
from lightning_suite.errors import OpsError, SuiteError
from lightning_suite.faults import BrokenPlugin, missing, no_attribute, no_module, same_name, warning, wrong_class
from lightning_suite.origin import Installed
from lightning_suite.plugin import Plugin
from lightning_suite.recipes import recipes_of

# Seconds that a look waits for the import of a record.
LOOK_LIMIT = 2.0

# Seconds between the moment a trial should have ended by itself and its end by force.
GRACE = 5.0


@dataclass(frozen=True)
class Diagnosis:
    """An installed plugin, its record when that could be read, and all that is wrong with it.

    Attributes:
        entry: the plugin as it is installed.
        plugin: its record; None when it could not be read, or was read in another process.
        faults: each keeps it from being used.
        warning: what is wrong and does not; empty when it is nothing.
    """

    entry: Installed
    plugin: Plugin | None
    faults: tuple[BrokenPlugin, ...]
    warning: str = ""

    @property
    def state(self) -> str:
        """``ok``, ``needs: COMMAND`` when an installation mends it, or ``broken: CAUSE``."""
        if not self.faults:
            return "ok"
        fault = self.faults[0]
        if fault.cause.startswith("not installed:"):
            return f"needs: {fault.repair}"
        return f"broken: {fault.cause}"


def look() -> list[Diagnosis]:
    """A look at every installed plugin, in the order of their names."""
    entries = registry.installed()
    several = Counter(entry.name for entry in entries)
    return [
        Diagnosis(entry, None, (same_name([other for other in entries if other.name == entry.name]),))
        if several[entry.name] > 1
        else look_at(entry, LOOK_LIMIT)
        for entry in entries
    ]


def look_at(entry: Installed, limit: float) -> Diagnosis:
    """A look at one installed plugin whose record has some seconds to be imported."""
    try:
        plugin = registry.read(entry, limit)
    except BrokenPlugin as error:
        return Diagnosis(entry, None, (error,))
    return Diagnosis(entry, plugin, tuple(faults(plugin)), warning(plugin))


def faults(plugin: Plugin) -> Iterator[BrokenPlugin]:
    """What a look at the files that a record names shows to be wrong."""
    if lacking := missing(plugin):
        yield lacking
    yield from _class_faults(plugin, f"module={plugin.module!r}", plugin.module, "LightningModule")
    yield from _class_faults(plugin, f"data={plugin.data!r}", plugin.data, "LightningDataModule")
    for name, path in plugin.commands.items():
        yield from _class_faults(plugin, f"the command {name!r}, {path!r}", path, None)
    try:
        recipes_of(plugin)
    except BrokenPlugin as error:
        yield error


def trial(entry: Installed, seconds: float) -> Diagnosis:
    """What importing everything that a plugin names shows; the process for it may take some seconds."""
    words = [entry.distribution, entry.name, f"{seconds}"]
    said, how = isolated.run("lightning_suite.diagnosis", words, seconds + GRACE)
    cause = f"its import ended the process {how}"
    if how == isolated.KILLED:
        cause = f"its import had not ended after {seconds:g} s and {how}"
    reports = [json.loads(line) for line in said.splitlines() if line.startswith('{"faults"')]
    if not reports:
        repair = f"import {entry.value.partition(':')[0]} in Python to see where"
        return Diagnosis(entry, None, (BrokenPlugin(entry.name, cause, entry, repair),))
    found = [BrokenPlugin(entry.name, cause, entry, repair) for cause, repair in reports[-1]["faults"]]
    return Diagnosis(entry, None, tuple(found), reports[-1]["warning"])


def _class_faults(plugin: Plugin, role: str, path: str, expected: str | None) -> Iterator[BrokenPlugin]:
    module, _, attribute = path.partition(":")
    if source.locate(module) is None:
        yield no_module(plugin, role, module)
        return
    text = source.text(module)
    if text is None or "." in attribute:
        return
    if not source.may_define(text, attribute):
        yield no_attribute(plugin, role, module, attribute, source.names(text))
    elif expected is not None and (is_what := source.plainly_not(text, attribute, expected)):
        described = f"a {is_what}" if "'lightning'" in is_what else f"a class derived from {is_what}"
        yield wrong_class(plugin, role, described, expected)


def _tried(entry: Installed, seconds: float) -> Diagnosis:
    ends = time.monotonic() + seconds
    seen = look_at(entry, seconds)
    more = () if seen.plugin is None else tuple(_import_faults(seen, seen.plugin, ends))
    return replace(seen, faults=(*seen.faults, *more))


def _import_faults(seen: Diagnosis, plugin: Plugin, ends: float) -> Iterator[BrokenPlugin]:
    entry = seen.entry
    if entry.distribution and plugin.extra and not any(f.cause.startswith("not installed") for f in seen.faults):
        for phrase in requirements.unsatisfied(entry.distribution, plugin.extra):
            repair = f'pip install --upgrade "{entry.distribution}[{plugin.extra}]"'
            yield BrokenPlugin(entry.name, phrase, entry, repair)
    if seen.faults:
        return
    for what in ("module", "data", *plugin.commands):
        os.environ["LIGHTNING_SUITE_IMPORT_LIMIT"] = f"{max(ends - time.monotonic(), 0.1)}"
        try:
            registry.resolve(plugin, what)
        except BrokenPlugin as error:
            yield error
        except OpsError as error:
            yield BrokenPlugin(entry.name, guard.one_line(str(error)), entry, "see the ops above")
            return
        except SuiteError as error:  # Lightning itself: no fault of the plugin, and the same for all
            yield BrokenPlugin(entry.name, guard.one_line(str(error)), entry, "mend the installation of Lightning")
            return


def _main(distribution: str, name: str, seconds: str) -> None:
    # What the plugin prints must not mix with the report: its standard output becomes the error stream.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as report:
        os.dup2(2, 1)
        for entry in registry.installed():
            if (entry.distribution, entry.name) == (distribution, name):
                tried = _tried(entry, float(seconds))
                found = [(fault.cause, fault.repair) for fault in tried.faults]
                report.write(json.dumps({"faults": found, "warning": tried.warning}) + "\n")
                report.flush()
                os._exit(0)  # threads that an import has left behind must not keep the process


if __name__ == "__main__":
    _main(*sys.argv[1:])

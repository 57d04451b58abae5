"""Finds what is wrong with a plugin by importing everything it names, for ``suite doctor``.

Every plugin has a process of its own, so that a hang, a crash or ``os._exit`` ends that process and nothing else.
``python -m lightning_suite.plugins.trial DISTRIBUTION NAME SECONDS`` is that process.
"""

import json
import os
import sys
import time
from collections.abc import Iterator

from lightning_suite.errors import OpsError, SuiteError
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import diagnosis, find, guard, isolated, requirements
from lightning_suite.plugins.diagnosis import Diagnosis
from lightning_suite.plugins.explain import BrokenPlugin, missing_requirements
from lightning_suite.plugins.origin import Origin
from lightning_suite.plugins.resolve import resolve

GRACE = 5.0
"""Seconds between the moment a trial should have ended by itself and its end by force."""


def run(origin: Origin, seconds: float) -> Diagnosis:
    """Diagnose an installed plugin by importing all that it names, in a process that may take some seconds."""
    arguments = [origin.distribution, origin.name, f"{seconds}"]
    output, ending = isolated.run("lightning_suite.plugins.trial", arguments, seconds + GRACE)
    reports = [json.loads(line) for line in output.splitlines() if line.startswith('{"faults"')]
    if reports:
        faults = [BrokenPlugin(origin.name, *fault) for fault in reports[-1]["faults"]]
        return Diagnosis(origin, None, tuple(faults), reports[-1]["warning"])
    cause = f"its import ended the process {ending}"
    if ending == isolated.KILLED:
        cause = f"its import had not ended after {seconds:g} s and {ending}"
    repair = f"import {origin.value.partition(':')[0]} in Python to see where"
    return Diagnosis(origin, None, (BrokenPlugin(origin.name, cause, origin, repair),))


def _faults(by_reading: Diagnosis, plugin: Plugin, ends: float) -> Iterator[BrokenPlugin]:
    """Yield what importing a plugin shows to be wrong, until a moment of the monotonic clock."""
    origin = by_reading.origin
    if origin.distribution and plugin.extra and missing_requirements(plugin) is None:
        for phrase in requirements.unsatisfied(origin.distribution, plugin.extra):
            repair = f'pip install --upgrade "{origin.distribution}[{plugin.extra}]"'
            yield BrokenPlugin(origin.name, phrase, origin, repair)
    if by_reading.faults:
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
        ends = time.monotonic() + float(seconds)
        origin = next(one for one in find.installed() if (one.distribution, one.name) == (distribution, name))
        result = diagnosis.read(origin, float(seconds))
        more = _faults(result, result.plugin, ends) if result.plugin else ()
        faults = [(fault.cause, fault.origin, fault.repair) for fault in (*result.faults, *more)]
        report.write(json.dumps({"faults": faults, "warning": result.warning}) + "\n")
        report.flush()
        os._exit(0)  # threads that an import has left behind must not keep the process


if __name__ == "__main__":
    _main(*sys.argv[1:])

"""Finds what is wrong with a plugin by importing everything it names, for ``suite doctor``.

Every plugin has a process of its own, so that a hang, a crash or ``os._exit`` ends that process and nothing else.
``python -m lightning_suite.plugins.trial DISTRIBUTION NAME SECONDS`` is that process.
"""

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from lightning_suite.errors import OpsError, SuiteError
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import diagnosis, find, guard, isolated, requirements
from lightning_suite.plugins.diagnosis import Diagnosis
from lightning_suite.plugins.explain import BrokenPlugin, ended_process, missing_requirements
from lightning_suite.plugins.origin import Origin
from lightning_suite.plugins.resolve import resolve

GRACE = 5.0
"""Seconds between the moment a trial should have ended by itself and its end by force."""


def run(origin: Origin, seconds: float) -> Diagnosis:
    """Diagnose an installed plugin by importing all that it names, in a process that may take some seconds."""
    arguments = [origin.distribution, origin.name, f"{seconds}"]
    ending = isolated.run("lightning_suite.plugins.trial", arguments, seconds + GRACE)
    answer = ending.answer
    if answer is None:
        return Diagnosis(origin, None, (ended_process(origin, ending.description, seconds),))
    faults = [BrokenPlugin(origin.name, *fault) for fault in answer["faults"]]
    return Diagnosis(origin, None, tuple(faults), answer["warning"])


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


def _answer(distribution: str, name: str, seconds: float) -> dict[str, Any]:
    ends = time.monotonic() + seconds
    origin = next(one for one in find.installed() if (one.distribution, one.name) == (distribution, name))
    result = diagnosis.read(origin, seconds)
    more = _faults(result, result.plugin, ends) if result.plugin else ()
    faults = [(fault.cause, fault.origin, fault.repair) for fault in (*result.faults, *more)]
    return {"faults": faults, "warning": result.warning}


if __name__ == "__main__":
    isolated.answer(lambda: _answer(sys.argv[1], sys.argv[2], float(sys.argv[3])))

"""Runs a module of the core in a process of its own: a hang, a crash or ``os._exit`` ends that process alone."""

import os
import signal
import sys
from typing import NamedTuple

KILLED = "had to be killed"


class Ending(NamedTuple):
    """What a process left behind.

    Attributes:
        output: its standard output; empty when it had to be killed.
        description: how it ended: ``with status 1: the last line of its standard error``, ``by SIGSEGV``, or that it
            had to be killed.
    """

    output: str
    description: str


def environment() -> dict[str, str]:
    """Return the environment of a process that finds the same modules as this one, and none in the current folder."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"}


def run(module: str, arguments: list[str], seconds: float) -> Ending:
    """Run ``python -m module arguments`` with the import path of this process and return what it left behind.

    It is killed with its children after some seconds.

    Example:
        >>> run("platform", [], 60).description
        'with status 0'
    """
    import subprocess  # here, because the light verbs import this module and need no process

    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return Ending("", KILLED)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    status = process.returncode
    description = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
    last = (errors.strip().splitlines() or [""])[-1]
    return Ending(output, f"{description}{': ' if last else ''}{last}")

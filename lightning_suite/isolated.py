"""Runs a module of the core in a process of its own: a hang, a crash or ``os._exit`` ends that process alone."""

import os
import signal
import subprocess
import sys
from typing import NamedTuple

KILLED = "had to be killed"


class Ending(NamedTuple):
    """What a process left behind.

    Attributes:
        output: its standard output; empty when it had to be killed.
        how: its end in words: ``with status 1: the last line of its complaint``, ``by SIGSEGV``, or that it had to
            be killed.
    """

    output: str
    how: str


def run(module: str, words: list[str], seconds: float) -> Ending:
    """``python -m module words``, with the import path of this process, killed with its children after some seconds."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", module, *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        output, complaint = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return Ending("", KILLED)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    status = process.returncode
    ending = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
    last = (complaint.strip().splitlines() or [""])[-1]
    return Ending(output, f"{ending}{': ' if last else ''}{last}")

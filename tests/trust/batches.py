"""Reads damaged files in a forked process with limits, so that a crash or a hang is an outcome and not the end.

Two outcomes are right: an answer, or an error of the suite that names the file within six lines. Others are findings:
any other exception (running out of memory included), a signal, and more than ``SECONDS`` of CPU time.
"""

import gc
import json
import os
import random
import resource
import select
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from lightning_suite.errors import SuiteError

SECONDS = 8
"""Of CPU time, for one small file."""

MEMORY = 2 << 30
"""Bytes beyond what the process has when it begins."""

LINES, CHARACTERS = 6, 1200
"""How long a message may be."""


class Finding(NamedTuple):
    """What went wrong with an input, and its number, by which it can be made again."""

    number: int
    what: str


Trial = Callable[[int], str | None]
"""Tries the input of a number, and returns what is wrong with the outcome."""


def findings(trial: Trial, count: int, most: int = 5) -> list[Finding]:
    """Return what is wrong with the inputs 0 to ``count``; it stops after so many findings."""
    found: list[Finding] = []
    start = 0
    while start < count and len(found) < most:
        start = _batch(trial, start, count, found, most)
    return found


def complaint(read: Callable[[Path], Any], path: Path) -> tuple[Any, str | None]:
    """Return what a parser answers and None, or None and what is wrong with its error; nothing with a right one."""
    try:
        return read(path), None
    except SuiteError as error:
        return None, _fault_of_message(str(error), path)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        place = traceback.extract_tb(error.__traceback__)[-3:]
        where = ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in place)
        return None, f"{type(error).__name__}: {str(error)[:200]} ({where})"


def _fault_of_message(message: str, path: Path) -> str | None:
    if path.stem not in message and path.parent.name not in message:
        return f"the message does not name the file: {message[:300]}"
    if message.count("\n") >= LINES or len(message) > CHARACTERS:
        return f"the message has {message.count(chr(10)) + 1} lines, {len(message)} characters: {message[:300]}"
    if strange := [character for character in message if ord(character) < 32 and character != "\n"]:
        return f"the message holds the control character {strange[0]!r}: {message[:300]!r}"
    return None


def _batch(trial: Trial, start: int, count: int, found: list[Finding], most: int) -> int:
    """Try inputs in one process, and return the number with which the next one goes on."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        os.close(reading)
        _work(trial, start, count, writing)
    os.close(writing)
    number, rest, asleep = start, b"", False
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while len(found) < most:
            if not select.select([pipe], [], [], 15 * SECONDS)[0]:  # it sleeps
                asleep = True
                found.append(Finding(number, f"no answer within {15 * SECONDS} s"))
                break
            piece = pipe.read(1 << 16)
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                number, what = json.loads(line)
                if what:
                    found.append(Finding(number, what))
            if not piece:
                break
    if len(found) >= most or asleep:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL:
        ended = os.WTERMSIG(status)
        slow = ended == signal.SIGPROF
        found.append(Finding(number, f"over {SECONDS} s" if slow else f"ended by {signal.Signals(ended).name}"))
    elif os.WIFEXITED(status) and os.WEXITSTATUS(status):
        found.append(Finding(number, f"the process ended with status {os.WEXITSTATUS(status)}"))
    return count if os.WIFEXITED(status) and not os.WEXITSTATUS(status) else number + 1


def _work(trial: Trial, start: int, count: int, writing: int) -> None:
    """Try inputs in this process, which ends."""
    try:
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        os.dup2(1, 2)
        warnings.simplefilter("ignore")
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            now = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        gc.freeze()
        for number in range(start, count):
            os.write(writing, json.dumps([number, None]).encode() + b"\n")
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            what = trial(number)
            if what:
                os.write(writing, json.dumps([number, what]).encode() + b"\n")
        os._exit(0)
    except BaseException as error:
        signal.setitimer(signal.ITIMER_PROF, 0)
        what = f"the trial itself failed: {type(error).__name__}: {error}"
        os.write(writing, json.dumps([start, what]).encode() + b"\n")
        os._exit(3)


def chance_of(seed: int, name: str, number: int) -> random.Random:
    """Return the random numbers that make one input."""
    return random.Random(f"{seed} {name} {number}")

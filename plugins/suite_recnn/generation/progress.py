"""How far a generation is: bars on a terminal, else a line now and then; on standard error."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

_SILENCE = 20.0  # seconds between lines of progress where no terminal shows a bar


class Standing(NamedTuple):
    """How far a file is.

    Attributes:
        class_name: what its jets are.
        path: of the file.
        jets: how many it shall hold.
        done: how many there are.
        new: how many of them this call has made, and of those that turned out not to be needed.
        finished: whether the file is there.
    """

    class_name: str
    path: Path
    jets: int
    done: int
    new: int
    finished: bool


Show = Callable[[Standing], None]


@contextmanager
def progress_of(standings: Sequence[Standing]) -> Iterator[Show]:
    """A function that shows how far a file is; these are all that there will be."""
    console = Console(stderr=True)
    with _bars(standings, console) if console.is_terminal else _lines(standings) as show:
        yield show


@contextmanager
def _bars(standings: Sequence[Standing], console: Console) -> Iterator[Show]:
    columns = (
        TextColumn("{task.description:<6}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:>6} jets/s, left"),
        TimeRemainingColumn(),
    )
    clock = _Clock()
    with Progress(*columns, console=console) as progress:
        tasks: dict[str, TaskID] = {}
        for first in standings:
            task = progress.add_task(first.class_name, total=first.jets, completed=first.done, rate="-")
            tasks[first.class_name] = task

        def show(now: Standing) -> None:
            progress.update(tasks[now.class_name], completed=now.done, rate=f"{clock.rate(now):.0f}")

        yield show


@contextmanager
def _lines(standings: Sequence[Standing]) -> Iterator[Show]:
    clock = _Clock()
    for first in standings:
        say(f"{first.class_name}: generating {first.jets} jets into {first.path}")
    last = time.monotonic()

    def show(now: Standing) -> None:
        nonlocal last
        rate = clock.rate(now)
        if now.finished:
            say(f"{now.class_name}: {now.jets} jets: {now.path}")
        elif now.done < now.jets and time.monotonic() - last > _SILENCE:
            last = time.monotonic()
            left = f", about {(now.jets - now.done) / rate:.0f} s left" if rate else ""
            say(f"{now.class_name}: {now.done} of {now.jets} jets, {rate:.0f} jets/s{left}")

    yield show


class _Clock:
    """Jets per second of each class, counted from when anything was last heard before its first ones."""

    def __init__(self) -> None:
        self._begun: dict[str, float] = {}
        self._last = time.monotonic()

    def rate(self, now: Standing) -> float:
        """Of a class, as it stands now."""
        begun = self._begun.setdefault(now.class_name, self._last)
        self._last = time.monotonic()
        return now.new / max(self._last - begun, 1e-3)


def say(line: str) -> None:
    """Prints a line to standard error."""
    print(line, file=sys.stderr, flush=True)

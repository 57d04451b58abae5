"""How far a collection is, and what it waits for: a bar on a terminal, else a line now and then; on standard error."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

_SILENCE = 20.0  # seconds between lines of progress where no terminal shows a bar
_MINUTE = 60  # and between the lines of a countdown


class Display(Protocol):
    """What is told while tweets are collected."""

    def expect(self, done: int, total: int | None) -> None:
        """So many are there already, of so many; None where nobody knows."""

    def count(self, done: int) -> None:
        """So many are there now."""

    def wait(self, why: str, seconds: float) -> None:
        """Still so many seconds to wait; 0 when it is over."""

    def say(self, line: str) -> None:
        """Something that shall stay to be read."""


@contextmanager
def progress_of(title: str) -> Iterator[Display]:
    """What shows how far something is, until the end of the block."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(title)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[amount]}", markup=False),
        TextColumn("{task.fields[note]}", markup=False, style="yellow"),
    )
    bar = _Bar(Progress(*columns, console=console, expand=True), title)
    try:
        yield bar
    finally:
        bar.end()


class _Bar:
    """A bar, with what is waited for behind it; there is none before there is something to show."""

    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=None, amount="", note="")
        self._total: int | None = None
        self._is_waiting = False

    def expect(self, done: int, total: int | None) -> None:
        self._total = total
        self._progress.start()
        self._progress.update(self._task, total=total)
        self.count(done)

    def count(self, done: int) -> None:
        self._progress.update(self._task, completed=done, amount=amount(done, self._total))

    def wait(self, why: str, seconds: float) -> None:
        if seconds > 0 and not self._is_waiting:
            self.say(f"{why}; Ctrl-C keeps what is there")
        self._progress.start()
        self._is_waiting = seconds > 0
        self._progress.update(self._task, note=f"going on in {clock(seconds)}" if seconds > 0 else "")

    def say(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def end(self) -> None:
        if self._progress.live.is_started:
            self._progress.stop()


class _Lines:
    """Lines, few enough for a log."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._total: int | None = None
        self._spoken = time.monotonic()
        self._next_mark = math.inf

    def expect(self, done: int, total: int | None) -> None:
        self._total = total
        if done or total is not None:
            self.say(f"{self._title}: {amount(done, total)}")

    def count(self, done: int) -> None:
        if time.monotonic() - self._spoken > _SILENCE or done == self._total:
            self.say(f"{self._title}: {amount(done, self._total)}")

    def wait(self, why: str, seconds: float) -> None:
        if seconds <= 0:
            self._next_mark = math.inf
        elif seconds <= self._next_mark:
            self.say(f"{why}: going on in {clock(seconds)}; Ctrl-C keeps what is there")
            self._next_mark = max(0.0, seconds - _MINUTE)

    def say(self, line: str) -> None:
        self._spoken = time.monotonic()
        print(line, file=sys.stderr, flush=True)


def amount(done: int, total: int | None) -> str:
    """So many tweets, of so many."""
    return f"{done:,} tweets" if total is None else f"{done:,} of {total:,} tweets"


def clock(seconds: float) -> str:
    """Seconds as a clock shows them, a begun second in full: 14:59, or 1:02:03."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

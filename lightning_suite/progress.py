"""What a long call is busy with, on standard error: bars on a terminal, a line every so often elsewhere.

A call only counts its steps and names its stages. A thread of this module looks at the counts and shows them, so that
counting costs next to nothing and several threads may count at once. Calls within calls are shown below each other.
Nothing is shown before a call has lasted ``PATIENCE`` seconds, inside `quiet`, and in all processes of a distributed
training but the first.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TYPE_CHECKING, TypeVar, final

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")

PATIENCE = 2.0
"""Seconds that a call lasts before it is shown."""

SELDOM = 10.0
"""Seconds between two lines where no terminal shows bars; later a tenth of the time that has passed, if it is more."""

WIDE, NARROW, WIDE_FROM = 24, 10, 100
"""Columns of a bar, those where the terminal is narrow, and the columns of a terminal that is not."""

_READER_GONE = (OSError, ValueError, SystemExit)  # of a closed standard error; SystemExit is rich's for a broken pipe

_quiet = 0


@contextlib.contextmanager
def progress(
    description: str, total: int | None = None, *, unit: str = "", done: int = 0, lines_after: float | None = None
) -> Iterator["Task"]:
    """Show how far the block is, and the time it still takes; yield the function that counts its steps.

    Args:
        description: what is being done.
        total: the number of steps, where it is known.
        unit: what a step is called, in the plural: "jets".
        done: the number of steps that an earlier call has taken.
        lines_after: seconds before the first line and between others where no terminal shows bars, for a block whose
            end the caller announces; by default ``PATIENCE``, and a line says the end.

    Example:
        >>> with progress("reading", total=3, unit="files") as advance:
        ...     for _ in range(3):
        ...         advance()
        >>> advance.done
        3
    """
    task = Task(description, total, unit, done)
    _display.add(task, lines_after)
    finished = False
    try:
        yield task
        finished = True
    finally:
        _display.remove(task, finished and lines_after is None)


def track(iterable: Iterable[Item], description: str, total: int | None = None, *, unit: str = "") -> Iterator[Item]:
    """Yield the items of an iterable, and show how many of them have been taken.

    Args:
        iterable: what is gone through; its length is the total where it has one.
        description: what is being done.
        total: the number of items, where it is known and the iterable does not know it.
        unit: what an item is called, in the plural: "jets".

    Example:
        >>> [number**2 for number in track(range(4), "squaring")]
        [0, 1, 4, 9]
    """
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    with progress(description, total, unit=unit) as advance:
        for item in iterable:
            yield item
            advance()


@contextlib.contextmanager
def quiet(wanted: bool = True) -> Iterator[None]:
    """Show no progress until the end of the block, whichever thread makes it; ``suite --quiet`` is this.

    Example:
        >>> with quiet():
        ...     total = sum(track(range(4), "adding"))
        >>> total
        6
    """
    global _quiet
    _quiet += wanted
    try:
        yield
    finally:
        _quiet -= wanted


def is_quiet() -> bool:
    """Return whether no progress is shown: inside `quiet`, or in a later process of a distributed training.

    Example:
        >>> with quiet():
        ...     is_quiet()
        True
    """
    return _quiet > 0 or is_later_process()


def is_later_process() -> bool:
    """Return whether this is a process of a distributed training, but not the first.

    Example:
        >>> is_later_process()
        False
    """
    return any(os.environ.get(name, "0") != "0" for name in ("RANK", "LOCAL_RANK"))


def say(line: str) -> None:
    """Print a line on standard error that stays, above the bars; nothing where `is_quiet`.

    Example:
        >>> with quiet():
        ...     say("not shown")
    """
    if not is_quiet():
        _display.say(line)


def duration(seconds: float) -> str:
    """Return seconds as one reads them.

    Example:
        >>> [duration(seconds) for seconds in (48.2, 200, 3900)]
        ['48 s', '3 min 20 s', '1 h 05 min']
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


@final
class Task:
    """A call that is being shown. Calling it counts steps: ``advance()``, ``advance(64)``.

    Attributes:
        description: what is being done.
        total: the number of steps, where it is known.
        done: the number of steps so far.
    """

    def __init__(self, description: str, total: int | None, unit: str, done: int) -> None:
        self.description = description
        self.total = total
        self.done: int = done
        self.next_line: float = 0.0
        """When a line about it is due, in seconds from its beginning."""
        self.between_lines: float = 0.0
        """Seconds between two lines at least."""
        self._unit = f" {unit}" if unit else ""
        self._began = time.monotonic()
        self._done_before = done
        self._stage = ""
        self._lock = threading.Lock()

    def __call__(self, n: int = 1) -> None:
        """Count steps that are done."""
        with self._lock:
            self.done += n

    def update(self, *, done: int | None = None, total: int | None = None) -> None:
        """Set the number of steps so far, or of all steps."""
        with self._lock:
            self.done = self.done if done is None else done
            self.total = self.total if total is None else total

    def stage(self, words: str) -> None:
        """Name what the call is busy with at present."""
        self._stage = words

    def seconds(self) -> float:
        """Return how long the call has lasted."""
        return time.monotonic() - self._began

    def state(self, width: int | None = None) -> str:
        """Return stage, steps, time and time left: ``1,200 of 5,000 jets, 24 s, 50 jets/s, about 1 min 16 s left``.

        Where that is wider than there is room, rate, stage and time are left out, in this order.
        """
        seconds, new = self.seconds(), self.done - self._done_before
        rate = new / seconds if seconds > 0 else 0.0
        per_second = f"{rate:,.0f}{self._unit}/s" if rate >= 10 else f"{rate:.2g}{self._unit}/s"
        parts = {
            "stage": self._stage,
            "amount": self._amount(),
            "time": duration(seconds),
            "rate": per_second if rate > 0 and self._unit else "",
        }
        if new > 0 and self.total is not None and self.done < self.total:
            parts["left"] = f"about {duration(seconds * (self.total - self.done) / new)} left"
        for least in ("", "rate", "stage", "time"):
            parts.pop(least, None)
            text = ", ".join(filter(None, parts.values()))
            if width is None or len(text) <= width:
                break
        return text

    def end(self) -> str:
        """Return what there is to say when the call has ended: ``done, 5,000 jets, 1 min 40 s``."""
        amount = f"{self.done:,}{self._unit}" if self.done else ""
        return ", ".join(part for part in ("done", amount, duration(self.seconds())) if part)

    def _amount(self) -> str:
        if self.total is not None:
            return f"{self.done:,} of {self.total:,}{self._unit}"
        return f"{self.done:,}{self._unit}" if self.done else ""


@final
class _Display:
    """All calls of this process that are being shown, and the thread that shows them while there are any."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything, as a process must that another one has forked."""
        self._tasks: list[Task] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._bars: Progress | None = None

    def add(self, task: Task, lines_after: float | None) -> None:
        with self._changed:
            task.next_line = PATIENCE if lines_after is None else lines_after
            task.between_lines = max(SELDOM, lines_after or 0.0)
            self._tasks.append(task)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)
                self._thread.start()

    def remove(self, task: Task, says_so: bool) -> None:
        with self._changed:
            self._tasks.remove(task)
            if says_so and self._bars is None and task.next_line > PATIENCE and not is_quiet():
                _print(f"{task.description}: {task.end()}")
            if not self._tasks:
                self._stop_bars()
            self._changed.notify()

    def say(self, line: str) -> None:
        with self._changed:
            if self._bars is None:
                _print(line)
            else:
                self._bars.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _watch(self) -> None:
        with self._changed:
            while self._tasks:
                if not is_quiet():
                    with contextlib.suppress(*_READER_GONE):
                        self._show()
                self._changed.wait(min(0.1, PATIENCE))
            self._thread = None

    def _show(self) -> None:
        due = [task for task in self._tasks if task.seconds() >= PATIENCE]
        if self._bars is None and due and _has_terminal():
            self._start_bars()
        if self._bars is not None:
            self._draw(self._bars, due)
            return
        for task in due:
            if task.seconds() >= task.next_line:
                _print(f"{task.description}: {task.state()}")
                task.next_line = task.seconds() + max(task.between_lines, 0.1 * task.seconds())

    def _start_bars(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=WIDE if console.width >= WIDE_FROM else NARROW),
            TextColumn("{task.fields[state]}", markup=False, table_column=Column(no_wrap=True)),
            console=console,
            transient=True,
            auto_refresh=False,
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),  # else a pipe would lose what is printed
        )
        self._bars.start()

    def _draw(self, bars: "Progress", tasks: list[Task]) -> None:
        rows = {row.fields["task"]: row.id for row in bars.tasks}
        width = bars.console.width
        taken = max((len(task.description) for task in tasks), default=0) + (WIDE if width >= WIDE_FROM else NARROW) + 2
        for task in tasks:
            row = rows.pop(task, None)
            if row is None:
                row = bars.add_task(task.description, task=task, state="")
            bars.update(row, total=task.total, completed=task.done, state=task.state(width - taken))
        for row in rows.values():
            bars.remove_task(row)
        bars.refresh()

    def _stop_bars(self) -> None:
        bars, self._bars = self._bars, None
        if bars is not None:
            with contextlib.suppress(*_READER_GONE):
                bars.stop()


def _has_terminal() -> bool:
    """Return whether bars can be drawn on standard error: not where rich already draws others, such as Lightning's.

    A line that is printed there stands above the others.
    """
    stream = sys.stderr
    return (
        stream is not None
        and stream.isatty()
        and not hasattr(stream, "rich_proxied_file")
        and os.environ.get("TERM", "") not in ("dumb", "unknown")
    )


def _print(line: str) -> None:
    with contextlib.suppress(*_READER_GONE):
        print(line, file=sys.stderr, flush=True)


_display = _Display()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_display.reset)

"""What a clustering is busy with, on standard error, once it has taken longer than anyone waits without a word."""

import math
import sys
import threading
import time
from types import TracebackType
from typing import final

from rich.console import Console
from rich.status import Status

PATIENCE = 2.0
"""Seconds before anything is shown."""

SELDOM = 5
"""Times that between two lines, where no terminal shows the stage."""


@final
class Stages:
    """Is called with words for every stage: graph, eigenvectors, k-means.

    A terminal shows the stage and the seconds since the beginning; elsewhere there is a line now and then.

    Args:
        title: what is being done.
        patience: seconds before anything is shown.
    """

    def __init__(self, title: str, patience: float = PATIENCE) -> None:
        self._title = title
        self._patience = patience
        self._began = time.monotonic()
        self._words = ""
        self._spoken = -math.inf
        self._shown = threading.Event()
        self._timer: threading.Timer | None = None
        self._status: Status | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> "Stages":
        self._began = time.monotonic()
        self._timer = threading.Timer(self._patience, self._show)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            self._shown.clear()
            if self._status is not None:
                self._status.stop()
                self._status = None

    def __call__(self, words: str) -> None:
        """The next stage begins."""
        with self._lock:
            self._words = words
            if self._shown.is_set():
                self._say()

    def _show(self) -> None:
        with self._lock:
            console = Console(stderr=True)
            if console.is_terminal:
                self._status = console.status("")
                self._status.start()
            self._shown.set()
            self._say()

    def _say(self) -> None:
        line = f"{self._title}, {time.monotonic() - self._began:.0f} s: {self._words}"
        if self._status is not None:
            self._status.update(line)
        elif time.monotonic() > self._spoken + SELDOM * self._patience:
            print(line, file=sys.stderr, flush=True)
            self._spoken = time.monotonic()

"""Processes that generate chunks of jets. They end with the process that started them and leave no part of a file."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection, resource_tracker
from pathlib import Path
from typing import Any, NamedTuple

from lightning_suite.errors import SuiteError
from suite_recnn.generation.collisions import Collider
from suite_recnn.generation.files import write
from suite_recnn.generation.settings import Chunk


class ChunkResult(NamedTuple):
    """A finished chunk: the number of its jets, and the seconds of a processor that they took."""

    chunk: Chunk
    jets: int
    seconds: float


class Worker:
    """A process that generates chunks, and the pipe to it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.chunk: Chunk | None = None  # it works on this one
        self._process = context.Process(target=_work, args=(other,), daemon=True)
        with _interruptions_blocked():
            self._process.start()
        other.close()  # so that the pipe ends with the process

    def start(self, chunk: Chunk, path: Path) -> None:
        """Let the process generate a chunk into the file of that path."""
        self.chunk = chunk
        self.pipe.send((chunk, path))

    def answer(self) -> ChunkResult:
        """Wait for the chunk to be finished and return its result.

        Raises:
            SuiteError: the chunk failed, or the process has ended.
        """
        self.chunk = None
        try:
            answer: ChunkResult | Exception = self.pipe.recv()
        except (EOFError, OSError):
            self._process.join(1)
            raise SuiteError(
                f"a process that generated jets ended with status {self._process.exitcode}; the finished parts are "
                "kept: the same command goes on from there"
            ) from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def stop(self) -> None:
        """End the process; an unfinished chunk leaves no file."""
        self._process.kill()
        self._process.join()
        self.pipe.close()


def _work(pipe: "connection.Connection[Any, Any]") -> None:
    """Generate the chunks that come through the pipe, and send a result or an exception for each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the first one decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    collider, of_class = None, ""
    while True:
        try:
            chunk, path = pipe.recv()
        except EOFError:
            return
        try:
            start = time.process_time()
            if collider is None or chunk.class_name != of_class:
                collider, of_class = Collider(chunk.class_name, chunk.settings), chunk.class_name
            table = collider.jets(chunk)
            write(path, table, {})
            pipe.send(ChunkResult(chunk, table.num_rows, time.process_time() - start))
        except SuiteError as error:
            pipe.send(error)
        except Exception as error:
            where = f"chunk {chunk.number} of the class {chunk.class_name!r}"
            pipe.send(SuiteError(f"{where}: {type(error).__name__}: {error}"))


@contextmanager
def _interruptions_blocked() -> Iterator[None]:
    """Block Ctrl-C for a process that is started in this block, until the process ignores it by itself."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its first start would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)

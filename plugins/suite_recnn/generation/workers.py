"""Processes that make chunks of jets. They end with the process that started them, and leave no part of a file."""

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
from suite_recnn.generation.collisions import Chunk, Collider
from suite_recnn.generation.files import write


class Finished(NamedTuple):
    """What became of a chunk: how many jets, in how many seconds of a processor."""

    chunk: Chunk
    jets: int
    seconds: float


class Worker:
    """A process that makes chunks, and the pipe to it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.chunk: Chunk | None = None  # that it works on
        self._process = context.Process(target=_work, args=(other,), daemon=True)
        with _deaf_to_interruptions():
            self._process.start()
        other.close()  # so that the pipe ends with the process

    def give(self, chunk: Chunk, path: Path) -> None:
        """Hands it a chunk, and the path of the file that it shall make."""
        self.chunk = chunk
        self.pipe.send((chunk, path))

    def answer(self) -> Finished:
        """Waits for its chunk to be finished.

        Raises:
            SuiteError: it failed, or is no longer there.
        """
        self.chunk = None
        try:
            answer: Finished | Exception = self.pipe.recv()
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
        """Ends the process, whatever it does: what it has not finished is not there."""
        self._process.kill()
        self._process.join()
        self.pipe.close()


def _work(pipe: "connection.Connection[Any, Any]") -> None:
    """What a worker does: it makes the chunks that come through the pipe and says what became of each."""
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
            pipe.send(Finished(chunk, table.num_rows, time.process_time() - start))
        except SuiteError as error:
            pipe.send(error)
        except Exception as error:
            told = SuiteError(
                f"chunk {chunk.number} of the class {chunk.class_name!r}: {type(error).__name__}: {error}"
            )
            pipe.send(told)


@contextmanager
def _deaf_to_interruptions() -> Iterator[None]:
    """A process started meanwhile takes no notice of Ctrl-C while it imports, before it can say so itself."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its own first start would lift the block
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

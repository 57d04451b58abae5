"""Standard input, output and error that bear what surrounds the program.

A closed one becomes the null device, so that no file of ours gets its number, into which libraries print. What happens
to standard error never ends the program, and standard output does not end a training: its results are in files.
"""

import contextlib
import io
import os
import select
import sys
from collections.abc import Iterator
from typing import Any, final

_lasting = 0


def prepare() -> None:
    """Open the null device for each standard stream that is closed, and let the others bear that their reader goes."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is not None and not _is(stream, descriptor):
            continue  # someone has put another file in its place, which is theirs
        try:
            os.fstat(descriptor)
        except OSError:
            _open_null(descriptor)
            stream = None
        if name == "stdin":
            sys.stdin = stream or open(descriptor, encoding="utf-8", closefd=False)  # noqa: SIM115
        elif stream is None or not isinstance(_raw(stream), _Output):
            setattr(sys, name, _bearing(stream, descriptor))


@contextlib.contextmanager
def lasting() -> Iterator[None]:
    """Go on to the end of the block, and print nothing more, when standard output cannot be written.

    What prints after the block gets the exception.

    Example:
        >>> with lasting():
        ...     print("one epoch")
        one epoch
    """
    global _lasting
    _lasting += 1
    try:
        yield
    finally:
        _lasting -= 1


def failure() -> OSError | None:
    """Return why standard output can no longer be written, or None."""
    raw = _raw(sys.stdout)
    return raw.failure if isinstance(raw, _Output) else None


def give_up_output() -> None:
    """Let Python's last flush of standard output succeed, whatever is still to be written."""
    raw = _raw(sys.stdout)
    if isinstance(raw, _Output):
        raw.never_raises = True


def _is(stream: Any, descriptor: int) -> bool:
    """Return whether a stream is Python's own for a descriptor."""
    try:
        return isinstance(stream, io.TextIOWrapper) and (stream.closed or stream.fileno() == descriptor)
    except (OSError, ValueError):
        return False


def _raw(stream: Any) -> Any:
    """Return what a stream writes to, below its buffer, if it has any."""
    buffer = getattr(stream, "buffer", None)
    return getattr(buffer, "raw", buffer)


def _open_null(descriptor: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    if null != descriptor:
        os.dup2(null, descriptor)
        os.close(null)
    else:
        os.set_inheritable(descriptor, True)


def _bearing(stream: io.TextIOWrapper | None, descriptor: int) -> io.TextIOWrapper:
    """Return a stream like Python's own for a descriptor, whose failures are remembered."""
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    raw = _Output(descriptor, "wb", closefd=False)
    raw.never_raises = is_error = descriptor == 2
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding if stream else "utf-8",
        errors="replace",  # a terminal without Unicode shows ? for what it lacks
        line_buffering=is_error or raw.isatty(),
        write_through=is_error or (stream is not None and stream.write_through),
    )


@final
class _Output(io.FileIO):
    """A descriptor to write to. After a failure nothing is written any more, and in a `lasting` block nothing raised.

    Attributes:
        failure: why it cannot be written; None as long as it can.
        never_raises: whether it also goes on outside such a block, as standard error does.
    """

    failure: OSError | None = None
    never_raises = False

    def write(self, data: Any) -> int:
        try:
            if self.failure is not None:
                raise self.failure
            while (written := super().write(data)) is None:  # a pipe that does not block is full
                select.select([], [self.fileno()], [])
            return written
        except OSError as error:
            self.failure = error
            if self.never_raises or _lasting:
                return memoryview(data).nbytes
            raise

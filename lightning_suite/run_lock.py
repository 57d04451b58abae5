"""Holds a run folder for one training: a second one that would write to it is refused.

The lock is the operating system's and vanishes with the process, however that ends; the processes that load data do not
inherit it. The file ``.lock`` says who holds it and is removed with the lock.
"""

import contextlib
import os
import platform
import re
from pathlib import Path
from typing import final

from lightning_suite.errors import OutputError, RunError
from lightning_suite.run import now

NAME = ".lock"

_held: set[Path] = set()
"""The folders that this process holds: a system's lock is between processes."""


@final
class RunLock:
    """The lock of a run folder.

    Example:
        >>> import tempfile
        >>> folder, lock = Path(tempfile.mkdtemp()), RunLock()
        >>> lock.take(folder)
        >>> RunLock().take(folder)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        lightning_suite.errors.RunError: another process trains in ...
        >>> lock.close()
        >>> list(folder.iterdir())
        []
    """

    def __init__(self) -> None:
        self._file: int | None = None
        self._folder = Path()

    def take(self, folder: Path) -> None:
        """Lock a folder until ``close``.

        Raises:
            RunError: another training holds it; the message says which.
            OutputError: nothing can be written there.
        """
        folder = folder.resolve()
        if folder in _held:
            raise _refusal(folder, f"process {os.getpid()} on {platform.node()}")
        file = _locked(folder)
        self._file, self._folder = file, folder
        _held.add(folder)
        with contextlib.suppress(OSError):  # a full disk: it is locked all the same
            os.ftruncate(file, 0)
            os.pwrite(file, f"process {os.getpid()} on {platform.node()}, since {now()}".encode(), 0)

    def close(self) -> None:
        """Unlock the folder, if it is locked."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            (self._folder / NAME).unlink()  # before the lock is gone, so that nobody else's is removed
        with contextlib.suppress(OSError):  # a full disk: it is closed all the same
            os.close(self._file)
        _held.discard(self._folder)
        self._file = None


def is_held(folder: Path) -> bool:
    """Return whether a training holds a folder, as far as its lock file says: the lock itself is not touched.

    A process of another machine that left its file behind cannot be told from one that is still there.

    Example:
        >>> import tempfile
        >>> folder, lock = Path(tempfile.mkdtemp()), RunLock()
        >>> lock.take(folder)
        >>> is_held(folder), lock.close(), is_held(folder)
        (True, None, False)
    """
    try:
        holder = (folder / NAME).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    named = re.match(r"process (\d{1,9}) on (.*), since ", holder)
    if named is None or named[2] != platform.node() or os.name != "posix":
        return True
    try:
        os.kill(int(named[1]), 0)  # asks whether it exists
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True


def _locked(folder: Path) -> int:
    """Return the descriptor of the folder's lock file, locked."""
    path = folder / NAME
    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from error
        try:
            import fcntl

            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            holder = os.pread(file, 200, 0).decode(errors="replace")
            os.close(file)
            raise _refusal(folder, holder) from error
        except (ImportError, OSError):  # a system, or a file system, without locks
            return file
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file), path.stat()):
                return file
        os.close(file)  # its holder has just removed it: lock the next one


def _refusal(folder: Path, holder: str) -> RunError:
    return RunError(
        f"another process trains in {folder}: {holder or 'it does not say which'}\n"
        "Wait until it ends, or end it; both would write the same files."
    )

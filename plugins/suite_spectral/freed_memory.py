"""Memory that the solver has freed goes back to the system at once.

glibc asks the system for a large block by itself, and gives it back as soon as it is free. But each time that it does,
it raises the size from which it treats blocks so, up to 32 MiB; smaller ones come out of a heap, in which what was
freed stays among what is in use. The arrays of a graph in shares are of such sizes: for a million points the larger of
two processes took 1,281 MiB where it takes 1,090. Training a network is the other way round: it asks for the same
blocks in every step, and is faster where they stay (docs/how-to/command.md, Memory).
"""

import ctypes
import os
import platform

from lightning_suite.own_process import runs_a_command

THRESHOLD = 1 << 20
"""Bytes from which a block is given back."""

_M_MMAP_THRESHOLD = -3


def goes_back() -> None:
    """Let glibc give back what is large from now on, in the process of a command, unless the user has chosen."""
    chosen = "MALLOC_MMAP_THRESHOLD_" in os.environ or "mmap_threshold" in os.environ.get("GLIBC_TUNABLES", "")
    if runs_a_command() and not chosen and platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, THRESHOLD)

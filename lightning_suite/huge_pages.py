"""Large tensors lie on huge pages of memory, 2 MiB each, where Linux gives them on request.

The allocator gives a large block back as soon as it is free. Every page of the next one is then new, and the kernel
clears 512 pages of 4 KiB one fault after another, or one of 2 MiB at once (docs/how-to/command.md, Memory).
"""

import os
import sys
from pathlib import Path

VARIABLE = "THP_MEM_ALLOC_ENABLE"
"""By which torch asks for them, or with 0 does not."""

MODES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def ask_for_them() -> None:
    """Let torch ask for huge pages, unless the user has chosen, the kernel has none, or torch is loaded."""
    if "torch" in sys.modules or VARIABLE in os.environ:
        return
    try:
        modes = MODES.read_text()
    except OSError:  # not Linux, or a sandbox without it: torch would warn that they were refused
        return
    if "[never]" not in modes:
        os.environ[VARIABLE] = "1"

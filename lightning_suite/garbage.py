"""Python's search for unreachable cycles leaves alone what imports have made.

torch, Lightning and a plugin make some million objects that live as long as the process. Every full search walks over
all of them: seven times while they are imported, three times when the process ends. That took 3.5 of the 10.5 CPU
seconds of a process that imports a plugin and ends.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from lightning_suite.own_process import runs_a_command


@contextmanager
def importing() -> Iterator[None]:
    """Search for nothing within the block, and later not among what is there at its end.

    It does so in the process of a command, the first time that Lightning is imported.
    """
    if not runs_a_command() or "pytorch_lightning" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()

"""What glibc does with a large block, seen by how many blocks it has asked the system for by themselves."""

import ctypes
import subprocess
import sys

import pytest

LARGE_AFTER_LARGER = """
import ctypes
import sys

from lightning_suite import own_process
from suite_spectral import freed_memory

class Blocks(ctypes.Structure):
    NAMES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in NAMES.split()]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype, libc.malloc.restype = Blocks, ctypes.c_void_p
if sys.argv[1] == "command":
    own_process.begins_a_command()
libc.free(ctypes.c_void_p(libc.malloc(16 << 20)))  # from here on glibc keeps blocks of less
freed_memory.goes_back()
before = libc.mallinfo2().hblks
libc.malloc(8 << 20)
print(libc.mallinfo2().hblks - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="this C library does not count its blocks")
@pytest.mark.parametrize(
    ("process", "variables", "by_itself"),
    [
        ("command", {}, 1),
        ("notebook", {}, 0),
        ("command", {"MALLOC_MMAP_THRESHOLD_": "16777216"}, 0),
        ("command", {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=16777216"}, 0),
    ],
)
def test_a_large_block_is_the_systems_again_in_a_command(
    process: str, variables: dict[str, str], by_itself: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-c", LARGE_AFTER_LARGER, process]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) == by_itself

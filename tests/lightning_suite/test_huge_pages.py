"""The command lets torch ask Linux for huge pages, and nobody else decides."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lightning_suite import huge_pages


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment where nothing is chosen, no torch, and a kernel that gives huge pages to who asks."""
    monkeypatch.setenv(huge_pages.VARIABLE, "to be restored")
    monkeypatch.delenv(huge_pages.VARIABLE)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(huge_pages, "MODES", tmp_path / "enabled")
    huge_pages.MODES.write_text("always [madvise] never\n")
    return monkeypatch


@pytest.mark.usefixtures("free")
def test_torch_is_told_to_ask() -> None:
    huge_pages.ask_for_them()
    assert os.environ[huge_pages.VARIABLE] == "1"


def test_what_the_user_chose_stays(free: pytest.MonkeyPatch) -> None:
    free.setenv(huge_pages.VARIABLE, "0")
    huge_pages.ask_for_them()
    assert os.environ[huge_pages.VARIABLE] == "0"


@pytest.mark.usefixtures("free")
def test_a_kernel_that_gives_none_is_not_asked() -> None:
    huge_pages.MODES.write_text("always madvise [never]\n")
    huge_pages.ask_for_them()
    huge_pages.MODES.unlink()
    huge_pages.ask_for_them()
    assert huge_pages.VARIABLE not in os.environ


def test_nothing_is_said_too_late(free: pytest.MonkeyPatch) -> None:
    free.setitem(sys.modules, "torch", sys)
    huge_pages.ask_for_them()
    assert huge_pages.VARIABLE not in os.environ


ADVICE = """
import sys
from lightning_suite.cli import main

main(["--version"])
import torch

tensor = torch.ones(1 << 22)
for line in open("/proc/self/smaps"):
    first = line.split()[0]
    if "-" in first and not first.endswith(":"):
        begin, end = (int(each, 16) for each in first.split("-"))
    if line.startswith("VmFlags:") and begin <= tensor.data_ptr() < end:
        print("hg" in line.split())
"""


@pytest.mark.skipif(
    not huge_pages.MODES.is_file() or "[never]" in huge_pages.MODES.read_text(), reason="the kernel has no huge pages"
)
@pytest.mark.parametrize(("chosen", "expected"), [({}, "True"), ({huge_pages.VARIABLE: "0"}, "False")])
def test_a_large_tensor_of_the_command_lies_where_huge_pages_are_asked_for(
    chosen: dict[str, str], expected: str
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != huge_pages.VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", ADVICE], env=environment | chosen, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == expected

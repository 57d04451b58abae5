"""What goes wrong in a process of its own is described, and harms no other."""

import time
from pathlib import Path

import pytest

from lightning_suite.plugins import isolated


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a module that can be run."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / "to_be_run.py"


def test_output_and_words_come_through(module: Path) -> None:
    module.write_text("import sys; print(sys.argv[1:])")
    assert isolated.run("to_be_run", ["a b", "c"], 20) == ("['a b', 'c']\n", "with status 0")


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("import os; print('x', flush=True); os._exit(7)", "with status 7"),
        ("raise ValueError('no such thing')", "with status 1: ValueError: no such thing"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "by SIGSEGV"),
    ],
)
def test_the_end_is_described_in_words(code: str, how: str, module: Path) -> None:
    module.write_text(code)
    assert isolated.run("to_be_run", [], 20).description == how


def test_what_hangs_is_killed_with_its_children(module: Path) -> None:
    module.write_text("import subprocess; subprocess.run(['sleep', '60'])")
    began = time.monotonic()
    assert isolated.run("to_be_run", [], 1.0) == ("", "had to be killed")
    assert time.monotonic() - began < 20

"""What goes wrong in a process of its own is described, and harms no other."""

import os
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


def test_what_it_has_started_is_not_waited_for_and_ends_with_it(module: Path) -> None:
    marker = module.with_name("pid")
    module.write_text(
        "import os, time\n"
        "if child := os.fork():\n"
        f"    open({str(marker)!r}, 'w').write(str(child))\n"
        "    print('done', flush=True)\n"
        "    os._exit(0)\n"
        "time.sleep(60)\n"
    )
    began = time.monotonic()
    assert isolated.run("to_be_run", [], 20) == ("done\n", "with status 0")
    assert time.monotonic() - began < 10
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(int(marker.read_text()), 0)
            time.sleep(0.05)  # until the system has noticed


def test_an_answer_comes_through_what_is_printed_and_what_would_delay_the_end(module: Path) -> None:
    module.write_text(
        "import atexit, os, threading, time\n"
        "from lightning_suite.plugins import isolated\n"
        "def work():\n"
        "    print('{noise}')\n"
        "    os.close(1)\n"
        "    atexit.register(os._exit, 77)\n"
        "    threading.Thread(target=time.sleep, args=[60]).start()\n"
        "    return {'sum': 3}\n"
        "isolated.answer(work)\n"
    )
    ending = isolated.run("to_be_run", [], 20)
    assert (ending.answer, ending.description.partition(":")[0]) == ({"sum": 3}, "with status 0")

"""The search for unreachable cycles leaves alone what imports have made, in the process of a command alone."""

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest

from lightning_suite import garbage, own_process


class Knot:
    """An object that holds itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process of a command that has not imported Lightning yet."""
    monkeypatch.setattr(own_process, "_runs_a_command", True)
    monkeypatch.delitem(sys.modules, "pytorch_lightning", raising=False)
    yield
    gc.unfreeze()


def test_nothing_is_searched_for_within_nor_later_among_what_is_there(command: None) -> None:
    with garbage.importing():
        assert not gc.isenabled()
        early = weakref.ref(Knot())
    assert gc.isenabled()
    late = weakref.ref(Knot())
    gc.collect()
    assert early() is not None
    assert late() is None


def test_search_goes_on_after_an_import_that_fails(command: None) -> None:
    with pytest.raises(ImportError), garbage.importing():
        raise ImportError("no such module")
    assert gc.isenabled()


@pytest.mark.parametrize("commands", [False, True])
def test_what_others_have_made_is_searched(commands: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_process, "_runs_a_command", commands)
    if commands:  # Lightning was imported before: more than imports has happened
        monkeypatch.setitem(sys.modules, "pytorch_lightning", sys)
    with garbage.importing():
        assert gc.isenabled()
        knot = weakref.ref(Knot())
    gc.collect()
    assert knot() is None


def test_a_collector_that_is_off_stays_off(command: None) -> None:
    gc.disable()
    try:
        with garbage.importing():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_command_line_spares_its_imports() -> None:
    script = (
        "import gc, sys\nfrom lightning_suite.cli import main\n"
        "sys.argv = ['suite', 'fit', '--plugin', 'spectral', '--print-config']\n"
        "assert main() == 0\nprint(gc.get_freeze_count(), gc.isenabled(), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    count, enabled = done.stderr.split()[-2:]
    assert int(count) > 100_000
    assert enabled == "True"

"""A record that is written in literals is taken from its source, and where the source leaves a doubt it is not."""

import sys
from pathlib import Path
from typing import Any

import pytest

from lightning_suite.plugin import Plugin
from lightning_suite.plugins import literal

IMPORT = "from lightning_suite.plugin import Plugin"
RECORD = "plugin = Plugin(name='calm', summary='Calm', module='calm:Net', data='calm:Data', commands={'a': 'calm:a'})"
EXPECTED = Plugin(name="calm", summary="Calm", module="calm:Net", data="calm:Data", commands={"a": "calm:a"})


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The record of a package whose module has these lines."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def read(*lines: str) -> Plugin | None:
        folder = tmp_path / "literal_plugin"
        folder.mkdir()
        (folder / "__init__.py").write_text("\n".join(lines))
        (folder / "module.py").touch()
        found = literal.record("literal_plugin", "plugin")
        assert "literal_plugin" not in sys.modules
        return found

    return read


@pytest.mark.parametrize(
    "lines",
    [
        ["'Says what it is.'", IMPORT, RECORD],
        ["from lightning_suite import Plugin", "__all__ = ['plugin']", RECORD, "__version__: str = '1.0'"],
        ["import torch.nn, os", "from typing import Any, TYPE_CHECKING", IMPORT, RECORD],
        ["from .module import Net", "from . import module", IMPORT, RECORD],
        [IMPORT, RECORD, "def __getattr__(name: str) -> str:", "    return open(name).read()"],
        [IMPORT, RECORD, "class Net(list):", "    'A net.'", "    size: int = 3", "    def f(self): self.g()"],
        ["from typing import TYPE_CHECKING", IMPORT, "if TYPE_CHECKING:", "    import gone", RECORD],
    ],
)
def test_a_record_among_definitions_is_taken(lines: list[str], read: Any) -> None:
    assert read(*lines) == EXPECTED


@pytest.mark.parametrize(
    "lines",
    [
        [RECORD],
        [IMPORT],
        [IMPORT, "plugin = 3"],
        [IMPORT, RECORD, RECORD],
        [IMPORT, RECORD, "def plugin(): ..."],
        [IMPORT, RECORD, "from os import path as plugin"],
        [IMPORT, RECORD, "from os import *"],
        [IMPORT, "plugin = other = Plugin(name='calm', summary='Calm', module='calm:Net', data='calm:Data')"],
        [IMPORT, "from os import Plugin", RECORD],
        [IMPORT, "class Plugin: ...", RECORD],
        ["from lightning_suite.plugin import Plugin as Record", RECORD],
        [IMPORT, "plugin = Plugin('calm')"],
        [IMPORT, "plugin = Plugin(name='calm')"],
        [IMPORT, "plugin = Plugin(name=NAME, summary='Calm', module='calm:Net', data='calm:Data')"],
        [IMPORT, "plugin = Plugin(**FIELDS)"],
        [IMPORT, RECORD.replace("name=", "licence='MIT', name=")],
        [IMPORT, RECORD, "import nowhere_to_be_found"],
        [IMPORT, RECORD, "from .gone import Net"],
        [IMPORT, RECORD, "from .. import beside"],
        [IMPORT, RECORD, "raise RuntimeError('no')"],
        [IMPORT, RECORD, "print('loud')"],
        [IMPORT, RECORD, "del plugin"],
        [IMPORT, RECORD, "plugin.name = 'wild'"],
        [IMPORT, RECORD, "plugin += 1"],
        [IMPORT, RECORD, "plugin, other = 1, 2"],
        [IMPORT, RECORD, "size = 9 ** 9 ** 9"],
        [IMPORT, RECORD, "while True: ..."],
        [IMPORT, RECORD, "try:", "    import fast", "except ImportError:", "    fast = None"],
        [IMPORT, RECORD, "class Net:", "    print('loud')"],
        [IMPORT, RECORD, "class Net(made()): ..."],
        [IMPORT, RECORD, "@register('net')", "class Net: ..."],
        [IMPORT, RECORD, "def speak(to=print('loud')): ..."],
        [IMPORT, RECORD, "def broken(:"],
        [IMPORT, RECORD, f"# {'long ' * 30_000}"],
    ],
)
def test_a_module_that_leaves_a_doubt_is_not_taken(lines: list[str], read: Any) -> None:
    assert read(*lines) is None


def test_a_module_that_is_not_there_or_has_no_source_holds_none() -> None:
    assert literal.record("nowhere_to_be_found", "plugin") is None
    assert literal.record("sys", "plugin") is None

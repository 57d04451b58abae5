"""Defaults read from source are those of the signatures, for every plugin and for the Trainer."""

import inspect
import sys
from pathlib import Path

import pytest

from lightning_suite.options import Settings
from lightning_suite.plugins import find
from lightning_suite.plugins.signature import Parameter, defaults, parameters
from lightning_suite.seed_groups import same

PATHS = [path for plugin in map(find.get, find.names()) for path in (plugin.module, plugin.data)]


@pytest.mark.parametrize("path", [*PATHS, "pytorch_lightning:Trainer"])
def test_they_are_those_of_the_signature(path: str) -> None:
    module, _, name = path.partition(":")
    signature = inspect.signature(getattr(__import__(module, fromlist=[name]), name))
    usual = {
        name: one.default for name, one in signature.parameters.items() if one.default is not inspect.Parameter.empty
    }
    found = defaults(path)
    assert found.keys() == usual.keys()
    assert [name for name in found if not same(found[name], usual[name])] == []


def test_fields_of_a_dataclass_are_read() -> None:
    found = defaults("lightning_suite.options.settings:Settings")
    settings = Settings(plugin="")
    assert {"seed", "monitor", "checkpoint_every", "recipe"} <= found.keys()
    assert all(getattr(settings, name) == value for name, value in found.items())


def test_what_the_source_does_not_show_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shown_or_not.py").write_text(
        "import os\nLIMIT = 3\nLOOP = LOOP\nraise SystemExit('imported')\n"
        "class Net:\n"
        "    def __init__(self, a, b=LIMIT, c=len('x'), d=os.sep, *, e=(1, 2), f=LOOP, g=GONE, h=-1): ...\n"
        "class Later(Net): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert defaults("shown_or_not:Net") == {"b": 3, "e": (1, 2), "h": -1}
    assert defaults("shown_or_not:Later") == {} == defaults("shown_or_not:Gone") == defaults("not_there.at_all:Net")
    assert "shown_or_not" not in sys.modules


def test_parameters_have_choices_and_meanings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "with_meanings.py").write_text(
        "from typing import Literal\nfrom dataclasses import dataclass\nfrom lightning_suite.setting import setting\n"
        "Name = Literal['a', 'b']\n"
        "@dataclass\nclass Table:\n    rate: float = setting(0.5, meaning='of the table')\n"
        "TABLE = Table()\n"
        "class Net:\n"
        '    """A net.\n\n    Args:\n        name: which one,\n            a or b.\n        {settings}\n\n'
        '    Example:\n        x\n    """\n'
        "    def __init__(self, name: Name | None, *, tied: bool = False, rate: float = TABLE.rate): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert parameters("with_meanings:Net") == {
        "name": Parameter(None, True, ("a", "b"), "which one, a or b.", ("a", "b", "null")),
        "tied": Parameter(False, False, ("true", "false"), "", ("bool",)),
        "rate": Parameter(0.5, False, (), "of the table", ("float",)),
    }


def test_parameters_that_a_base_may_add_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "with_bases.py").write_text(
        "from pytorch_lightning import LightningModule\n"
        "class Open:\n    def __init__(self, a=1, **kwargs): ...\n"
        "class Later(Open): ...\n"
        "class Empty(LightningModule): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert parameters("with_bases:Open") is parameters("with_bases:Later") is parameters("with_bases:Gone") is None
    assert parameters("with_bases:Empty") == {}

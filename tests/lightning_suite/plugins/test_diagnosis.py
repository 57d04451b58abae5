"""Reading a plugin imports nothing heavy, and reports no fault where there is none."""

import sys
import time
from typing import Any

import pytest

from lightning_suite.plugins import diagnosis, source


def test_a_good_plugin_has_no_fault(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    seen = diagnosis.read(here.origin("calm"), 5.0)
    assert seen.state == "ok"
    assert not {"calm_plugin.module", "calm_plugin.data"} & set(sys.modules)


@pytest.mark.parametrize(
    "code",
    [
        "from elsewhere import Net",
        "from elsewhere import (\n    Other,\n    Net,\n)",
        "from elsewhere import Other as Net",
        "from elsewhere import *",
        "def __getattr__(name): ...",
        "if True:\n    class Net(LightningModule): pass",
        "Net = make_class()",
        "class Net[T](LightningModule): pass",
        "class Net(Mixin, LightningModule): pass",
        "class Net(Unknown): pass",
        "class Root(LightningModule): pass\nclass Net(Root): pass",
        "import lightning as L\nclass Net(L.LightningModule): pass",
        "from lightning.pytorch import LightningModule\nclass Net(LightningModule): pass",
    ],
)
def test_a_class_that_may_be_right_is_not_reported(code: str, here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", files={"module.py": code})
    assert diagnosis.read(here.origin("calm"), 5.0).state == "ok"


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("class Net: pass", "derived from object"),
        ("class Net(nn.Module): pass", "derived from nn.Module"),
        ("class Root(nn.Module): pass\nclass Net(Root): pass", "derived from nn.Module"),
        ("class Net(pl.LightningDataModule): pass", "derived from pl.LightningDataModule"),
        ("# class Net:\nx = 1", "defines no 'Net'"),
    ],
)
def test_a_class_that_is_plainly_wrong_is_reported_from_its_source(code: str, cause: str, here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", files={"module.py": code})
    assert cause in diagnosis.read(here.origin("calm"), 5.0).state


@pytest.mark.parametrize("bases", ["LightningModule", "Mixin, LightningModule"])
def test_modules_with_the_usual_lines_are_not_parsed(bases: str, here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "tree", lambda code: pytest.fail(f"parsed: {code}"))
    code = f"from pytorch_lightning import LightningModule\nclass Net({bases}):\n    pass"
    here.add("calm", "calm_plugin", "calm-plugin", files={"module.py": code})  # data.py: the import is its first line
    assert diagnosis.read(here.origin("calm"), 5.0).state == "ok"


def test_all_faults_are_found_not_the_first_alone(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", record={"module": "calm_plugin.no:A", "data": "calm_plugin.no:B"})
    assert len(diagnosis.read(here.origin("calm"), 5.0).faults) == 2


def test_a_command_whose_function_is_gone_is_a_fault(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", record={"commands": {"speak": "calm_plugin.module:speak"}})
    assert "the verb 'speak'" in diagnosis.read(here.origin("calm"), 5.0).state


def test_a_look_gives_up_an_import_that_hangs(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTNING_SUITE_IMPORT_LIMIT", "0.3")
    here.add_bad("hang")
    started = time.monotonic()
    (seen,) = diagnosis.look([here.origin("hang")])
    assert "had not ended after 0.3 s" in seen.state
    assert time.monotonic() - started < 5


def test_a_look_runs_nothing_of_a_plugin_in_this_process(here: Any) -> None:
    here.add(
        "calm",
        "calm_plugin",
        "calm-plugin",
        record={"commands": {"speak": "calm_plugin.studies:speak"}},
        files={"studies.py": "def speak(): ..."},
    )
    here.add("busy", "busy_plugin", "busy-plugin", code_before="import os\nos.environ['BUSY_WAS_HERE'] = '1'")
    here.add_bad("exception")
    busy, calm, bad = diagnosis.look([here.origin(name) for name in ("busy", "calm", "exception")])
    assert (busy.state, calm.state) == ("ok", "ok")
    assert "the import of bad_exception:plugin failed: RuntimeError: nms is missing" in bad.state
    assert "BUSY_WAS_HERE" in busy.warning
    assert calm.plugin is not None
    assert calm.plugin.commands == {"speak": "calm_plugin.studies:speak"}
    assert not {"calm_plugin", "busy_plugin", "bad_exception"} & set(sys.modules)

"""The look imports nothing heavy and accuses nobody wrongly; the trial survives what no look could."""

import os
import sys
import time
from typing import Any

import pytest

from lightning_suite.plugins import diagnosis, find
from lightning_suite.plugins.origin import Origin


def entry(name: str) -> Origin:
    return next(one for one in find.installed() if one.name == name)


def test_a_good_plugin_has_no_fault(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    seen = diagnosis.read(entry("calm"), 5.0)
    assert seen.state == "ok"
    assert not {"calm_plugin.module", "calm_plugin.data"} & set(sys.modules)


@pytest.mark.parametrize(
    "source",
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
        "from lightning_other import x\nclass Net(LightningModule): pass",
    ],
)
def test_a_class_that_may_be_right_is_not_accused(source: str, here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", files={"module.py": source})
    assert diagnosis.read(entry("calm"), 5.0).state == "ok"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("class Net: pass", "derived from object"),
        ("class Net(nn.Module): pass", "derived from nn.Module"),
        ("class Root(nn.Module): pass\nclass Net(Root): pass", "derived from nn.Module"),
        ("class Net(pl.LightningDataModule): pass", "derived from pl.LightningDataModule"),
        ("import lightning as L\nclass Net(L.LightningModule): pass", "of the package 'lightning'"),
        (
            "from lightning.pytorch import LightningModule\nclass Net(LightningModule): pass",
            "of the package 'lightning'",
        ),
        ("# class Net:\nx = 1", "defines no 'Net'"),
    ],
)
def test_a_class_that_is_plainly_wrong_is_accused_from_its_text(source: str, said: str, here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", files={"module.py": source})
    assert said in diagnosis.read(entry("calm"), 5.0).state


def test_all_faults_are_found_not_the_first_alone(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", record={"module": "calm_plugin.no:A", "data": "calm_plugin.no:B"})
    assert len(diagnosis.read(entry("calm"), 5.0).faults) == 2


def test_a_command_whose_function_is_gone_is_a_fault(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", record={"commands": {"speak": "calm_plugin.module:speak"}})
    assert "the verb 'speak'" in diagnosis.read(entry("calm"), 5.0).state


def test_a_look_gives_up_an_import_that_hangs(here: Any) -> None:
    here.add_bad("hang")
    started = time.monotonic()
    assert "had not ended after 0.3 s" in diagnosis.read(entry("hang"), 0.3).state
    assert time.monotonic() - started < 5


# Trials, each in a process of its own, in which Lightning is the light stand-in


def causes(name: str, seconds: float = 20.0) -> str:
    return "\n".join(f"{fault.cause} | {fault.repair}" for fault in diagnosis.trial(entry(name), seconds).faults)


def test_a_trial_of_a_good_plugin_finds_nothing(here: Any) -> None:
    here.add_light_lightning()
    here.add("calm", "calm_plugin", "calm-plugin", code_before="print('noise')")
    assert causes("calm") == ""


def test_a_trial_tells_what_was_undone_and_finds_no_fault_in_it(here: Any) -> None:
    here.add_light_lightning()
    here.add("calm", "calm_plugin", "calm-plugin", code_before="import os\nos.environ['CALM_WAS_HERE'] = '1'")
    seen = diagnosis.trial(entry("calm"), 20.0)
    assert seen.faults == ()
    assert "CALM_WAS_HERE" in seen.warning


def test_a_trial_imports_the_classes(here: Any) -> None:
    here.add_light_lightning()
    here.add(
        "calm",
        "calm_plugin",
        "calm-plugin",
        files={"data.py": "raise RuntimeError('no libfoo')\nclass Data(Unknown): ..."},
    )
    assert "RuntimeError: no libfoo" in causes("calm")


def test_a_trial_imports_the_commands(here: Any) -> None:
    here.add_light_lightning()
    here.add(
        "calm",
        "calm_plugin",
        "calm-plugin",
        record={"commands": {"speak": "calm_plugin.studies:speak"}},
        files={"studies.py": "import nowhere_to_be_found\ndef speak(): ...\n"},
    )
    assert "the verb 'speak'" in causes("calm")


def test_a_trial_sees_a_class_that_turns_out_to_be_another(here: Any) -> None:
    here.add_light_lightning()
    here.add("calm", "calm_plugin", "calm-plugin", files={"module.py": "Base = object\nclass Net(Base): pass\n"})
    assert "a class derived from object, expected a subclass of pytorch_lightning.LightningModule" in causes("calm")


def test_a_trial_compares_the_versions_of_an_extra(here: Any) -> None:
    here.add_light_lightning()
    here.add(
        "calm",
        "calm_plugin",
        "calm-plugin",
        record={"extra": "new"},
        metadata='Provides-Extra: new\nRequires-Dist: torch>=999; extra == "new"\n',
    )
    assert "needed is >=999" in causes("calm")
    assert 'pip install --upgrade "calm-plugin[new]"' in causes("calm")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os; os._exit(5)", "with status 5"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "by SIGSEGV"),
    ],
)
def test_a_crash_ends_the_trial_alone(code: str, said: str, here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", code_before=code)
    assert said in causes("calm")


def test_an_import_that_swallows_every_interruption_is_killed(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "GRACE", 0.5)
    marker = here.folder / "pid"
    here.add(
        "calm",
        "calm_plugin",
        "calm-plugin",
        code_before=(
            f"import os, time\nopen({str(marker)!r}, 'w').write(str(os.getpid()))\n"
            "while True:\n    try:\n        time.sleep(60)\n    except BaseException:\n        pass\n"
        ),
    )
    assert "had to be killed" in causes("calm", 1.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int(marker.read_text()), 0)


def test_an_import_of_a_class_that_hangs_is_told_with_its_line(here: Any) -> None:
    here.add_light_lightning()
    here.add(
        "calm", "calm_plugin", "calm-plugin", files={"module.py": "import time\ntime.sleep(60)\nclass Net(X): ..."}
    )
    assert "module.py:2" in causes("calm", 2.0)

"""A trial imports everything that a plugin names, and survives whatever that does.

Every trial is a process of its own, in which Lightning is the light stand-in.
"""

import os
from typing import Any

import pytest

from lightning_suite.plugins import trial


def causes(here: Any, name: str, seconds: float = 20.0) -> str:
    return "\n".join(f"{fault.cause} | {fault.repair}" for fault in trial.run(here.origin(name), seconds).faults)


def test_a_trial_of_a_good_plugin_finds_nothing(here: Any) -> None:
    here.add_light_lightning()
    here.add("calm", "calm_plugin", "calm-plugin", code_before="print('noise')")
    assert causes(here, "calm") == ""


def test_a_trial_warns_of_what_was_undone(here: Any) -> None:
    here.add_light_lightning()
    here.add("calm", "calm_plugin", "calm-plugin", code_before="import os\nos.environ['CALM_WAS_HERE'] = '1'")
    seen = trial.run(here.origin("calm"), 20.0)
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
    assert "RuntimeError: no libfoo" in causes(here, "calm")


def test_a_trial_imports_the_commands(here: Any) -> None:
    here.add_light_lightning()
    here.add(
        "calm",
        "calm_plugin",
        "calm-plugin",
        record={"commands": {"speak": "calm_plugin.studies:speak"}},
        files={"studies.py": "import nowhere_to_be_found\ndef speak(): ...\n"},
    )
    assert "the verb 'speak'" in causes(here, "calm")


def test_a_trial_sees_a_class_that_turns_out_to_be_another(here: Any) -> None:
    here.add_light_lightning()
    here.add("calm", "calm_plugin", "calm-plugin", files={"module.py": "Base = object\nclass Net(Base): pass\n"})
    assert "a class derived from object, expected a subclass of pytorch_lightning.LightningModule" in causes(
        here, "calm"
    )


def test_a_trial_compares_the_versions_of_an_extra(here: Any) -> None:
    here.add_light_lightning()
    here.add(
        "calm",
        "calm_plugin",
        "calm-plugin",
        record={"extra": "new"},
        metadata='Provides-Extra: new\nRequires-Dist: torch>=999; extra == "new"\n',
    )
    assert "needed is >=999" in causes(here, "calm")
    assert 'pip install --upgrade "calm-plugin[new]"' in causes(here, "calm")


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("import os; os._exit(5)", "with status 5"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "by SIGSEGV"),
    ],
)
def test_a_crash_ends_the_trial_alone(code: str, cause: str, here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", code_before=code)
    assert cause in causes(here, "calm")


def test_an_import_that_swallows_every_interruption_is_killed(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "GRACE", 0.5)
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
    assert "had to be killed" in causes(here, "calm", 1.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int(marker.read_text()), 0)


def test_an_import_of_a_class_that_hangs_is_reported_with_its_line(here: Any) -> None:
    here.add_light_lightning()
    here.add(
        "calm", "calm_plugin", "calm-plugin", files={"module.py": "import time\ntime.sleep(60)\nclass Net(X): ..."}
    )
    assert "module.py:2" in causes(here, "calm", 2.0)


def test_a_trial_of_two_plugins_of_one_name_names_both_distributions(here: Any) -> None:
    here.add("twin", "twin_one", "first-twin")
    here.add("twin", "twin_two", "second-twin")
    (fault,) = trial.run(here.origin("twin"), 20.0).faults
    assert fault.origin == "first-twin 2.0 and second-twin 2.0"

"""Classes and commands that a record names are imported, checked, and reported as the plugin's where they fail."""

import sys
import textwrap
from typing import Any

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find
from lightning_suite.plugins.explain import BrokenPlugin
from lightning_suite.plugins.resolve import resolve


def record(**fields: Any) -> Plugin:
    return Plugin(
        **{"name": "made", "summary": "Made here", "module": "made_here:Net", "data": "made_here:Data", **fields}
    )


@pytest.fixture
def made_here(here: Any, light_lightning: Any) -> Any:
    """Makes the module ``made_here`` of some source."""

    def make(source: str) -> None:
        (here.folder / "made_here.py").write_text(textwrap.dedent(source))

    return make


def test_a_failed_import_of_a_class_is_the_plugin_s_error(made_here: Any) -> None:
    made_here("raise OSError('libfoo.so: cannot open')")
    with pytest.raises(BrokenPlugin, match=r"module='made_here:Net' failed: OSError: libfoo.so"):
        resolve(record(), "module")


def test_a_class_whose_import_hangs_is_given_up(made_here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTNING_SUITE_IMPORT_LIMIT", "0.2")
    made_here("import time\ntime.sleep(60)")
    with pytest.raises(BrokenPlugin, match=r"had not ended after 0.2 s \(.*made_here.py:2\)"):
        resolve(record(), "module")


def test_a_command_is_the_function_it_names(made_here: Any) -> None:
    made_here("def speak(): return 'spoken'")
    assert resolve(record(commands={"speak": "made_here:speak"}), "speak")() == "spoken"


def test_a_command_that_is_no_function_is_refused(made_here: Any) -> None:
    made_here("speak = 3")
    with pytest.raises(BrokenPlugin, match="of type int, expected a function"):
        resolve(record(commands={"speak": "made_here:speak"}), "speak")


def test_an_unknown_command_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'speek'\nplugin 'made' has: speak\nDid you mean 'speak'"):
        resolve(record(commands={"speak": "made_here:speak"}), "speek")


def test_a_missing_extra_is_refused_before_anything_heavy_is_imported(here: Any) -> None:
    here.add_bad("missing_extra")
    plugin = find.get("missing_extra")
    with pytest.raises(BrokenPlugin, match="not installed: nowhere-to-be-found"):
        resolve(plugin, "module")
    assert "bad_missing_extra.module" not in sys.modules


def test_an_undone_change_of_the_environment_is_reported_once_when_the_plugin_is_used(
    here: Any, light_lightning: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    here.add_meddler()
    plugin = find.get("meddler")
    assert capsys.readouterr().err == ""
    resolve(find.get("meddler"), "module")
    resolve(plugin, "data")
    message = capsys.readouterr().err
    assert message.startswith("plugin 'meddler': the import of its record changed the environment: MEDDLER_WAS_HERE.")
    assert len(message.splitlines()) == 1

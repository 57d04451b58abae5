"""``suite new``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.verbs import new


def test_what_it_writes_installs_with_pip_and_passes_every_check_unedited(
    tmp_path: Path, new_environment: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert new.run(["hello", "--in", str(tmp_path)]) == 0
    message = capsys.readouterr().out
    assert "suite check hello" in message
    environment = new_environment(tmp_path / "venv", tmp_path / "hello")
    closing = environment.run("-m", "lightning_suite", "check", "hello", cwd=tmp_path).splitlines()[-1]
    assert " passed" in closing
    assert " failed" not in closing


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Hello-World", "Did you mean 'hello_world'"),
        ("class", "a name that Python can import"),
        ("json", "already the name of a module"),
        ("dsa", "installed already"),
        ("9", "a name that Python can import"),
    ],
)
def test_a_name_that_could_not_be_a_plugins_is_refused(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        new.run([name, "--in", str(tmp_path)])
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "hello").mkdir()
    with pytest.raises(UsageError, match="is there already"):
        new.run(["hello", "--in", str(tmp_path)])
    assert list((tmp_path / "hello").iterdir()) == []

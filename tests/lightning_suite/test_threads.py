"""Threads that wait do not keep others from their work."""

import os
import subprocess
import sys

import pytest

from lightning_suite import threads


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment where nothing is chosen, and no torch."""
    for name in threads.CHOSEN_BY:
        monkeypatch.setenv(name, "to be restored")
        monkeypatch.delenv(name)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    return monkeypatch


def test_threads_sleep_while_they_wait(free: pytest.MonkeyPatch) -> None:
    threads.sleep_while_waiting()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


@pytest.mark.parametrize("name", threads.CHOSEN_BY)
def test_what_the_user_chose_stays(free: pytest.MonkeyPatch, name: str) -> None:
    free.setenv(name, "7")
    threads.sleep_while_waiting()
    assert {each: os.environ.get(each) for each in threads.CHOSEN_BY if each in os.environ} == {name: "7"}


def test_nothing_is_said_too_late(free: pytest.MonkeyPatch) -> None:
    free.setitem(sys.modules, "torch", sys)
    threads.sleep_while_waiting()
    assert "OMP_WAIT_POLICY" not in os.environ


def test_the_command_says_it_to_openmp() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in threads.CHOSEN_BY}
    code = "import sys; from lightning_suite.cli import main; main(['--version']); import torch"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "OMP_DISPLAY_ENV": "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in done.stderr

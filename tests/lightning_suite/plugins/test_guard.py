"""The guards: what runs inside is interrupted, undone or described, and what was there before is there again."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.plugins import guard


def test_what_takes_too_long_is_interrupted() -> None:
    with pytest.raises(guard.TimeUp, match=r"0\.1 s"), guard.time_limit(0.1):
        time.sleep(30)


def test_what_swallows_the_first_interruption_is_interrupted_again() -> None:
    times = 0
    with pytest.raises(guard.TimeUp), guard.time_limit(0.1):
        while times < 3:
            try:
                time.sleep(30)
            except BaseException:
                times += 1
        time.sleep(30)
    assert times == 3


def test_what_ends_in_time_is_not_disturbed() -> None:
    with guard.time_limit(0.1):
        done = 1
    time.sleep(0.15)
    assert done == 1


def test_the_timer_and_handler_of_others_are_put_back() -> None:
    rung = []
    handler = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    timer = signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with guard.time_limit(30):
            pass
        time.sleep(0.3)
        assert rung == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)


def test_changes_of_the_environment_are_undone_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_A", "1")
    monkeypatch.setenv("GUARD_B", "1")
    with guard.unchanged_environment() as undone:
        os.environ["GUARD_A"] = "2"
        del os.environ["GUARD_B"]
        os.environ["GUARD_C"] = "3"
    assert (os.environ["GUARD_A"], os.environ["GUARD_B"], os.environ.get("GUARD_C")) == ("1", "1", None)
    assert undone == ["GUARD_A", "GUARD_B", "GUARD_C"]


def test_an_environment_replaced_as_a_whole_is_put_back() -> None:
    before = os.environ
    with guard.unchanged_environment():
        os.environ = {}  # type: ignore[assignment]  # noqa: B003
    assert os.environ is before


def test_the_current_folder_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with guard.unchanged_environment() as undone:
        os.chdir("/")
    assert (Path.cwd(), undone) == (tmp_path, ["the current folder"])


@pytest.mark.parametrize("replaced", [False, True])
def test_what_is_taken_off_the_search_path_is_put_back_and_what_is_added_stays(
    replaced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ["/a", "/b"]
    monkeypatch.setattr(sys, "path", path)
    with guard.unchanged_environment() as undone:
        if replaced:
            sys.path = ["/c"]
        else:
            sys.path[:] = ["/c"]
    assert sys.path is path
    assert (path, undone) == (["/c", "/a", "/b"], ["sys.path"])


@pytest.mark.parametrize("text", ["abc", "-1", "0", "nan", "inf", "1e9"])
def test_a_limit_that_is_no_number_of_seconds_is_a_mistake_of_the_user(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(guard.LIMIT_VARIABLE, text)
    with pytest.raises(UsageError, match=r"LIGHTNING_SUITE_IMPORT_LIMIT=.* expected seconds"), guard.time_limit(1):
        pass


def test_changes_are_undone_when_something_else_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError), guard.unchanged_environment():
        os.environ["GUARD_C"] = "3"
        raise ZeroDivisionError
    assert "GUARD_C" not in os.environ


def test_what_torch_writes_when_it_comes_along_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setenv("GUARD_A", "1")
    with guard.unchanged_environment():
        monkeypatch.setitem(sys.modules, "torch", sys)
        os.environ["GUARD_A"] = "2"
    assert os.environ["GUARD_A"] == "2"

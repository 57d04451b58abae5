"""When one of several processes is gone, the others say which one and how to go on."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lightning_suite import processes
from lightning_suite.errors import RunError, UsageError
from lightning_suite.options import Settings
from lightning_suite.plugins import find
from lightning_suite.processes import OtherProcesses, is_alive
from lightning_suite.run import Run
from lightning_suite.training import fit

TINY = f"{Path(__file__).parent / 'tiny.py'}:plugin"
LOST = "[../gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:4711"


def trainer(**values: Any) -> Any:
    strategy = SimpleNamespace(launcher=None, barrier=lambda: None)
    return SimpleNamespace(strategy=strategy, world_size=2, current_epoch=2, global_step=20, **values)


@pytest.fixture
def child() -> Any:
    return subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The statuses with which this process would have been ended by a look at the others, which comes soon."""
    statuses: list[int] = []
    monkeypatch.setattr(os, "_exit", statuses.append)
    monkeypatch.setattr(processes, "LOOK_EVERY", 0.05)
    return statuses


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path, "tiny", None)


def test_a_process_that_has_ended_is_not_alive_though_nobody_has_asked_for_its_status(child: Any) -> None:
    assert is_alive(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(child.pid)
    child.wait()
    assert not is_alive(child.pid)


@pytest.mark.parametrize(
    ("end", "said"), [("kill", r"was ended by SIGKILL \(does memory"), ("communicate", "with status 0")]
)
def test_an_exchange_that_failed_is_told_as_the_end_of_the_process(end: str, said: str, child: Any, run: Run) -> None:
    others = OtherProcesses(lambda: run)
    with (
        pytest.raises(RunError, match=rf"process 1 \(of 0 to 1; pid {child.pid}\).* {said}") as told,
        others.watched(trainer()),
    ):
        others._watch_children([child])
        getattr(child, end)()
        raise RuntimeError(LOST)
    assert "in epoch 3, after 20 steps; the other cannot go on alone\n" in f"{told.value}"
    assert f"\nsuite fit --resume {run.folder} begins again, it has no checkpoint yet\n" in f"{told.value}"
    run.last.touch()
    assert "goes on from its last checkpoint\n" in others._message([1])


def test_what_is_no_failed_exchange_stays_as_it_is(child: Any) -> None:
    others = OtherProcesses(lambda: None)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), others.watched(trainer()):
        others._watch_children([child])
        child.kill()
        raise RuntimeError("shapes cannot be multiplied")


def test_a_failed_exchange_with_another_machine_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "NOTICED_WITHIN", 0)
    with pytest.raises(RunError, match="another process, none of this machine, ended"):  # noqa: SIM117
        with OtherProcesses(lambda: None).watched(trainer()):
            raise RuntimeError(LOST)


def test_a_process_that_waits_for_one_that_is_gone_is_ended(
    child: Any, ended: list[int], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processes, "GRACE", 0.1)
    others = OtherProcesses(lambda: None)
    with others.watched(trainer()):
        others._watch_children([child])
        time.sleep(0.3)
        assert not ended
        child.kill()
        end = time.monotonic() + 20
        while not ended and time.monotonic() < end:
            time.sleep(0.05)
    assert ended == [1]
    assert f"process 1 (of 0 to 1; pid {child.pid}) was ended by SIGKILL" in capfd.readouterr().err


def test_a_process_that_ends_by_itself_in_time_is_left_alone(
    child: Any, ended: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GRACE", 0.3)
    others = OtherProcesses(lambda: None)
    with others.watched(trainer()):
        others._watch_children([child])
        child.kill()
        time.sleep(0.2)
    time.sleep(0.4)
    assert ended == []


@pytest.mark.parametrize("strategy", ["ddp_spawn", "ddp_fork"])
def test_processes_that_are_copies_of_this_one_are_refused(strategy: str, tmp_path: Path) -> None:
    trainer = {"strategy": strategy, "devices": 2, "accelerator": "cpu"}
    with pytest.raises(UsageError, match=r"ddp_spawn, ddp_fork, ddp_notebook\) are not supported.*Use ddp"):
        fit(find.get(TINY), Settings(plugin=TINY, trainer=trainer), root=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("processes", "expected"), [(2, ["computed"]), (1, [])])
def test_what_the_progress_bar_shows_is_computed_in_all_processes(processes: int, expected: list[str]) -> None:
    """A module that exchanges something when an epoch ends waited for ever beside the progress bar's exchange."""
    computed: list[str] = []

    class Shows:
        world_size = processes

        @property
        def progress_bar_metrics(self) -> None:
            computed.append("computed")

    shows: Any = Shows()
    OtherProcesses(lambda: None).on_train_epoch_end(shows, shows)
    assert computed == expected

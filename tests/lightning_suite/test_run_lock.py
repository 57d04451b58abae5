"""The lock of a run folder."""

import multiprocessing
import os
from pathlib import Path

import pytest

from lightning_suite.errors import RunError
from lightning_suite.run_lock import NAME, RunLock


def test_another_process_is_refused_and_told_who_holds_the_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    taken, over = context.Event(), context.Event()

    def hold() -> None:
        RunLock().take(tmp_path)
        taken.set()
        over.wait(60)
        os._exit(0)

    holder = context.Process(target=hold)
    holder.start()
    try:
        assert taken.wait(60)
        with pytest.raises(RunError, match=rf"another process trains in .*: process {holder.pid} on .*, since 20"):
            RunLock().take(tmp_path)
        assert (tmp_path / NAME).is_file()
    finally:
        holder.kill()
        holder.join()
    lock = RunLock()
    lock.take(tmp_path)  # the system has released it with the process
    assert f"process {os.getpid()} " in (tmp_path / NAME).read_text()
    lock.close()
    assert list(tmp_path.iterdir()) == []


def test_the_same_process_is_refused_too_until_the_folder_is_released(tmp_path: Path) -> None:
    first, second = RunLock(), RunLock()
    first.take(tmp_path)
    with pytest.raises(RunError, match=f"process {os.getpid()} on"):
        second.take(tmp_path / ".." / tmp_path.name)
    second.close()
    assert (tmp_path / NAME).is_file()  # of the first
    first.close()
    second.take(tmp_path)
    second.close()


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    (tmp_path / NAME).symlink_to(tmp_path / "precious")
    with pytest.raises(Exception, match="cannot be written"):
        RunLock().take(tmp_path)
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_full_disk_does_not_hinder_locking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> int:
        raise OSError(28, "No space left on device")

    lock = RunLock()
    with monkeypatch.context() as patched:
        patched.setattr("os.pwrite", full)
        lock.take(tmp_path)
    with pytest.raises(RunError, match="another process trains"):
        RunLock().take(tmp_path)
    lock.close()
    assert list(tmp_path.iterdir()) == []

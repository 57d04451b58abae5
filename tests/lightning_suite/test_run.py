"""The run folder, as verbs find it."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_suite.errors import RunError, UsageError
from lightning_suite.run import KEY, Run, git_commit, stored_at


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run = Run.create(tmp_path, "toy", "default")
    (run.folder / "config.yaml").write_text("plugin: toy\nseed: 3\n")
    return run.folder


def test_two_runs_of_one_second_have_two_folders(tmp_path: Path) -> None:
    folders = {Run.create(tmp_path, "toy", "default").folder for _ in range(5)}
    assert len(folders) == 5
    assert all(folder.is_dir() for folder in folders)


@pytest.mark.parametrize("fails", ["checkpoints", "figures"])
def test_a_run_that_cannot_begin_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    mkdir = Path.mkdir

    def failing(path: Path, *args: Any, **kwargs: Any) -> None:
        if path.name == fails:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        mkdir(path, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", failing)
    with pytest.raises(OSError, match="No space left"):
        Run.create(tmp_path, "toy", "default")
    assert list((tmp_path / "toy").iterdir()) == []


def test_a_run_whose_lock_cannot_be_taken_leaves_no_folder(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "toy", "default")
    with pytest.raises(RunError, match="held"), run.discarded_on_error():
        raise RunError("held")
    assert not run.folder.exists()


def test_a_folder_without_settings_is_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"has no config\.yaml"):
        Run.at(tmp_path)


def test_a_path_to_nothing_is_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no run folder and no checkpoint is at .*nowhere"):
        Run.at(tmp_path / "nowhere")


def test_the_best_checkpoint_is_taken_and_the_last_without_it(folder: Path) -> None:
    assert Run.at(folder).checkpoint.name == "last.ckpt"
    (folder / "checkpoints" / "best.ckpt").touch()
    assert Run.at(folder).checkpoint.name == "best.ckpt"


def test_a_checkpoint_in_a_run_folder_belongs_to_it(folder: Path) -> None:
    (folder / "checkpoints" / "last.ckpt").touch()
    assert Run.at(folder / "checkpoints" / "last.ckpt").folder == folder


def test_a_foreign_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, tmp_path / "foreign.ckpt")
    with pytest.raises(RunError, match="was not written by suite fit"):
        Run.at(tmp_path / "foreign.ckpt").read_checkpoint()


def test_a_lone_checkpoint_beside_the_files_of_another_run_has_its_own_settings(folder: Path) -> None:
    torch.save({KEY: {"settings": {"plugin": "alone"}}}, folder / "alone.ckpt")
    Run.at(folder).write_record({"seed": 3})
    run = Run.at(folder / "alone.ckpt")
    assert (run.settings(), run.record) == ({"plugin": "alone"}, {})


def test_the_plugin_of_a_folder_and_of_a_lone_checkpoint_is_found(folder: Path, tmp_path: Path) -> None:
    torch.save({KEY: {"settings": {"plugin": "alone"}}}, tmp_path / "alone.ckpt")
    for path, plugin in {folder: "toy", tmp_path / "alone.ckpt": "alone"}.items():
        stored = stored_at(str(path))
        assert stored is not None
        assert stored[0]["plugin"] == plugin
    assert stored_at(str(tmp_path / "nothing")) is None


def test_the_plugin_of_a_folder_costs_no_import_of_torch(folder: Path) -> None:
    code = "import sys; from lightning_suite.run import stored_at; "
    code += f"print(stored_at({str(folder)!r})[0]['plugin'], 'torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["toy", "False"]


def test_changes_of_the_record_keep_what_it_said(folder: Path) -> None:
    run = Run.at(folder)
    run.write_record({"seed": 1})
    run.write_record({"status": "running"})
    assert run.record == {"seed": 1, "status": "running"}


def test_outside_a_repository_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert git_commit() is None


def test_a_misspelt_path_gets_its_neighbour(folder: Path) -> None:
    with pytest.raises(UsageError, match=f"Did you mean '{folder.name}'"):
        Run.at(folder.with_name(folder.name[:-1]))


@pytest.mark.parametrize("text", ["hello", "a: [", "- plugin", "seed: 3", ""])
def test_settings_that_are_none_are_told(text: str, folder: Path) -> None:
    (folder / "config.yaml").write_text(text)
    with pytest.raises(RunError, match=r"config\.yaml does not hold the settings of a run"):
        Run.at(folder).settings()


def test_a_damaged_record_is_told(folder: Path) -> None:
    (folder / "run.json").write_text("{")
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        _ = Run.at(folder).record


def test_only_an_empty_run_is_taken_away(folder: Path, tmp_path: Path) -> None:
    Run.at(folder).discard()
    assert (folder / "config.yaml").is_file()
    empty = Run.create(tmp_path, "toy", None)
    empty.discard()
    assert not empty.folder.exists()

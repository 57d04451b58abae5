"""Paths among the options."""

from pathlib import Path

import pytest

from lightning_suite.options import Settings, absolute, path_options
from lightning_suite.options.paths import located
from lightning_suite.plugins import find

SETTINGS = Settings(plugin="dsa", data={"path": "a.csv", "vectors": "words", "predict_path": None, "language": "here"})


def test_a_path_is_made_absolute_where_it_names_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plugin = find.get("dsa")
    assert absolute(plugin, SETTINGS) == (SETTINGS, {})  # nothing is there: the plugin says so
    (tmp_path / "a.csv").touch()
    (tmp_path / "words").touch()  # the name of something in a folder by chance; no path by its name, type or text
    settings, typed = absolute(plugin, SETTINGS)
    assert settings.data == SETTINGS.data | {"path": str(tmp_path / "a.csv")}
    assert typed == {"data.path": "a.csv"}
    assert absolute(plugin, settings) == (settings, {})


def test_paths_in_a_list_are_made_absolute_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").touch()
    settings = Settings(plugin="dsa", data={"train": ["a.csv", "gone.csv", "b"], "labels": ["a.csv", "b"]})
    changed, typed = absolute(find.get("dsa"), settings)
    assert changed.data["train"] == [str(tmp_path / "a.csv"), "gone.csv", "b"]
    assert typed["data.train"] == ["a.csv", "gone.csv", "b"]
    monkeypatch.chdir("/")
    gone = Settings(plugin="dsa", data={"train": ["/gone/a.csv"]})
    assert located(gone, {"data.train": ["a.csv"]}) == gone
    monkeypatch.chdir(tmp_path)
    assert located(gone, {"data.train": ["a.csv"]}).data == {"train": ["a.csv"]}


def test_a_file_that_lies_in_the_folder_of_another_option_is_left_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "folder/a.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    settings = Settings(plugin="dsa", data={"path": "folder", "train": ["a.csv"]})
    changed, _ = absolute(find.get("dsa"), settings)
    assert changed.data == {"path": str(tmp_path / "folder"), "train": ["a.csv"]}


@pytest.mark.parametrize("plugin", ["dsa", "recnn", "tweets", "spectral"])
def test_the_data_of_every_plugin_are_known_as_paths(plugin: str) -> None:
    settings = Settings(plugin=plugin, data={"path": "x", "predict_path": "y"})
    assert path_options(find.get(plugin), settings) == ["data.path", "data.predict_path"]


def test_of_a_project_that_was_moved_the_typed_path_is_used_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    stored = Settings(plugin="dsa", data={"path": "/gone/a.csv"})
    typed = {"data.path": "a.csv"}
    assert located(stored, typed) == stored
    (tmp_path / "a.csv").touch()
    assert located(stored, typed).data == {"path": "a.csv"}
    assert "--data.path: /gone/a.csv is gone, a.csv in the current folder is used" in capsys.readouterr().err
    there = Settings(plugin="dsa", data={"path": str(tmp_path / "a.csv")})
    assert located(there, typed) == there
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("typed", [None, [], {"trainer.max_epochs": "a.csv"}, {"data.path": 3}, {"data": "a.csv"}])
def test_what_run_json_may_hold_in_its_place_changes_nothing(
    typed: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").touch()
    stored = Settings(plugin="dsa", data={"path": "/gone/a.csv"}, trainer={"max_epochs": 2})
    assert located(stored, typed) == stored

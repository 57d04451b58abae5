"""What the runs below a folder say of themselves: nothing that is wrong with one ends the reading of the others."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import lightning_suite
from lightning_suite.errors import RunError, UsageError
from lightning_suite.options import Settings
from lightning_suite.run import KEY, Run
from lightning_suite.run_records import RunRecord
from lightning_suite.run_search import DEEPEST, HOLDS_NONE, runs


def made(root: Path, recipe: str = "default", **entries: object) -> Run:
    """Return a new run folder of the plugin toy, as fit would have written it."""
    run = Run.create(root, "toy", recipe)
    settings = Settings(plugin="toy", recipe=recipe, seed=3, model={"hidden": 4}, data={"path": "x"})
    (run.folder / "config.yaml").write_text(settings.as_yaml())
    run.write_record({"plugin": "toy", "status": "finished", "metrics": {"val_loss": 0.5}} | entries)
    return run


def test_a_run_of_the_suite_is_read_as_it_was_written(run: Run) -> None:
    (record,) = lightning_suite.runs(run.folder.parent.parent)
    assert (record.plugin, record.recipe, record.seed, record.status) == ("tiny", None, 0, "finished")
    assert record.path == run.folder
    assert record.metrics == run.record["metrics"]
    assert record.best["monitor"] == "val_loss"
    assert record.settings == run.settings()


def test_runs_are_found_however_deep_and_a_folder_may_be_a_run_itself(tmp_path: Path) -> None:
    inside = made(tmp_path / "a" / "b" / "c").folder
    assert [record.path for record in runs(tmp_path)] == [inside]
    assert [record.path for record in runs(inside)] == [inside]


def test_runs_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("z", "a", "m"):
        made(tmp_path / name)
    paths = [record.path for record in runs(tmp_path)]
    assert paths == sorted(paths)
    assert len(paths) == 3


def nothing_of_a_run(folder: Path) -> None:
    for file in ("config.yaml", "run.json"):
        (folder / file).unlink()


def a_pipe(folder: Path) -> None:
    (folder / "config.yaml").unlink()
    os.mkfifo(folder / "config.yaml")


def a_loop_of_links(folder: Path) -> None:
    (folder / "config.yaml").unlink()
    (folder / "config.yaml").symlink_to(folder / "config.yaml")


def writes(file: str, content: str | bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())


def half(file: str) -> Callable[[Path], object]:
    return lambda folder: os.truncate(folder / file, (folder / file).stat().st_size // 2)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no settings": (lambda folder: (folder / "config.yaml").unlink(), "config.yaml is missing"),
    "half the settings": (half("config.yaml"), "config.yaml"),
    "half the record": (half("run.json"), "run.json is damaged"),
    "binary settings": (writes("config.yaml", bytes(range(256))), "config.yaml is damaged"),
    "binary record": (writes("run.json", bytes(range(256))), "run.json is damaged"),
    "settings of a list": (writes("config.yaml", "- plugin\n"), "config.yaml is damaged"),
    "settings of another program": (writes("config.yaml", "hydra: {run: {}}\n"), "of another program"),
    "plugin is a list": (lambda folder: both(folder, "plugin: [toy]\n", {}), "of another program"),
    "seed in words": (writes("config.yaml", "plugin: toy\nseed: three\n"), "seed 'three'"),
    "recipe is a number": (writes("config.yaml", "plugin: toy\nrecipe: 3\n"), "recipe 3"),
    "a record of a number": (writes("run.json", "3"), "run.json is damaged"),
    "a deep record": (writes("run.json", "[" * 100_000), "run.json is damaged"),
    "a huge record": (lambda folder: os.truncate(folder / "run.json", 1 << 40), "run.json is damaged"),
    "metrics in words": (writes("run.json", '{"metrics": {"loss": "small"}}'), "metrics are not numbers"),
    "metrics of a list": (writes("run.json", '{"metrics": [1]}'), "metrics are not numbers"),
    "a pipe": (a_pipe, "config.yaml is missing"),
    "a loop of links": (a_loop_of_links, "config.yaml is missing"),
    "nothing": (nothing_of_a_run, HOLDS_NONE),
}


def both(folder: Path, config: str, record: dict[str, object]) -> None:
    (folder / "config.yaml").write_text(config)
    (folder / "run.json").write_text(json.dumps(record))


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_run_is_left_out_with_the_reason_and_the_others_are_listed(kind: str, tmp_path: Path) -> None:
    good, bad = made(tmp_path), made(tmp_path)
    damage, reason = DAMAGE[kind]
    damage(bad.folder)
    found = runs(tmp_path)
    assert [record.path for record in found] == [good.folder]
    assert [*found.left_out] == [bad.folder]
    assert reason in found.left_out[bad.folder]
    assert "\n" not in found.left_out[bad.folder]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_what_may_not_be_read_is_left_out(tmp_path: Path) -> None:
    good, bad, closed = made(tmp_path), made(tmp_path), tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0)
    (bad.folder / "run.json").chmod(0)
    try:
        found = runs(tmp_path)
    finally:
        closed.chmod(0o700)
    assert [record.path for record in found] == [good.folder]
    assert found.left_out == {closed: "Permission denied", bad.folder: "run.json cannot be read: Permission denied"}


def test_foreign_folders_beside_runs_are_left_out_as_a_whole(tmp_path: Path) -> None:
    good = made(tmp_path)
    (tmp_path / "notes" / "2026" / "january").mkdir(parents=True)
    (good.folder.parent / "plots").mkdir()
    (tmp_path / ".cache").mkdir()
    found = runs(tmp_path)
    assert found.left_out == {tmp_path / "notes": HOLDS_NONE, good.folder.parent / "plots": HOLDS_NONE}
    assert [*found.left_out.values()] == [HOLDS_NONE] * 2


def test_runs_below_a_foreign_folder_with_settings_are_found(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("site: mine\n")
    good = made(tmp_path / "runs")
    found = runs(tmp_path)
    assert [record.path for record in found] == [good.folder]
    assert [*found.left_out] == [tmp_path]


def test_a_folder_that_never_ends_is_not_followed(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    deep = tmp_path.joinpath(*["a"] * (DEEPEST + 5))
    deep.mkdir(parents=True)
    found = runs(tmp_path)
    assert len(found) == 1
    assert "not searched" in next(iter(found.left_out.values()))


def test_a_folder_without_runs_has_none(tmp_path: Path) -> None:
    assert (len(runs(tmp_path)), runs(tmp_path).left_out) == (0, {})
    (tmp_path / "empty").mkdir()
    assert runs(tmp_path).left_out == {tmp_path / "empty": HOLDS_NONE}


def test_no_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no folder .*nowhere to look for runs in"):
        runs(tmp_path / "nowhere")


def test_a_run_without_its_record_is_of_unknown_status(tmp_path: Path) -> None:
    run = made(tmp_path)
    (run.folder / "run.json").unlink()
    (record,) = runs(tmp_path)
    assert (record.plugin, record.status, record.metrics) == ("toy", "unknown", {})


def test_a_run_whose_process_is_gone_was_killed(tmp_path: Path) -> None:
    run = made(tmp_path, status="running")
    assert [record.status for record in runs(tmp_path)] == ["killed"]
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    lock = run.folder / ".lock"
    for holder, status in ((ended.pid, "killed"), (os.getpid(), "running")):
        lock.write_text(f"process {holder} on {platform.node()}, since 2026-11-29T00:00:00+00:00")
        assert [record.status for record in runs(tmp_path)] == [status]
    lock.write_text(f"process {ended.pid} on another-machine, since 2026-11-29T00:00:00+00:00")
    assert [record.status for record in runs(tmp_path)] == ["running"]


def test_a_number_beyond_all_floats_is_infinite(tmp_path: Path) -> None:
    made(tmp_path, metrics={"loss": 10**400})
    assert [record.metrics for record in runs(tmp_path)] == [{"loss": float("inf")}]


def test_settings_in_another_order_are_read_too(tmp_path: Path) -> None:
    run = made(tmp_path)
    (run.folder / "config.yaml").write_text("model: {}\ndata: {}\ntrainer: {}\nrecipe: wide\nseed: 5\nplugin: toy\n")
    (record,) = runs(tmp_path)
    assert (record.recipe, record.seed) == ("wide", 5)


def test_a_lone_checkpoint_says_what_it_holds(tmp_path: Path) -> None:
    described = {"plugin": "toy", "settings": {"plugin": "toy", "seed": 2}, "versions": {"torch": "1"}}
    torch.save({KEY: described}, tmp_path / "alone.ckpt")
    record = RunRecord.of(Run.at(tmp_path / "alone.ckpt"))
    assert (record.plugin, record.seed, record.entries["versions"]) == ("toy", 2, {"torch": "1"})
    assert record.path == tmp_path / "alone.ckpt"


def test_a_damaged_run_that_is_asked_for_is_refused_by_name(tmp_path: Path) -> None:
    run = made(tmp_path)
    (run.folder / "run.json").write_text("{")
    with pytest.raises(RunError, match=rf"^{run.folder}: run\.json is damaged"):
        RunRecord.of(run)

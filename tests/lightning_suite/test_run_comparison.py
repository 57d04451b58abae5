"""What differs between runs: everything that is planted is found, by its name, and nothing else is."""

import json
import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import lightning_suite
from lightning_suite.comparison import ABSENT, Comparison
from lightning_suite.errors import RunError, UsageError
from lightning_suite.options import Settings
from lightning_suite.run import KEY, Run
from lightning_suite.run_comparison import compare_runs
from lightning_suite.training import fit

Plant = Callable[[Path], None]

SETTINGS = Settings(
    plugin="toy",
    recipe="small",
    model={
        "hidden": 8,
        "rate": 0.01,
        "tied": False,
        "name": "a",
        "kernels": [3, 5],
        "encoder": {"class_path": "toy.Encoder", "init_args": {"depth": 2}},
    },
    data={"path": "jets", "batch_size": 16},
    trainer={
        "max_epochs": 2,
        "precision": None,
        "callbacks": [{"class_path": "EarlyStopping", "init_args": {"patience": 3}}],
    },
)
MEASURED = {"test_auc": 0.9, "test_loss": 0.3}
RECORD: dict[str, Any] = {
    "plugin": "toy",
    "api": 1,
    "versions": {"python": "3.11.7", "torch": "2.13.0", "numpy": "2.4.6"},
    "git_commit": "1" * 40,
    "seed": 0,
    "machine": {"processor": "Xeon", "cores": 2, "threads": 1, "accelerators": [], "processes": 1},
    "ops": {"routing": "compiled"},
    "started": "2026-11-29T17:46:52+00:00",
    "signature": "5b2d",
    "data_fingerprint": "d69a",
    "status": "finished",
    "typed_paths": {},
    "fit_seconds": 45.8,
    "best": {"monitor": "val_loss", "mode": "min", "value": 0.25, "epoch": 2},
    "metrics": {"val_loss": 0.25, **MEASURED},
    "epochs": 2,
    "steps": 12,
    "evaluations": {"test": {**MEASURED}},
    "finished": "2026-11-29T17:47:21+00:00",
}
METRICS = "step,train_loss,val_loss\n5,0.5,\n5,,0.4\n11,0.3,0.25\n"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = Run.create(tmp_path_factory.mktemp("runs"), "toy", "small")
    (run.folder / "config.yaml").write_text(SETTINGS.as_yaml())
    (run.folder / "metrics.csv").write_text(METRICS)
    run.write_record(RECORD)
    weights = {"one": torch.arange(6.0).reshape(2, 3), "two": torch.zeros(3), "steps": torch.tensor(7)}
    for file in (run.best, run.last):
        torch.save({"state_dict": weights}, file)
    return run.folder


@pytest.fixture
def second(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "second"))


def names(compared: Comparison) -> list[str]:
    return [difference.name for difference in compared.differences]


def put(values: dict[str, Any], path: str, value: Any) -> None:
    *outer, last = path.split("/")
    for name in outer:
        values = values[int(name) if isinstance(values, list) else name]
    if value is ABSENT:
        del values[last]
    else:
        values[last] = value


def in_config(path: str, value: Any) -> Plant:
    def plant(folder: Path) -> None:
        values = yaml.safe_load((folder / "config.yaml").read_text())
        put(values, path, value)
        (folder / "config.yaml").write_text(yaml.safe_dump(values, sort_keys=False))

    return plant


def in_record(path: str, value: Any) -> Plant:
    def plant(folder: Path) -> None:
        values = json.loads((folder / "run.json").read_text())
        put(values, path, value)
        (folder / "run.json").write_text(json.dumps(values))

    return plant


def in_metrics_file(before: str, after: str) -> Plant:
    def plant(folder: Path) -> None:
        text = (folder / "metrics.csv").read_text()
        assert before in text
        (folder / "metrics.csv").write_text(text.replace(before, after))

    return plant


def in_weights(file: str, name: str, value: object) -> Plant:
    def plant(folder: Path) -> None:
        path = folder / "checkpoints" / file
        contents = torch.load(path, weights_only=True)
        put(contents["state_dict"], name, value)
        torch.save(contents, path)

    return plant


def without(file: str) -> Plant:
    return lambda folder: (folder / file).unlink()


LAST_BIT = math.nextafter(0.9, 1)

PLANTED: Mapping[str, tuple[Plant, list[str]]] = {
    "seed": (in_config("seed", 1), ["seed"]),
    "recipe": (in_config("recipe", "wide"), ["recipe"]),
    "no recipe": (in_config("recipe", None), ["recipe"]),
    "plugin by its path": (in_config("plugin", "toy.py:plugin"), ["plugin"]),
    "monitor": (in_config("monitor", "val_auc"), ["monitor"]),
    "mode": (in_config("mode", "max"), ["mode"]),
    "how often to save": (in_config("checkpoint_every", 10), ["checkpoint_every"]),
    "a number": (in_config("model/hidden", 9), ["model.hidden"]),
    "the last bit of a number": (in_config("model/rate", math.nextafter(0.01, 1)), ["model.rate"]),
    "a number for a boolean": (in_config("model/tied", 0), ["model.tied"]),
    "text for a number": (in_config("model/hidden", "8"), ["model.hidden"]),
    "a text for none": (in_config("model/name", None), ["model.name"]),
    "the order of a list": (in_config("model/kernels", [5, 3]), ["model.kernels"]),
    "a shorter list": (in_config("model/kernels", [3]), ["model.kernels"]),
    "a class": (in_config("model/encoder/class_path", "toy.Other"), ["model.encoder.class_path"]),
    "an option of a class": (in_config("model/encoder/init_args/depth", 3), ["model.encoder.init_args.depth"]),
    "a path": (in_config("data/path", "other"), ["data.path"]),
    "an option less": (in_config("data/batch_size", ABSENT), ["data.batch_size"]),
    "an option more": (in_config("data/limit", None), ["data.limit"]),
    "epochs": (in_config("trainer/max_epochs", 3), ["trainer.max_epochs"]),
    "precision": (in_config("trainer/precision", "bf16-mixed"), ["trainer.precision"]),
    "an option of a callback": (
        in_config("trainer/callbacks/0/init_args/patience", 4),
        ["trainer.callbacks.0.init_args.patience"],
    ),
    "the seed that was used": (in_record("seed", 1), ["seed in run.json"]),
    "the plugin that was used": (in_record("plugin", "other"), ["plugin in run.json"]),
    "the version of the record": (in_record("api", 2), ["api"]),
    "the commit": (in_record("git_commit", "2" * 40), ["git_commit"]),
    "changes since the commit": (in_record("git_commit", "1" * 40 + "-dirty"), ["git_commit"]),
    "the data": (in_record("data_fingerprint", "d69b"), ["data_fingerprint"]),
    "unknown data": (in_record("data_fingerprint", None), ["data_fingerprint"]),
    "a version": (in_record("versions/torch", "2.13.1"), ["torch"]),
    "a package less": (in_record("versions/numpy", ABSENT), ["numpy"]),
    "a package more": (in_record("versions/scipy", "1.17"), ["scipy"]),
    "no versions": (in_record("versions", None), ["python", "torch", "numpy", "versions"]),
    "the processor": (in_record("machine/processor", "EPYC"), ["processor"]),
    "threads": (in_record("machine/threads", 2), ["threads"]),
    "a GPU": (in_record("machine/accelerators", ["H200"]), ["accelerators"]),
    "processes": (in_record("machine/processes", 2), ["processes"]),
    "an op": (in_record("ops/routing", "reference"), ["ops.routing"]),
    "the status": (in_record("status", "interrupted"), ["status"]),
    "the steps": (in_record("steps", 11), ["steps"]),
    "the best epoch": (in_record("best/epoch", 1), ["best.epoch"]),
    "what a later release says": (in_record("energy", {"joules": 3}), ["energy.joules"]),
    "the last bit of a metric": (in_record("metrics/val_loss", math.nextafter(0.25, 1)), ["val_loss"]),
    "a metric that is no number": (in_record("metrics/val_loss", math.nan), ["val_loss"]),
    "a metric less": (in_record("metrics/val_loss", ABSENT), ["val_loss"]),
    "an evaluation": (in_record("evaluations/test/test_auc", LAST_BIT), ["evaluations.test.test_auc"]),
    "a cell of the metrics": (in_metrics_file("11,0.3,0.25", "11,0.31,0.25"), ["metrics.csv, row 3, train_loss"]),
    "a row less": (in_metrics_file("11,0.3,0.25\n", ""), ["metrics.csv, row 3, step"]),
    "a cell less": (in_metrics_file("5,,0.4", "5,,"), ["metrics.csv, row 2, val_loss"]),
    "no metrics file": (without("metrics.csv"), ["metrics.csv"]),
    "a bit of a weight": (
        in_weights("last.ckpt", "two", torch.tensor([0.0, 1e-45, 0.0])),
        ["last.ckpt, 1 of 3 tensors, first two"],
    ),
    "the sign of zero": (
        in_weights("best.ckpt", "two", -torch.zeros(3)),
        ["best.ckpt, 1 of 3 tensors, first two"],
    ),
    "the type of a weight": (
        in_weights("last.ckpt", "two", torch.zeros(3, dtype=torch.int32)),
        ["last.ckpt, 1 of 3 tensors, first two"],
    ),
    "the shape of a weight": (
        in_weights("last.ckpt", "one", torch.arange(6.0).reshape(3, 2)),
        ["last.ckpt, 1 of 3 tensors, first one"],
    ),
    "a weight less": (in_weights("last.ckpt", "steps", ABSENT), ["last.ckpt, 1 of 3 tensors, first steps"]),
    "no best checkpoint": (without("checkpoints/best.ckpt"), ["best.ckpt, 3 of 3 tensors, first one"]),
}


def test_a_run_is_equal_to_its_copy(first: Path, second: Path) -> None:
    compared = compare_runs([first, second], weights=True)
    assert (compared.differences, compared.remarks) == ((), ())
    assert {judgement.verdicts for judgement in compared.metrics} <= {("", "equal"), ("",)}


def test_at_least_thirty_differences_are_planted() -> None:
    assert len(PLANTED) >= 30


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_difference_is_found_by_its_name_and_no_other(kind: str, first: Path, second: Path) -> None:
    plant, expected = PLANTED[kind]
    plant(second)
    assert names(compare_runs([first, second], weights=True)) == expected


def test_all_that_is_planted_in_one_run_is_found(first: Path, second: Path) -> None:
    apart = {
        "no metrics file",
        "no best checkpoint",
        "no versions",
        "a row less",
        "a cell less",
        "a cell of the metrics",
        "the seed that was used",  # it is that of the settings again
    }
    last: dict[str, str] = {}
    for kind, (plant, (name, *_)) in PLANTED.items():
        if kind not in apart and "tensors" not in name:
            plant(second)
            last[name] = kind
    assert len(last) >= 30
    assert set(names(compare_runs([first, second]))) == set(last)


def test_the_values_of_all_runs_are_told(first: Path, second: Path) -> None:
    in_config("model/hidden", 9)(second)
    in_config("data/batch_size", ABSENT)(second)
    hidden, batch_size = compare_runs([first, second, first], weights=False).differences
    assert (hidden.part, hidden.values) == ("settings", (8, 9, 8))
    assert (batch_size.part, batch_size.values) == ("settings", (16, ABSENT, 16))


@pytest.mark.parametrize(
    "plant",
    [
        *(in_record(name, "other") for name in ("started", "finished", "signature", "fit_seconds")),
        in_record("resumed", ["2026-11-29T18:00:00+00:00"]),
        in_record("job", {"id": "7"}),
        in_record("typed_paths", {"data.path": "/elsewhere"}),
        in_config("model/hidden", 8.0),
        lambda folder: (folder / "predictions.csv").write_text("x\n"),
    ],
)
def test_when_and_where_a_run_took_place_is_no_difference(plant: Plant, first: Path, second: Path) -> None:
    plant(second)
    assert names(compare_runs([first, second], weights=True)) == []


def test_parts_are_compared_alone(first: Path, second: Path) -> None:
    for kind in ("seed", "a version", "a bit of a weight"):
        PLANTED[kind][0](second)
    assert names(compare_runs([first, second], parts=["versions"], weights=True)) == ["torch"]
    assert names(compare_runs([first, second], parts=["weights"])) == []
    assert len(names(compare_runs([first, second], parts=["weights"], weights=True))) == 1


def test_the_checkpoints_of_one_run_are_compared_when_they_are_named(first: Path, second: Path) -> None:
    PLANTED["a bit of a weight"][0](second)
    files = [second / "checkpoints" / name for name in ("best.ckpt", "last.ckpt")]
    assert names(compare_runs(files, weights=True)) == ["checkpoint, 1 of 3 tensors, first two"]


def test_a_lone_checkpoint_is_compared_by_what_it_holds(first: Path, tmp_path: Path) -> None:
    described = {"plugin": "toy", "settings": {"plugin": "toy", "seed": 0}, "versions": {"torch": "2.13.0"}}
    for name, seed in (("a.ckpt", 0), ("b.ckpt", 1)):
        described["settings"] = {"plugin": "toy", "seed": seed}
        torch.save({KEY: described, "state_dict": {"one": torch.ones(1)}}, tmp_path / name)
    assert names(compare_runs([tmp_path / "a.ckpt", tmp_path / "b.ckpt"], weights=True)) == ["seed"]


def test_what_cannot_be_compared_is_said(first: Path, second: Path) -> None:
    in_record("git_commit", "abc-dirty")(second)
    in_record("data_fingerprint", None)(second)
    dirty, data = compare_runs([second, second]).remarks
    assert "-dirty" in dirty
    assert "no run knows the fingerprint" in data
    (second / "run.json").unlink()
    assert f"nothing but the settings is known of {second}" in compare_runs([first, second]).remarks[0]


def test_a_run_that_cannot_be_read_is_refused(first: Path, second: Path) -> None:
    (second / "run.json").write_text("{")
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        compare_runs([first, second])
    with pytest.raises(UsageError, match="nowhere"):
        compare_runs([first, second / "nowhere"])
    with pytest.raises(UsageError, match="two runs or more to compare, got 1"):
        compare_runs([first])


def test_a_run_that_is_trained_again_is_equal_and_with_another_seed_it_is_not(run: Run, tmp_path: Path) -> None:
    from lightning_suite.options import settings_of
    from lightning_suite.plugins import find

    settings = settings_of(run)  # that run may have been validated by another test
    first, again = (fit(find.get(settings.plugin), settings, root=tmp_path)[0] for _ in range(2))
    assert names(lightning_suite.compare_runs([first, again], weights=True)) == []
    other, _ = fit(find.get(settings.plugin), Settings(**{**vars(settings), "seed": 1}), root=tmp_path)
    compared = compare_runs([first, again, other], weights=True)
    assert {difference.part for difference in compared.differences} == {"settings", "course", "metrics", "weights"}
    assert [each.name for each in compared.differences if each.part == "settings"] == ["seed"]
    assert compared.groups == ((0, 1, 2),)
    assert all(len(judgement.values[0]) == 2 for judgement in compared.metrics)

"""A run in Python: what it says, and what one does with it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

import lightning_suite as ls
from lightning_suite.errors import RunError, UsageError
from lightning_suite.options import Settings
from lightning_suite.run import Run as Files


@pytest.fixture
def opened(run: Files) -> ls.Run:
    return ls.Run.at(run.folder)


def test_the_package_is_imported_without_torch() -> None:
    code = "import sys, lightning_suite as ls; print(ls.__version__, 'torch' in sys.modules, 'numpy' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert said[1:] == ["False", "False"]
    assert re.match(r"\d+\.\d+\.\d+", said[0])


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'lightning_suite' has no attribute 'Runn'"):
        ls.Runn  # noqa: B018


def test_it_says_what_its_files_say(opened: ls.Run, run: Files) -> None:
    assert opened.metrics == run.record["metrics"]
    assert opened.settings == run.settings()
    assert (opened.record.status, opened.folder, opened.checkpoint) == ("finished", run.folder, run.best)


def test_figures_are_its_pictures(opened: ls.Run) -> None:
    picture = opened.folder / "figures" / "one.png"
    picture.write_bytes(b"")
    picture.with_suffix(".csv").write_text("x\n1\n")
    try:
        assert opened.figures == [picture]
    finally:
        picture.unlink()
        picture.with_suffix(".csv").unlink()


def test_it_is_a_path(opened: ls.Run, run: Files) -> None:
    assert os.fspath(opened) == str(run.folder)
    assert os.fspath(ls.Run.at(opened)) == str(run.folder)
    assert type(ls.load(opened)).__name__ == "TinyNet"


def test_another_checkpoint_stays_the_one_that_was_named(run: Files) -> None:
    assert ls.Run.at(ls.Run.at(run.last)).checkpoint == run.last


def test_a_run_that_was_found_can_be_opened(run: Files) -> None:
    (found,) = ls.runs(run.folder)
    assert ls.Run.at(found).metrics == dict(found.metrics)


def test_it_is_shown_with_its_metrics(opened: ls.Run) -> None:
    assert repr(opened) == f"<Run {opened.folder}: tiny, seed 0, finished>"
    lines = str(opened).splitlines()
    assert lines[:2] == [str(opened.folder), "tiny, seed 0, finished"]
    assert lines[4].split() == ["test_loss", f"{opened.metrics['test_loss']:.4f}"]
    assert f"<td>test_loss</td><td>{opened.metrics['test_loss']:.4f}</td>" in opened._repr_html_()


def test_it_is_measured_as_the_command_line_does(opened: ls.Run) -> None:
    assert opened.test() == {"test_loss": pytest.approx(opened.metrics["test_loss"], rel=1e-6)}
    assert opened.validate()["val_loss"] == pytest.approx(opened.metrics["val_loss"], rel=1e-6)
    assert opened.test(data={"points": 8})["test_loss"] != opened.metrics["test_loss"]
    with pytest.raises(UsageError, match=r"no option is called --data.point. Did you mean '--data.points'"):
        opened.test(data={"point": 8})


def test_predictions_of_memory_are_those_of_the_loader(opened: ls.Run, tmp_path: Path) -> None:
    from lightning_suite.evaluation import predict
    from lightning_suite.predictions import Predictions
    from lightning_suite.text_files import read_table

    predict(opened._files, None, output := Predictions(tmp_path / "out.csv", "predict_step"))
    rows = [row for _, row in read_table(output.path).rows]
    points = opened.data.points.tensors[0]  # type: ignore[attr-defined]
    columns = opened.predict(points)
    assert [[f"{x}", f"{label}"] for x, label in zip(columns["x"].tolist(), columns["label"], strict=True)] == rows
    numpy.testing.assert_array_equal(opened.embed(points.tolist()), points.numpy())


def test_a_single_input_has_a_single_answer(opened: ls.Run) -> None:
    several, single = opened.predict([[1.0, 2, 3, 4], [0, 0, 0, 0]]), opened.predict([1.0, 2, 3, 4])
    assert single == {name: values[0] for name, values in several.items()}
    assert type(single["label"]) is int
    assert opened.embed([1.0, 2, 3, 4]).shape == (4,)


def test_the_module_stays_loaded_and_goes_on_training(opened: ls.Run) -> None:
    module = opened.model
    module.train()
    first = opened.predict([[1.0, 2, 3, 4]])
    assert opened.model is module
    assert all(part.training for part in module.modules())
    assert opened.predict([[1.0, 2, 3, 4]])["label"] == first["label"]  # dropout is off


def test_nothing_is_printed_or_written(opened: ls.Run, capfd: pytest.CaptureFixture[str]) -> None:
    before = sorted(opened.folder.rglob("*"))
    opened.predict([[1.0, 2, 3, 4]])
    assert capfd.readouterr() == ("", "")
    assert sorted(opened.folder.rglob("*")) == before


def test_a_plugin_that_takes_files_alone_says_so(opened: ls.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytorch_lightning import LightningDataModule

    monkeypatch.setitem(vars(opened), "data", LightningDataModule())
    with pytest.raises(UsageError, match="inputs from memory: LightningDataModule takes none"):
        opened.predict([[1.0, 2, 3, 4]])


def test_no_inputs_have_no_rows(opened: ls.Run) -> None:
    assert {name: len(values) for name, values in opened.predict(numpy.empty((0, 4))).items()} == {"x": 0, "label": 0}
    assert opened.embed(numpy.empty((0, 4))).shape == (0, 4)


def test_it_trains_on(run: Files, tmp_path: Path) -> None:
    first = ls.fit(run.settings()["plugin"], trainer=run.settings()["trainer"], runs=tmp_path)
    assert first.resume() is first
    first_metrics = first.metrics
    longer = first.resume(trainer={"max_epochs": 2})
    assert longer.folder == first.folder
    assert (first.record.entries["epochs"], longer.record.status) == (2, "finished")
    assert longer.metrics != first_metrics


def test_nothing_at_a_path_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run folder and no checkpoint is at"):
        ls.Run.at(tmp_path / "nowhere")
    with pytest.raises(RunError, match="is not a run folder"):
        ls.Run.at(tmp_path)


def test_every_settings_of_the_run_are_in_it(opened: ls.Run) -> None:
    assert set(opened.settings) == set(Settings.__dataclass_fields__)

"""Training in one call: as the command line does."""

from pathlib import Path
from typing import Any

import pytest
from pytorch_lightning import Callback, LightningModule, Trainer

import lightning_suite as ls
from lightning_suite.errors import UsageError
from lightning_suite.verbs.fit import run as verb
from lightning_suite.yaml_files import read_options

TINY = f"{Path(__file__).parent / 'tiny.py'}:plugin"
QUIET = {"max_epochs": 1, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}


def test_it_is_the_run_of_the_command_line(tmp_path: Path) -> None:
    trainer = [word for name, value in QUIET.items() for word in (f"--trainer.{name}", str(value))]
    words = ["--model.hidden", "4", "--data.points", "40", "--seed", "5"]
    assert verb(["--plugin", TINY, *words, *trainer, "--runs", str(tmp_path / "typed")]) == 0
    (typed,) = ls.runs(tmp_path / "typed")
    run = ls.fit(TINY, model={"hidden": 4}, trainer=QUIET, seed=5, runs=tmp_path / "here", **{"data.points": 40})
    assert run.metrics == dict(typed.metrics)
    expected, actual = (read_options(Path(path, "config.yaml")) for path in (typed, run))
    assert actual == expected


def test_a_file_of_options_and_callbacks_are_taken(tmp_path: Path) -> None:
    class Count(Callback):
        epochs = 0

        def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            self.epochs += 1

    (file := tmp_path / "options.yaml").write_text("seed: 4\nmodel: {hidden: 3}\n")
    count = Count()
    run = ls.fit(TINY, config=file, model={"hidden": 2}, trainer=QUIET, runs=tmp_path, callbacks=[count])
    assert (run.settings["seed"], run.settings["model"]["hidden"], count.epochs) == (4, 2, 1)


MISTAKES: list[tuple[dict[str, Any], list[str]]] = [
    ({"model": {"hiden": 4}}, ["--model.hiden", "4"]),
    ({"model": {"hidden": "four"}}, ["--model.hidden", "four"]),
    ({"trainer": {"max_epoch": 1}}, ["--trainer.max_epoch", "1"]),
    ({"sed": 1}, ["--sed", "1"]),
    ({"recipe": "fast"}, ["--recipe", "fast"]),
    ({"seed": -1}, ["--seed", "-1"]),
]


@pytest.mark.parametrize(("options", "words"), MISTAKES)
def test_a_mistake_is_said_in_the_words_of_the_command_line(options: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(UsageError) as typed:
        verb(["--plugin", TINY, *words])
    with pytest.raises(UsageError) as given:
        ls.fit(TINY, **options)
    assert f"{given.value}" == f"{typed.value}"


def test_a_mistyped_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no option is called --model.hiden. Did you mean '--model.hidden'\?"):
        ls.fit(TINY, model={"hiden": 4})

"""The verb that trains: what is typed once, where it goes on, and that a mistake writes nothing."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.options import parse
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find
from lightning_suite.plugins.explain import BrokenPlugin
from lightning_suite.recipes import recipe_of
from lightning_suite.run import Run
from lightning_suite.verbs import fit

TINY = f"{Path(__file__).parents[1] / 'tiny.py'}:plugin"
QUIET = ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false", "--trainer.accelerator=cpu"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run, in a folder with a space in its name."""
    root = tmp_path_factory.mktemp("of runs")
    assert fit.run(["--plugin", TINY, "--runs", str(root), "--trainer.max_epochs=1", *QUIET]) == 0
    (folder,) = (root / "tiny").iterdir()
    return Run.at(folder)


@pytest.mark.parametrize("twice", [["--plugin", TINY], ["--runs", "x"], ["--recipe", "x"], ["--model.hidden", "2"]])
def test_an_option_typed_twice_is_a_mistake_that_writes_nothing(
    twice: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=f"{twice[0]} is given"):
        fit.run(["--plugin", TINY, *twice, *twice])
    assert list(tmp_path.iterdir()) == []


def test_a_finished_run_stays_as_it_is(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    assert fit.run(["--resume", str(run.folder)]) == 0
    assert "had finished" in capsys.readouterr().out
    assert before == {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}


def test_a_path_with_a_space_is_quoted_in_what_to_type_next(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    fit.run(["--resume", str(run.folder)])
    assert f"suite test '{run.folder}'" in capsys.readouterr().out


def test_what_cannot_be_predicted_is_not_proposed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    fit.run(["--resume", str(run.folder)])  # its data module takes no file
    assert "suite predict" not in capsys.readouterr().out
    plugin = find.get("dsa")
    for predicts, proposed in ((None, True), (False, False)):
        run.write_record({"predicts": predicts} if predicts is not None else {})
        fit.report(run, plugin, replace(parse(plugin, [], start={}), recipe="default"))
        assert ("suite predict" in capsys.readouterr().out) == proposed
    (run.folder / "nodes.csv").touch()
    fit.report(run, plugin, replace(parse(plugin, [], start={}), recipe="default"))
    assert f"\nresults: {run.folder / 'nodes.csv'}\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["best.ckpt", "moved.ckpt"])
def test_training_goes_on_from_no_other_checkpoint_than_the_last(name: str, run: Run, tmp_path: Path) -> None:
    moved = tmp_path / "moved.ckpt"
    moved.write_bytes(run.last.read_bytes())
    with pytest.raises(UsageError, match=r"from its checkpoints/last\.ckpt; .* is another checkpoint"):
        fit.run(["--resume", str(moved if name == "moved.ckpt" else run.best)])
    assert list(tmp_path.iterdir()) == [moved]


def test_the_last_checkpoint_of_a_run_stands_for_it(run: Run) -> None:
    assert fit.run(["--resume", str(run.last)]) == 0


def test_the_recipe_that_was_typed_is_the_one_that_is_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.yaml").write_text("plugin: dsa\nrecipe: check\nseed: 4\n")
    fit.run(["--config", str(tmp_path / "c.yaml"), "--recipe", "sst2", "--print-config"])
    message = capsys.readouterr().out
    assert "recipe: sst2\nseed: 4\n" in message


@pytest.mark.parametrize("spelling", ["--print-config", "--print_config"])
def test_the_printed_values_can_be_given_back(
    spelling: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit.run(["--plugin", "spectral", "--model.n_clusters=3", spelling])
    printed = capsys.readouterr().out
    assert printed.startswith("plugin: spectral\n")
    (tmp_path / "c.yaml").write_text(printed)
    fit.run(["--config", str(tmp_path / "c.yaml"), spelling])
    assert capsys.readouterr().out == printed


def test_a_plugin_without_its_option_gets_the_command() -> None:
    with pytest.raises(UsageError, match=r"by --plugin: suite fit --plugin dsa$"):
        fit.run(["dsa"])
    with pytest.raises(UsageError, match="Did you mean 'dsa'"):
        fit.run(["dsaa"])


def test_the_help_is_of_this_very_command(capsys: pytest.CaptureFixture[str]) -> None:
    fit.run(["--plugin", "spectral", "--recipe", "shapes", "--model.n_init=3", "--help"])
    assert "--model.n_init 3 >" in capsys.readouterr().out
    fit.run(["--plugin", "spectral", "--model.n_init=3", "--help=model"])
    assert "--model.n_init int = 3 >" in capsys.readouterr().out


@pytest.mark.parametrize("typed", [["--logger", "csv"], ["--trainer.logger", "csv"], ["--trainer.logger", "CSVLogger"]])
def test_a_logger_by_a_short_name(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert fit.run(["--plugin", TINY, *typed, "--print-config"]) == 0
    assert "class_path: pytorch_lightning.loggers.CSVLogger" in capsys.readouterr().out


def test_a_logger_that_is_not_installed_is_told_with_the_command() -> None:
    code = (
        "import sys;"
        "from lightning_suite.options import loggers; loggers.find_spec = lambda name: None;"
        "from lightning_suite.cli import main; status = main(['fit', '--plugin', 'tweets', '--logger', 'wandb']);"
        "sys.exit(f'{status} {\"torch\" in sys.modules}')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "--trainer.logger wandb needs wandb: pip install wandb\n2 False\n"


def test_a_broken_recipe_does_not_stop_another(here: Any, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"recipes/default.yaml": "seed: 7\n", "recipes/wide.yaml": "model: ["}
    here.add("calm", "calm_plugin", "calm-plugin", files=files)
    assert fit.run(["--plugin", "calm", "--print-config"]) == 0
    assert "recipe: default\nseed: 7\n" in capsys.readouterr().out


def test_what_is_other_than_in_the_recipe_is_named_but_for_the_place() -> None:
    plugin = find.get("dsa")
    start = recipe_of(plugin, "sst2")
    as_it_is = replace(parse(plugin, [], start=start), recipe="sst2")
    typed = ["--seed=3", "--model.iterations=4", "--trainer.max_epochs=1", "--trainer.devices=2"]
    changed = replace(parse(plugin, typed, start=start), recipe="sst2")
    assert fit.other_than_the_recipe(plugin, as_it_is) == []
    found = fit.other_than_the_recipe(plugin, changed)
    assert found == ["--seed", "--model.iterations", "--trainer.max_epochs"]


@pytest.mark.parametrize(
    ("typed", "source", "line"),
    [
        ([], {"source": "seed 0 on a CPU"}, "seed 0 on a CPU"),
        (
            ["--model.learning_rate=0.2"],
            {"source": "a paper"},
            "a paper; this run has another --model.learning_rate",
        ),
        (["--seed=3", "--trainer.logger=false"], {}, "the recipe one; this run has another --seed"),
    ],
)
def test_expected_numbers_are_said_to_be_of_other_options(
    typed: list[str],
    source: dict[str, str],
    line: str,
    run: Run,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plugin = find.get(TINY)
    recipe = {"expected": {"val_loss": 0.5} | source}
    monkeypatch.setattr(fit, "recipe_of", lambda plugin, name: recipe)
    fit.report(run, plugin, replace(parse(plugin, typed, start={}, name=TINY), recipe="one"))
    message = capsys.readouterr().out
    assert f"\nexpected: {line}\n" in message
    assert "0.5000" in message


@pytest.mark.parametrize(
    ("typed", "more", "line"),
    [
        (["--data.points=64"], {}, None),
        ([], {"data": "SST-2"}, "the recipe was measured elsewhere: val_loss 0.5 on SST-2 (a paper)"),
        (["--data.points=64"], {"data": "SST-2"}, "the recipe was measured elsewhere: val_loss 0.5 on SST-2 (a paper)"),
    ],
)
def test_expected_numbers_stand_beside_results_on_the_same_data_alone(
    typed: list[str],
    more: dict[str, str],
    line: str | None,
    run: Run,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plugin = find.get(TINY)
    monkeypatch.setattr(
        fit, "recipe_of", lambda plugin, name: {"expected": {"val_loss": 0.5, "source": "a paper"} | more}
    )
    fit.report(run, plugin, replace(parse(plugin, typed, start={}, name=TINY), recipe="one"))
    message = capsys.readouterr().out
    assert "expected" not in message and "0.5000" not in message
    assert ("elsewhere" in message) == (line is not None)
    assert line is None or f"\n{line}\n" in message


@pytest.mark.parametrize("fault", [UsageError("gone"), BrokenPlugin("tiny", "broken", "here", "mend it"), None])
def test_a_recipe_that_has_gone_or_broken_leaves_the_table_without_expected_numbers(
    fault: Exception | None, run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def recipe_of(plugin: Plugin, name: str) -> dict[str, None]:
        if fault is not None:
            raise fault
        return {"expected": None}

    plugin = find.get(TINY)
    monkeypatch.setattr(fit, "recipe_of", recipe_of)
    assert fit.report(run, plugin, replace(parse(plugin, [], start={}, name=TINY), recipe="one")) == 0
    assert "expected" not in capsys.readouterr().out

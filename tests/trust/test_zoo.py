"""Ordinary Lightning modules join with a record alone: they fit, test, predict, resume, repeat and pass the checks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytorch_lightning import Callback, LightningModule, Trainer

from lightning_suite.cli import main
from lightning_suite.options import settings_of
from lightning_suite.plugins import find
from lightning_suite.run import Run
from lightning_suite.testing.contract import check_plugin
from lightning_suite.testing.subject import difference
from lightning_suite.training import fit

PRECISION = ["--trainer.precision=bf16-mixed"]
ACCUMULATE = ["--trainer.accumulate_grad_batches=2", "--trainer.gradient_clip_val=0.5"]
VALIDATE_OFTEN = ["--trainer.val_check_interval=0.5"]
LOSS = "--monitor=val_loss/dataloader_idx_0"

ANIMALS: dict[str, list[str]] = {
    "autoencoder": [],
    "gan": ["--trainer.logger=true"],
    "boring": [],
    "recurrent": [],
    "stream": [],
    "several": [],
    "steps": ACCUMULATE,
    "plateau": PRECISION,
    "network": VALIDATE_OFTEN,
    "compiled": [],
    "averaged": [],
    "loaders": [LOSS],
    "swa": [],
}
"""Plugins of the zoo, with the options that they are trained with."""

FEW_CHECKS = ["fits", "resumes_exactly", "config_repeats_the_run", "checkpoint_is_safe"]
# At the small size these are tried, and the checks are run on the first two of them; at full size on all.
SMALL = ("gan", "network", "recurrent", "stream", "steps", "swa")
CHECKED = SMALL[:2]
QUIET = ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"]
EXPECTED = {"boring": {"fits": "it logs nothing"}}


class Interruption(Exception):
    """Ends a training between two batches."""


class Interrupt(Callback):
    """Interrupts in the middle of the second epoch."""

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if trainer.current_epoch == 1 and batch_idx == 3:
            raise Interruption


@pytest.mark.timeout(1200)
def test_ordinary_modules_need_no_changed_line(trust: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failures = []
    tried = list(ANIMALS if trust.is_full else SMALL)
    for animal in tried:
        options = ANIMALS[animal]
        try:
            wrong = next(
                (f"{what}: {w}" for what, w in _tried(animal, options, tmp_path / animal, trust.is_full) if w), ""
            )
        except Exception as error:
            wrong = f"{type(error).__name__}: {error}"
        failures += [f"{animal}: {wrong}\n{capsys.readouterr().err[-600:]}"] if wrong else []
        capsys.readouterr()
    note = "; ".join(tried)
    held = len(tried) - len(failures)
    what = "fit, test, predict, resume, rerun, check"
    trust.outcome("Zoo", what, trials=len(tried), held=held, note=note, failures=failures)


def _tried(animal: str, options: list[str], folder: Path, is_full: bool) -> Iterator[tuple[str, str]]:
    """Yield each thing that is tried with a plugin, and what is wrong with it; nothing where it works."""
    plugin = f"zoo.records:{animal}"
    common = ["--plugin", plugin, "--trainer.max_epochs=3", "--checkpoint_every=1", "--trainer.log_every_n_steps=1"]
    common += [*QUIET, *options]
    yield "fit", _status(["fit", *common, "--runs", str(folder / "whole")])
    whole = _run(folder / "whole")
    yield "test", _status(["test", str(whole.folder)])
    if animal != "boring":
        output = folder / "predictions.csv"
        yield "predict", _status(["predict", str(whole.folder), "--output", str(output)])
        yield "predict", "" if len(output.read_text().splitlines()) > 1 else "no rows"
    settings = settings_of(whole)
    try:
        fit(find.get(plugin), settings, root=folder / "cut", callbacks=[Interrupt()])
        yield "resume", "it was not interrupted"
    except Interruption:
        cut = _run(folder / "cut")
        fit(find.get(plugin), settings, run=cut)
        yield "resume", _differing(whole, _run(folder / "cut"))
    yield "rerun", _status(["rerun", str(whole.folder), "--runs", str(folder / "again")])
    if is_full or animal in CHECKED:
        outcomes = check_plugin(plugin, only=FEW_CHECKS, expected_failures=EXPECTED.get(animal, {}))
        failed = [
            f"{outcome.check}: {outcome.status}: {outcome.message}" for outcome in outcomes if not outcome.excused
        ]
        yield "check", "\n".join(failed)


def _status(words: list[str]) -> str:
    status = main(words)
    return "" if status == 0 else f"exit status {status}"


def _run(root: Path) -> Run:
    (folder,) = next(root.iterdir()).iterdir()
    return Run.at(folder)


def _differing(whole: Run, resumed: Run) -> str:
    """Return what differs between an uninterrupted and a resumed run; "" where they are equal bit for bit."""
    weights = [run.read_checkpoint()["state_dict"] for run in (whole, resumed)]
    if tensor := difference(*weights)[1]:
        return f"weights: {tensor}"
    paths = [run.folder / "metrics.csv" for run in (whole, resumed)]
    files = [path.read_text() if path.is_file() else "" for path in paths]  # not every module logs
    if files[0] != files[1]:
        rows = zip(files[0].splitlines(), files[1].splitlines(), strict=False)
        return "metrics.csv: " + next((f"{a} | {b}" for a, b in rows if a != b), "other rows")
    values = [run.record["metrics"] for run in (whole, resumed)]
    return "" if repr(values[0]) == repr(values[1]) else f"metrics: {values[0]} | {values[1]}"

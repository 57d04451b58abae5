"""A run in Python: what the verbs of the command line do with it, on objects instead of files."""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

from lightning_suite import run as run_files
from lightning_suite.loading import load, load_data
from lightning_suite.metric_table import metric_columns, metric_table
from lightning_suite.reporting.markup import as_html, element
from lightning_suite.reporting.pictures import KINDS
from lightning_suite.run_records import RunRecord

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from pytorch_lightning import LightningDataModule, LightningModule
    from pytorch_lightning.callbacks import Callback

    from lightning_suite.exporting import Exported
    from lightning_suite.exporting.exportable import Kind


@final
class Run:
    """A run: its metrics and pictures, its trained module, and what one does with that.

    It is a path too: functions that take a run folder take a ``Run``.

    Args:
        files: its folder and checkpoint.
        trust: import what it names, whoever made it (SECURITY.md).

    Example:
        What ``suite fit`` prints at its end is the path to give:

            run = Run.at("runs/dsa/2026-01-31-120000-default")
            run.metrics["test_accuracy"]
            run.predict("a gorgeous, witty, seductive movie")["label"]
    """

    def __init__(self, files: run_files.Run, *, trust: bool = False) -> None:
        self._files = files
        self._trust = trust

    @classmethod
    def at(cls, path: "str | os.PathLike[str]", *, trust: bool = False) -> "Run":
        """Return the run at a path: a folder that ``fit`` wrote, or a checkpoint.

        Args:
            path: the path, or a run that ``lightning_suite.runs`` has found.
            trust: import what it names, whoever made it (SECURITY.md).

        Raises:
            UsageError: nothing is there.
            RunError: it is a folder of another kind.
        """
        return cls(run_files.Run.at(Path(path)), trust=trust)

    # What its files say

    @property
    def folder(self) -> Path:
        """The run folder; of a lone checkpoint, the folder it lies in."""
        return self._files.folder

    @property
    def checkpoint(self) -> Path:
        """The checkpoint that is measured and predicts: the best one, or the one that was named."""
        return self._files.checkpoint

    @property
    def record(self) -> RunRecord:
        """What the run says of itself: plugin, recipe, seed, status, settings, all of run.json.

        Raises:
            RunError: a file of it is missing or damaged.
        """
        return RunRecord.of(self._files)

    @property
    def plugin(self) -> str:
        """The name of its plugin."""
        return self.record.plugin

    @property
    def settings(self) -> dict[str, Any]:
        """Every option, as config.yaml has it."""
        return self.record.settings

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics of its best checkpoint, those of the test among them."""
        return dict(self.record.metrics)

    @property
    def figures(self) -> list[Path]:
        """Its pictures; each has its numbers beside it, in a CSV file of the same name."""
        folder = self.folder / "figures"
        return sorted(path for path in folder.rglob("*") if path.suffix.lower() in KINDS)

    # What was trained

    @cached_property
    def model(self) -> "LightningModule":
        """The trained module, on the CPU until it is moved, in evaluation mode.

        Raises:
            UsageError: the run is from elsewhere and would import something that is not listed.
            RunError: the checkpoint cannot be read.
            PluginError: the plugin is not installed or broken.
        """
        return load(self._files, trust=self._trust)

    @cached_property
    def data(self) -> "LightningDataModule":
        """The data module with the settings of the run; it has not read anything."""
        return load_data(self._files, trust=self._trust)

    def predict(self, inputs: Any) -> dict[str, Any]:
        """Return the predictions of inputs in memory: columns by name, with one entry for each input, in their order.

        Columns are arrays of numpy, of texts lists. A single input, such as one sentence, gives its values. The numbers
        are those that ``suite predict`` writes. No file is written, nothing is printed, and the module stays loaded.

        Args:
            inputs: one or several, in the forms that the plugin takes; see docs/python.md.

        Raises:
            UsageError: the plugin predicts from files only.
            TypeError: the inputs have another form than the plugin takes.
        """
        from lightning_suite.from_memory import predicted

        return predicted(self.model, self.data, inputs)

    def embed(self, inputs: Any) -> "NDArray[numpy.float32]":
        """Return the embeddings of inputs in memory, (input, embedding_dim); of a single one (embedding_dim,).

        Args:
            inputs: as for `predict`.

        Raises:
            UsageError: the plugin predicts from files only, or has no embeddings.
            TypeError: the inputs have another form than the plugin takes.
        """
        from lightning_suite.from_memory import embedded

        return embedded(self.model, self.data, inputs)

    def test(self, **options: Any) -> dict[str, float]:
        """Return the metrics of the checkpoint on the test data, as ``suite test`` does.

        Args:
            options: in place of those of the run: ``data="reviews.csv"``, ``trainer={"accelerator": "cpu"}``.

        Raises:
            UsageError: there is no such option.
            RunError: there are no test data, or the checkpoint does not fit the options.
        """
        return self._measured("test", options)

    def validate(self, **options: Any) -> dict[str, float]:
        """Return the metrics of the checkpoint on the validation data, as ``suite validate`` does; see `test`."""
        return self._measured("validate", options)

    def _measured(self, stage: Literal["validate", "test"], options: dict[str, Any]) -> dict[str, float]:
        from lightning_suite.evaluation import evaluate
        from lightning_suite.options import changed_settings, given_options
        from lightning_suite.trust import asked

        with asked(self._trust):
            settings = changed_settings(self._files, prog=f"suite {stage}", given=given_options(options))
            return evaluate(self._files, stage, settings)

    def resume(self, *, callbacks: "Sequence[Callback]" = (), **options: Any) -> "Run":
        """Train on from the last checkpoint, as ``suite fit --resume`` does, and return the run.

        Args:
            callbacks: of Lightning, beside those that the settings name.
            options: such as ``trainer={"max_epochs": 20}``.

        Raises:
            UsageError: there is no such option.
            RunError: the checkpoint was made with other settings or data, or another process trains in the folder.
            Interrupted: training was ended from outside.
        """
        from dataclasses import asdict

        from lightning_suite.options import given_options, parse, settings_of
        from lightning_suite.plugins import find
        from lightning_suite.training import fit
        from lightning_suite.trust import asked

        with asked(self._trust):
            before = settings_of(self._files)
            plugin = find.get(before.plugin)
            given = given_options(options)
            prog = "suite fit --resume"
            settings = parse(plugin, [], start=asdict(before), given=given, prog=prog, name=before.plugin)
            if self._files.record.get("status") == "finished" and settings == before:
                return self
            done, _ = fit(plugin, settings, run=self._files, callbacks=callbacks)
        return Run(run_files.Run.at(done.folder), trust=self._trust)

    def export(self, to: "Kind", output: "str | os.PathLike[str] | None" = None) -> "Exported":
        """Write the network to a file that runs without this package, as ``suite export`` does.

        Args:
            to: ``onnx``, ``torch-export`` or ``aot``.
            output: the file; None: ``model.onnx``, ``model.pt2`` or ``model-aot.pt2`` in the run folder.

        Raises:
            UsageError: there is no such kind, the plugin exports nothing, or a package is missing.
            RunError: the file computes something else; then it is not kept.
            OutputError: the file cannot be written.
        """
        from lightning_suite.exporting import export

        return export(self._files, to, output, trust=self._trust)

    # How it is shown

    def __fspath__(self) -> str:
        """Return the run folder, or the checkpoint where another one than that of the folder was named."""
        stands_alone = self._files.settings_file == self.checkpoint
        return str(self.checkpoint if stands_alone or run_files.Run.at(self.folder) != self._files else self.folder)

    def __repr__(self) -> str:
        """Return its path, and in short what it is."""
        return f"<Run {os.fspath(self)}: {_summary(self.record)}>"

    def __str__(self) -> str:
        """Return its path, what it is, and a table of its metrics."""
        record = self.record
        lines = [os.fspath(self), _summary(record)]
        return "\n".join([*lines, metric_table(record.metrics)] if record.metrics else lines)

    def _repr_html_(self) -> str:
        """Return the same for a notebook."""
        record = self.record
        columns = metric_columns(record.metrics)
        rows = [element("tr", *(element("td", cell) for cell in row)) for row in zip(*columns.values(), strict=True)]
        head = element("tr", *(element("th", title) for title in columns))
        metrics = element("table", element("thead", head), element("tbody", *rows)) if rows else None
        path = element("code", os.fspath(self))
        return as_html(element("div", element("p", path, element("br"), _summary(record)), metrics))


def _summary(record: RunRecord) -> str:
    """Return plugin, recipe, seed and status of a run on one line."""
    recipe = [f"recipe {record.recipe}"] if record.recipe else []
    return ", ".join([record.plugin, *recipe, f"seed {record.seed}", record.status])

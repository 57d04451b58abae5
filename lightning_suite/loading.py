"""A trained module back from its run folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from lightning_suite.run import Run

if TYPE_CHECKING:
    from pytorch_lightning import LightningModule


def load(run: str | Path | Run) -> "LightningModule":
    """The trained module of a run folder or a checkpoint, on the CPU and in evaluation mode.

    Nothing but the folder is needed: the checkpoint names its plugin and holds its settings.

    Raises:
        RunError: there is no such run, or its checkpoint cannot be read.
        PluginError: its plugin is not installed or broken.
    """
    from lightning_suite.training import restore

    return restore(run if isinstance(run, Run) else Run.at(run))

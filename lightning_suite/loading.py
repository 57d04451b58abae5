"""A trained module, or the data it learnt from, back from its run folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from lightning_suite.run import Run

if TYPE_CHECKING:
    from pytorch_lightning import LightningDataModule, LightningModule


def load(run: str | Path | Run) -> "LightningModule":
    """The trained module of a run folder or a checkpoint, on the CPU and in evaluation mode.

    Nothing but the folder is needed: the checkpoint names its plugin and holds its settings.

    Raises:
        RunError: there is no such run, or its checkpoint cannot be read.
        PluginError: its plugin is not installed or broken.
    """
    from lightning_suite.training import restore

    return restore(run if isinstance(run, Run) else Run.at(run))


def load_data(run: str | Path | Run) -> "LightningDataModule":
    """The data module of a run folder or a checkpoint, with the settings of the run; nothing is read by it yet.

    Raises:
        RunError: there is no such run, or its checkpoint cannot be read.
        PluginError: its plugin is not installed or broken.
    """
    from lightning_suite.training import restore_data

    return restore_data(run if isinstance(run, Run) else Run.at(run))

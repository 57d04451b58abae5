"""A Trainer for tests of modules and data modules by themselves."""

from pathlib import Path
from typing import Any

from pytorch_lightning import Trainer


def quiet_trainer(folder: str | Path, **options: Any) -> Trainer:
    """Return a Trainer of one epoch on one CPU, which prints no progress and writes neither logs nor checkpoints.

    Args:
        folder: where what is asked for is written.
        options: of the Trainer; they replace these.

    Example:
        >>> quiet_trainer("runs", max_epochs=3).max_epochs
        3
    """
    quiet: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    small: dict[str, Any] = {"max_epochs": 1, "enable_checkpointing": False, "accelerator": "cpu", "devices": 1}
    return Trainer(default_root_dir=folder, **quiet | small | options)

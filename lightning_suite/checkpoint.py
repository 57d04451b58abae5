"""Checkpoints that are whole, safe and describe themselves.

A file under its final name is always complete: it is written beside it, flushed to the disk, and renamed. It holds
tensors and plain values alone, so that ``torch.load(weights_only=True)`` reads it and no code travels in it.
"""

import os
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import TorchCheckpointIO

from lightning_suite.errors import RunError


def read(path: str | Path) -> dict[str, Any]:
    """A checkpoint's contents, on the CPU.

    Raises:
        RunError: there is no file, it is damaged, or it holds more than tensors and plain values.
    """
    path = Path(path)
    if not path.is_file():
        raise RunError(f"no checkpoint is at {path}. A run writes its first one when its first epoch ends.")
    try:
        contents: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a dozen kinds for a damaged file
        raise RunError(f"{path} is damaged, or holds more than tensors and plain values: {_cause(error)}") from error
    return contents


class SafeCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints in one step and reads them without running code from them."""

    def __init__(self) -> None:
        self._proved = False

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Writes a checkpoint.

        Raises:
            RunError: the checkpoint cannot be written, or holds something that could not be read back safely.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        try:
            with partial.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
        except (OSError, RuntimeError) as error:  # torch makes a RuntimeError of some
            partial.unlink(missing_ok=True)  # a full disk has room again for run.json
            raise RunError(f"{path} cannot be written: {_cause(error)}. The checkpoint before it is whole.") from error
        if not self._proved:  # once a run: what a module puts in does not change its kind from epoch to epoch
            read(partial)
            self._proved = True
        partial.replace(path)

    def load_checkpoint(self, path: str | Path, map_location: Any = None, weights_only: bool | None = None) -> Any:
        """Reads a checkpoint; always as with ``weights_only=True``, whatever was asked for."""
        return read(path)


def _cause(error: Exception) -> str:
    """The first sentence of torch's long explanation that names the cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if "GLOBAL" in line or "Unsupported" in line]
    return (named or lines or [type(error).__name__])[0][:200]

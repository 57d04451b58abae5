"""Reads and writes checkpoints that are complete and safe.

They hold tensors and plain values alone, so that ``torch.load(weights_only=True)`` reads them without running code.
``checkpoint_archive`` refuses what that function would believe.
"""

from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import TorchCheckpointIO

from lightning_suite import signals
from lightning_suite.checkpoint_archive import refuse_false_sizes, verify
from lightning_suite.errors import OutputError, RunError
from lightning_suite.files import atomic_path
from lightning_suite.hyper_parameters import SafeHyperParameters


def read(path: str | Path) -> dict[str, Any]:
    """Return a checkpoint's contents, on the CPU.

    Raises:
        RunError: there is no file, it is damaged, or it holds more than tensors and plain values.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "last.ckpt")
        >>> SafeCheckpointIO().save_checkpoint({"weights": torch.ones(2)}, path)
        >>> read(path)
        {'weights': tensor([1., 1.])}
    """
    path = Path(path)
    if not path.is_file():
        raise RunError(f"no checkpoint is at {path}. A run writes its first one when its first epoch ends.")
    return _contents(path, f"{path} is damaged, or holds more than tensors and plain values")


class SafeCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints in one step and reads them without running code from them."""

    def __init__(self) -> None:
        self._proved = False
        self._safe_hyper_parameters = SafeHyperParameters()

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a checkpoint; the first one is read back before it gets its name.

        Raises:
            RunError: the checkpoint cannot be written, or holds something that could not be read back safely.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoint = self._safe_hyper_parameters(checkpoint)
        try:
            # An interruption in between would be torch's error about a file that it could not end.
            with signals.postponed(signals.NAMES), atomic_path(path) as unfinished:
                with unfinished.open("wb") as file:
                    torch.save(checkpoint, file)
                if not self._proved:  # once a run: what a module puts in does not change its kind from epoch to epoch
                    _contents(unfinished, f"{path} would hold more than tensors and plain values")
                    self._proved = True
        except OutputError as error:
            raise RunError(f"{error}. The checkpoint before it is whole.") from error
        except RuntimeError as error:  # torch's own follows on that of the system
            system = error.__context__ if isinstance(error.__context__, OSError) else None
            cause = system.strerror if system else _cause(error)
            raise RunError(f"{path} cannot be written: {cause}. The checkpoint before it is whole.") from error

    def load_checkpoint(self, path: str | Path, map_location: Any = None, weights_only: bool | None = None) -> Any:
        """Return a checkpoint's contents; ``weights_only`` is always True."""
        return read(path)


def _contents(path: Path, complaint: str) -> dict[str, Any]:
    try:
        verify(path)
        contents: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        refuse_false_sizes(contents, path)
    except Exception as error:  # torch raises a dozen kinds for a damaged file
        raise RunError(f"{complaint}: {_cause(error)}") from error
    if not isinstance(contents, dict):
        raise RunError(f"{complaint}: it holds a {type(contents).__name__}, expected values by name")
    return contents


def _cause(error: Exception) -> str:
    """Return the first line of torch's long explanation that names the cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if "GLOBAL" in line or "Unsupported" in line]
    return (named or lines or [type(error).__name__])[0][:200]

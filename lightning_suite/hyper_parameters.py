"""What ``save_hyperparameters()`` puts into a checkpoint, as far as it can be read back without running code."""

import io
from typing import Any

import torch
from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.utilities import rank_zero_info

KEYS = (LightningModule.CHECKPOINT_HYPER_PARAMS_KEY, LightningDataModule.CHECKPOINT_HYPER_PARAMS_KEY)
TYPES = (LightningModule.CHECKPOINT_HYPER_PARAMS_TYPE, LightningDataModule.CHECKPOINT_HYPER_PARAMS_TYPE)
PLAIN = (type(None), bool, int, float, str)


class SafeHyperParameters:
    """Leaves out of checkpoints the hyper-parameters that are more than tensors and plain values, and says which."""

    def __init__(self) -> None:
        self._left_out: dict[str, list[str]] = {}

    def __call__(self, checkpoint: dict[str, Any]) -> dict[str, Any]:
        """Return a checkpoint with the hyper-parameters that can be read back; the one given stays as it is.

        Example:
            >>> keep = SafeHyperParameters()
            >>> keep({"hyper_parameters": {"width": 3, "network": torch.nn.ReLU()}})
            {'hyper_parameters': {'width': 3}}
        """
        safe = {key: value for key, value in checkpoint.items() if key not in TYPES}
        for key in KEYS:
            if key not in checkpoint:
                continue
            values = dict(checkpoint[key])
            if key not in self._left_out:
                self._left_out[key] = [name for name, value in values.items() if not _is_safe(value)]
                self._say(key)
            safe[key] = {name: value for name, value in values.items() if name not in self._left_out[key]}
        return safe

    def _say(self, key: str) -> None:
        if names := ", ".join(self._left_out[key]):
            rank_zero_info(
                f"checkpoints leave out of {key}: {names}, which are more than tensors and plain values; "
                "the settings in them are whole"
            )


def _is_safe(value: Any) -> bool:
    """Return whether a value can be read back from a checkpoint without running code."""
    if type(value) in PLAIN:
        return True
    if isinstance(value, torch.nn.Module):
        return False
    file = io.BytesIO()
    try:
        torch.save(value, file)
        file.seek(0)
        torch.load(file, weights_only=True)
    except Exception:  # an object of a third party may refuse to be pickled in any way
        return False
    return True

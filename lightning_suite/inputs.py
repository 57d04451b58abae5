"""Inputs from memory: what a data module offers so that a run predicts texts, arrays or points without a file.

    class SpiralData(TakesInputs, LightningDataModule):
        def inputs(self, given, module):
            points = torch.as_tensor(given, dtype=torch.float32)
            return Inputs([[points.reshape(-1, 2)]], is_single=points.ndim == 1)

        def read_inputs(self, path, module):
            return read_points(path)

``Run.predict`` and ``Run.embed`` (``lightning_suite.trained``) give the batches to the module's ``predict_step`` and
``embed_step``, as ``suite predict`` does with those of ``predict_dataloader``.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple


class Inputs(NamedTuple):
    """Inputs, as a module takes them.

    Attributes:
        batches: what ``predict_dataloader`` would yield, in the order of the inputs.
        is_single: it was one input, not several: the answer is one row.
    """

    batches: Iterable[Any]
    is_single: bool = False


class TakesInputs(ABC):
    """A base of data modules whose plugin predicts from memory."""

    @abstractmethod
    def inputs(self, given: Any, module: Any) -> Inputs:
        """Return what the module's ``predict_step`` takes, of inputs in memory.

        Nothing has been read or set up when it is called; settings of the run are those of the data module.

        Args:
            given: one input or several, in the forms that the plugin's documentation names.
            module: the trained module.

        Raises:
            TypeError: they have none of these forms.
            ValueError: a value cannot be: the message names the input, counted from 0.
        """

    @abstractmethod
    def read_inputs(self, path: str | Path, module: Any) -> Any:
        """Return the inputs of a file that ``suite predict`` takes, in a form that ``inputs`` takes.

        ``suite check`` compares what comes of them with the predictions from the file.
        """

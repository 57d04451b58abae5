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
from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from typing import Any, NamedTuple

Texts = str | Iterable[str]
"""A text, or several: a list, a tuple, an array, a column of a table, a generator."""


def texts_of(texts: Texts, name: str = "predict") -> tuple[list[str], bool]:
    """Return texts as a list, and whether they were a single string.

    Args:
        texts: the texts.
        name: the function that was called, for the message.

    Raises:
        TypeError: it is neither a string nor an ordered collection of strings.

    Example:
        >>> texts_of("a good film"), texts_of(text for text in ("a film", "a book"))
        ((['a good film'], True), (['a film', 'a book'], False))
        >>> texts_of(["a film", None])
        Traceback (most recent call last):
        TypeError: predict: expected a string or several strings, but text 2 is None (NoneType)
    """
    if isinstance(texts, str):
        return [texts], True
    expected = f"{name}: expected a string or several strings"
    if isinstance(texts, bytes | bytearray | Mapping | Set) or not isinstance(texts, Iterable):
        unordered = ", which has no order" if isinstance(texts, Mapping | Set) else ""
        raise TypeError(f"{expected}, such as a list, got {type(texts).__name__}{unordered}")
    if hasattr(texts, "columns"):  # going through a table of pandas or polars would give the names of its columns
        raise TypeError(f"{expected}, got a whole table, {type(texts).__name__}: give one of its columns")
    listed = list(texts)
    for number, text in enumerate(listed, start=1):
        if not isinstance(text, str):
            raise TypeError(f"{expected}, but text {number} is {text!r:.60} ({type(text).__name__})")
    return listed, False


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

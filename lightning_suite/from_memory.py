"""Predicts inputs that are in memory: the steps that Lightning's Trainer takes, without a Trainer, a file or a word."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy
import torch
from numpy.typing import NDArray
from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.utilities.model_helpers import is_overridden

from lightning_suite.errors import UsageError
from lightning_suite.inputs import Inputs, TakesInputs
from lightning_suite.predictions import columns_of, plain

HOOKS = ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")
"""What happens to a batch before a step, in this order; those of the data module go before those of the module."""

Step = Literal["predict_step", "embed_step"]


def predicted(module: LightningModule, data: LightningDataModule, given: Any) -> dict[str, Any]:
    """Return the columns that ``predict_step`` gives, with one entry for each input; of a single input its values.

    Raises:
        UsageError: the plugin does not take inputs from memory.
        TypeError: the inputs are of another kind than the plugin takes.
    """
    inputs = inputs_of(module, data, given, "predict_step")
    parts = [columns_of(outputs) for outputs in _outputs(module, data, inputs, "predict_step")]
    columns = {name: _joined([part[name] for part in parts]) for name in (parts[0] if parts else ())}
    return {name: _first(values) for name, values in columns.items()} if inputs.is_single else columns


def embedded(module: LightningModule, data: LightningDataModule, given: Any) -> NDArray[numpy.float32]:
    """Return what ``embed_step`` gives, (input, embedding_dim); of a single input (embedding_dim,).

    Raises:
        UsageError: the plugin does not take inputs from memory, or has no embeddings.
        TypeError: the inputs are of another kind than the plugin takes.
    """
    inputs = inputs_of(module, data, given, "embed_step")
    parts = [vectors.float().cpu().numpy() for vectors in _outputs(module, data, inputs, "embed_step")]
    vectors: NDArray[numpy.float32] = numpy.concatenate(parts) if parts else numpy.empty((0, 0), dtype=numpy.float32)
    return vectors[0] if inputs.is_single else vectors


def inputs_of(module: LightningModule, data: LightningDataModule, given: Any, step: Step) -> Inputs:
    """Return inputs as a module takes them.

    Raises:
        UsageError: the plugin does not take inputs from memory, or the module has no such step.
        TypeError: the inputs are of another kind than the plugin takes.
    """
    if not callable(getattr(module, step, None)) or not (step != "predict_step" or is_overridden(step, module)):
        raise UsageError(f"{type(module).__name__} cannot do this: it defines no {step}")
    if not isinstance(data, TakesInputs):
        raise UsageError(
            f"inputs from memory: {type(data).__name__} takes none, for it is no lightning_suite.inputs.TakesInputs.\n"
            "suite predict RUN INPUT predicts a file"
        )
    return data.inputs(given, module)


def _outputs(module: LightningModule, data: LightningDataModule, inputs: Inputs, step: Step) -> Iterator[Any]:
    hooks = [getattr(data if is_overridden(hook, data) else module, hook) for hook in HOOKS]
    before, transfer, after = hooks
    was_training = module.training
    if was_training:
        module.eval()
    try:
        with torch.inference_mode():
            for number, batch in enumerate(inputs.batches):
                batch = after(transfer(before(batch, 0), module.device, 0), 0)
                yield getattr(module, step)(batch, number)
    finally:
        if was_training:
            module.train()


def _joined(parts: list[Any]) -> Any:
    """Return the values of all batches: an array where they are tensors, else a list."""
    if all(isinstance(part, torch.Tensor) for part in parts):
        whole = parts[0] if len(parts) == 1 else torch.cat(parts)
        return whole.cpu().numpy()
    return [value for part in parts for value in plain(part)]


def _first(values: Any) -> Any:
    return values[0].tolist() if isinstance(values, numpy.ndarray) else values[0]

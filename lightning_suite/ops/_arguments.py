"""Checks dtype, shape and device of an op's tensors, which can be checked without reading their values."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Expected(NamedTuple):
    """A tensor, and what it must be: its possible dtypes, its shape, and the names of its axes."""

    tensor: Tensor
    dtypes: Sequence[torch.dtype]
    shape: tuple[int, ...]
    axes: str


def check_dense(op: str, arguments: Mapping[str, Tensor]) -> None:
    """Raise TypeError for an argument that is no tensor, ValueError for one that is sparse, nested or the like."""
    for name, tensor in arguments.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{op}: {name} must be a tensor, got {type(tensor).__name__}")
        if tensor.layout != torch.strided or tensor.is_nested:
            kind = "nested" if tensor.is_nested else str(tensor.layout).removeprefix("torch.")
            raise ValueError(f"{op}: {name} must be a dense tensor, got a {kind} one: to_dense() makes it one")


def check(op: str, arguments: Mapping[str, Expected], device: torch.device) -> None:
    """Raise ValueError where an argument has another dtype, shape or device than it must."""
    for name, (tensor, dtypes, shape, axes) in arguments.items():
        if tensor.dtype not in dtypes or tuple(tensor.shape) != shape:
            kinds = " or ".join(str(dtype).removeprefix("torch.") for dtype in dtypes)
            kind = str(tensor.dtype).removeprefix("torch.")
            raise ValueError(
                f"{op}: {name} must be {kinds} of shape {axes}, here {shape}, got {kind} of shape {tuple(tensor.shape)}"
            )
        if tensor.device != device:
            raise ValueError(f"{op}: {name} must be on the device of x, {device}, got {tensor.device}")

"""Where the sequences of a packed batch lie: checks of offsets, lengths, and the sequence of each value.

`lightning_suite.ragged` says how such a batch is laid out, and has these functions too; they are apart so that ops can
use them.
"""

import torch
from torch import Tensor


def check(offsets: Tensor, values: int, name: str) -> None:
    """Check that offsets divide a number of values into sequences.

    Args:
        offsets: (sequence + 1,).
        values: the number of values.
        name: the name of the function, for the message.

    Raises:
        ValueError: dtype, shape, first value, order or last value is wrong.

    Example:
        >>> check(torch.tensor([0, 3, 2]), 2, "mean")
        Traceback (most recent call last):
        ValueError: mean: offsets must never fall, but offset 2 is 2 after 3
    """
    check_kind(offsets, offsets.device, name)
    if offsets.is_meta:  # there are no values
        return
    if int(offsets[0]) != 0:
        raise ValueError(f"{name}: offsets must begin with 0, got {int(offsets[0])}")
    falls = (offsets[1:] < offsets[:-1]).nonzero()
    if len(falls):
        at = int(falls[0])
        raise ValueError(
            f"{name}: offsets must never fall, but offset {at + 1} is {int(offsets[at + 1])} after {int(offsets[at])}"
        )
    if int(offsets[-1]) != values:
        raise ValueError(f"{name}: the last offset must be the number of values, {values}, got {int(offsets[-1])}")


def check_kind(offsets: Tensor, device: torch.device, name: str, axis: str = "sequence") -> None:
    """Check device, dtype and shape of offsets, but not their values, as is possible in a compiled graph.

    Args:
        offsets: (sequence + 1,).
        device: the device of the values.
        name: the name of the function, for the message.
        axis: the function's word for a sequence.

    Raises:
        ValueError: device, dtype or shape is wrong.

    Example:
        >>> check_kind(torch.tensor([0.0, 2.0]), torch.device("cpu"), "mean")
        Traceback (most recent call last):
        ValueError: mean: offsets must be int64 or int32 of shape (sequence + 1,), got float32 of shape (2,)
    """
    if offsets.device != device:
        raise ValueError(f"{name}: offsets must be on the device of x, {device}, got {offsets.device}")
    if offsets.dtype not in (torch.int64, torch.int32) or offsets.dim() != 1 or offsets.numel() == 0:
        kind = str(offsets.dtype).removeprefix("torch.")
        raise ValueError(
            f"{name}: offsets must be int64 or int32 of shape ({axis} + 1,), got {kind} of shape {tuple(offsets.shape)}"
        )


def lengths(offsets: Tensor) -> Tensor:
    """Return the lengths of the sequences: (sequence + 1,) -> (sequence,).

    Example:
        >>> lengths(torch.tensor([0, 2, 2, 5])).tolist()
        [2, 0, 3]
    """
    return offsets.diff()


def segments(offsets: Tensor, values: int) -> Tensor:
    """Return the sequence that each value belongs to: (value,), ascending.

    Example:
        >>> segments(torch.tensor([0, 2, 2, 5]), 5).tolist()
        [0, 0, 2, 2, 2]
    """
    if torch.compiler.is_exporting():  # ONNX has no repeat_interleave: a value has as many ends before it
        ends = offsets.new_zeros(values + 1).index_add(0, offsets[1:], torch.ones_like(offsets[1:]))
        return ends.cumsum(0)[:values]
    sequence = torch.arange(len(offsets) - 1, device=offsets.device)
    return sequence.repeat_interleave(lengths(offsets), output_size=values)

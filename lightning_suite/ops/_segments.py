"""What ops over the sequences of a packed batch share: checks, and the choice of the implementation.

Their compiled forms have a first derivative in kernels, and further ones in plain torch: their backward passes ask for
it, where torch will differentiate them again (``create_graph``).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lightning_suite import sequences
from lightning_suite.offsets import offsets_of
from lightning_suite.ops import _arguments, _compiled

DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


def check(op: str, arguments: Mapping[str, tuple[Tensor, str]], offsets: Tensor) -> Tensor:
    """Return offsets as int64, after checks of kind, axes and device; values are not read.

    Args:
        op: the name of the op, for the message.
        arguments: the tensors by name, each with its axes as ``(value, dim)``.
        offsets: (sequence + 1,).

    Raises:
        TypeError: an argument is no tensor.
        ValueError: one is not dense, has other axes or another dtype, or lies elsewhere than the first.
    """
    _arguments.check_dense(op, {name: tensor for name, (tensor, _) in arguments.items()} | {"offsets": offsets})
    (first, _), *_ = arguments.values()
    for name, (tensor, axes) in arguments.items():
        if tensor.dim() != axes.count(",") + 1 or tensor.dtype not in DTYPES:
            known = ", ".join(str(dtype).removeprefix("torch.") for dtype in DTYPES)
            kind = str(tensor.dtype).removeprefix("torch.")
            raise ValueError(
                f"{op}: {name} must be of shape {axes} and one of {known}, got {kind} of shape {tuple(tensor.shape)}"
            )
        if tensor.device != first.device:
            raise ValueError(f"{op}: {name} must be on the device of the values, {first.device}, got {tensor.device}")
    sequences.check_kind(offsets, first.device, op)
    return offsets.long()


def compute(
    op: str,
    form: _compiled.Form,
    tensors: Sequence[Tensor],
    offsets: Tensor,
    compiled: Callable[[], Any],
    plain: Callable[[], Tensor],
) -> Tensor:
    """Return what the compiled form gives, or plain torch where it does not serve or a graph is exported.

    Raises:
        ValueError: the offsets do not divide the values into sequences.
        NotImplementedError: a tensor has a tangent.
    """
    first = tensors[0]
    served = _compiled.serves(form, first.device)
    if not served or torch.compiler.is_exporting():
        if not served:
            _compiled.warn_of_fallback(form, first.device)
        if not torch.compiler.is_compiling() and not torch.compiler.is_exporting():
            sequences.check(offsets, first.shape[0], op)
        return plain()
    for tensor in tensors:
        _compiled.refuse_forward_mode(op, tensor)
    try:
        result: Tensor = compiled()
    except RuntimeError as error:
        _compiled.explain(op, error)
        sequences.check(offsets, first.shape[0], op)  # the same message with and without the compiled form
        raise
    return result


def wide(tensor: Tensor) -> Tensor:
    """Return a tensor in the precision that is computed in."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def example(device: torch.device, *shape: int) -> tuple[Tensor, Tensor]:
    """Return values (value, *shape) and offsets of a typical size, on which ``suite doctor`` compares both forms."""
    lengths = torch.arange(256) % 60
    values = torch.randn(int(lengths.sum()), *shape, generator=torch.Generator().manual_seed(0))
    return values.to(device), offsets_of(lengths).to(device)

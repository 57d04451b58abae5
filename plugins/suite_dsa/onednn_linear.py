"""x @ weight.T + bias with the fastest matrix product in torch for the processor.

On a processor with AVX-512, torch's own product (MKL) uses those instructions only if Intel made it: a 2.6 GHz AMD EPYC
ran 84 GFLOP/s a core, and 200 by oneDNN, which is part of torch too. So oneDNN's product is used there for float32;
everything else, other devices among it, is ``torch.nn.functional.linear``. Both give the same numbers up to rounding.
Under autocast (``--trainer.precision bf16-mixed``) it is torch's too, which runs bfloat16 by oneDNN whoever made the
processor.

oneDNN compiles a kernel for every new shape, which takes about as long as using it once, and keeps some 1,000 of them.
Batches have any number of words, so the number of rows is rounded up by at most an eighth, with zeros that are cut off
afterwards. Of a single sentence that would be most of the work: outside training a product of few rows is torch's.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def _onednn_is_quicker() -> bool:
    return (
        torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and torch.backends.cpu.get_cpu_capability() == "AVX512"
        # used by torch.compile; no public interface, so its absence is no error
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


ONEDNN = _onednn_is_quicker()
"""Whether oneDNN's product is used for float32 on the CPU."""


FEW = 32
"""Rows from which oneDNN's product of 64 is the quicker one."""


def round_up(rows: int) -> int:
    """Return the number of rows to compute a product for: one of few values, so that few kernels are compiled.

    Example:
        >>> round_up(64), round_up(1001)
        (64, 1024)
    """
    step = max(64, 1 << max(rows.bit_length() - 4, 0))
    return -(-rows // step) * step


def _is_for_onednn(x: Tensor) -> bool:
    if not ONEDNN or torch.compiler.is_exporting():  # an export's sizes vary: to compare one with a number would fix it
        return False
    return _is_plain(x) and len(x) > 0 and (len(x) >= FEW or torch.is_grad_enabled())


def _is_plain(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.float32


def padding_rows(x: Tensor) -> int:
    """Return how many rows of zeros `onednn_linear` would add to x; added once, they save each later product a copy."""
    return round_up(len(x)) - len(x) if _is_for_onednn(x) else 0


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    result: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return result


def _padded(x: Tensor) -> Tensor:
    padding = round_up(len(x)) - len(x)
    return functional.pad(x, (0, 0, 0, padding)) if padding else x.contiguous()


class _OneDNNLinear(torch.autograd.Function):
    """`onednn_linear` and its gradients: grad @ weight, grad.T @ x, and the sum of grad."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        rows, x = len(x), _padded(x)
        ctx.save_for_backward(x, weight)
        return _linear(x, weight, bias)[:rows]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        # All operands are contiguous or transposed: for other layouts oneDNN has only a plain loop.
        padded = _padded(grad)
        of_x = _linear(padded, weight.t())[: len(grad)] if ctx.needs_input_grad[0] else None
        of_weight = _linear(padded.t(), x.t()) if ctx.needs_input_grad[1] else None
        of_bias = grad.sum(0) if ctx.needs_input_grad[2] else None
        return of_x, of_weight, of_bias


def onednn_linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x @ weight.T + bias: (row, input_dim), (output_dim, input_dim), (output_dim,) -> (row, output_dim).

    Example:
        >>> onednn_linear(torch.ones(3, 2), torch.ones(4, 2)).shape
        torch.Size([3, 4])
    """
    if not (_is_for_onednn(x) and _is_plain(weight)):
        return functional.linear(x, weight, bias)
    if torch.is_autocast_enabled("cpu"):  # the rounding of rows pays there too: its kernels are compiled by shape
        return functional.linear(_padded(x), weight, bias)[: len(x)]
    result: Tensor = _OneDNNLinear.apply(x, weight.contiguous(), bias)  # type: ignore[no-untyped-call]
    return result


class Linear(nn.Linear):
    """`torch.nn.Linear` for a matrix of many rows, by `onednn_linear`."""

    def forward(self, x: Tensor) -> Tensor:
        return onednn_linear(x, self.weight, self.bias)

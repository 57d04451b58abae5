"""Attends within each sequence of a packed batch: softmax(scale Q K') V, without padding.

Vaswani et al. (2017), arXiv:1706.03762, Eq. 1, for sequences that lie end to end (`lightning_suite.ragged`): what
flash-attention calls variable length, on a CPU too. The cost is that of the pairs within sequences; no mask is made.

docs/derivations/ragged_attention.md derives the backward pass and says what is saved for it.
"""

from typing import Any

import torch
from torch import Tensor

from lightning_suite import ragged
from lightning_suite.ops import _arguments, _compiled
from lightning_suite.ops._arguments import Expected

COMPILED = _compiled.find("ragged_attention")
DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
MOST_DIMS = 256
"""The widest rows that the kernel for CUDA takes; wider ones are computed in plain torch there."""


def ragged_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    offsets: Tensor,
    *,
    query_offsets: Tensor | None = None,
    scale: float | None = None,
    causal: bool = False,
) -> Tensor:
    """Return softmax(scale Q K') V of each sequence, head by head (arXiv:1706.03762, Eq. 1).

    Half precision is computed in float32. The compiled form has a first derivative, in backward mode.

    Args:
        query: (query, head, dim) of all sequences, end to end; float32, float64, bfloat16 or float16.
        key: (value, head, dim).
        value: (value, head, value_dim).
        offsets: (sequence + 1,) int64 or int32, where the keys and values of each sequence begin; its last is their
            number.
        query_offsets: (sequence + 1,), where its queries begin; None if they begin where its values do.
        scale: of the products; None for dim ** -0.5.
        causal: query i of n sees the keys up to i + (keys - n), so that the last one sees all.

    Returns:
        (query, head, value_dim) of the query's dtype; 0 for a query that sees no key.

    Raises:
        ValueError: a shape, a dtype or a device is not as above, or offsets do not divide what they should into
            sequences. Offsets are checked while the kernel runs: in a compiled graph (torch.compile) wrong ones are a
            RuntimeError, and on a GPU they stop the kernel.

    Example:
        >>> words = torch.randn(5, 2, 8)  # two sentences, of three words and of two
        >>> ragged_attention(words, words, words, torch.tensor([0, 3, 5]), causal=True).shape
        torch.Size([5, 2, 8])
    """
    query_offsets = offsets if query_offsets is None else query_offsets
    _check(query, key, value, query_offsets, offsets)
    query_offsets, offsets = query_offsets.long(), offsets.long()
    scale = max(query.shape[2], 1) ** -0.5 if scale is None else scale
    too_wide = query.device.type == "cuda" and max(query.shape[2], value.shape[2]) > MOST_DIMS
    if too_wide or not _compiled.serves(COMPILED, query.device):
        if not too_wide:
            _compiled.warn_of_fallback(COMPILED, query.device)
        _check_offsets(query, value, query_offsets, offsets)
        return reference(query, key, value, offsets, query_offsets=query_offsets, scale=scale, causal=causal)
    for tensor in (query, key, value):
        _compiled.refuse_forward_mode("ragged_attention", tensor)
    wide = torch.promote_types(query.dtype, torch.float32)
    inputs = query.to(wide), key.to(wide), value.to(wide), query_offsets, offsets
    try:
        out: Tensor = torch.ops.lightning_suite.ragged_attention(*inputs, scale, causal)[0]
    except RuntimeError as error:
        _compiled.explain("ragged_attention", error)
        _check_offsets(query, value, query_offsets, offsets)  # the same message with and without the compiled form
        raise
    return out.to(query.dtype)


def reference(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    offsets: Tensor,
    *,
    query_offsets: Tensor | None = None,
    scale: float | None = None,
    causal: bool = False,
) -> Tensor:
    """Return the attention computed in plain torch, one sequence after another; arguments are not checked."""
    scale = max(query.shape[2], 1) ** -0.5 if scale is None else scale
    wide = torch.promote_types(query.dtype, torch.float32)
    queries = ragged.split(query.to(wide), offsets if query_offsets is None else query_offsets)
    others = (ragged.split(each.to(wide), offsets) for each in (key, value))
    results = []
    for each in zip(queries, *others, strict=True):
        q, k, v = (rows.transpose(0, 1) for rows in each)  # head row dim
        scores = scale * q @ k.mT  # head query value
        if causal:
            unseen = scores.new_ones(scores.shape[1:]).triu(1 + scores.shape[2] - scores.shape[1]) > 0
            scores = scores.masked_fill(unseen, torch.finfo(wide).min)
            weights = scores.softmax(-1).masked_fill(unseen, 0)
        else:
            weights = scores.softmax(-1)
        results.append((weights @ v).transpose(0, 1))
    if not results:
        return (query.sum() + key.sum() + value.sum()) * value.new_zeros(0, *value.shape[1:])
    return torch.cat(results).to(query.dtype)


def example(device: torch.device) -> tuple[Tensor, ...]:
    """Return arguments of a typical size, on which ``suite doctor`` compares both forms."""
    lengths = torch.arange(128) % 29 + 1
    shape = 3, int(lengths.sum()), 4, 32
    query, key, value = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(device)
    return query, key, value, ragged.offsets_of(lengths).to(device)


def _check(query: Tensor, key: Tensor, value: Tensor, query_offsets: Tensor, offsets: Tensor) -> None:
    """Raise TypeError for what is no tensor, ValueError for a wrong shape, dtype or device; values are not read."""
    given = {"query": query, "key": key, "value": value, "query_offsets": query_offsets, "offsets": offsets}
    _arguments.check_dense("ragged_attention", given)
    for name, tensor in {"query": query, "key": key, "value": value}.items():
        if tensor.dim() != 3:
            raise ValueError(f"ragged_attention: {name} must have three axes, got the shape {tuple(tensor.shape)}")
    (queries, heads, dim), (values, _, _), (*_, value_dim) = query.shape, key.shape, value.shape
    expected = {
        "query": Expected(query, DTYPES, (queries, heads, dim), "(query, head, dim)"),
        "key": Expected(key, (query.dtype,), (values, heads, dim), "(value, head, dim)"),
        "value": Expected(value, (query.dtype,), (values, heads, value_dim), "(value, head, value_dim)"),
    }
    _arguments.check("ragged_attention", expected, query.device)
    ragged.check_kind(offsets, query.device, "ragged_attention")
    ragged.check_kind(query_offsets, query.device, "ragged_attention")
    if query_offsets.shape != offsets.shape:
        raise ValueError(
            f"ragged_attention: query_offsets must have the shape of offsets, {tuple(offsets.shape)}, "
            f"got {tuple(query_offsets.shape)}"
        )


def _check_offsets(query: Tensor, value: Tensor, query_offsets: Tensor, offsets: Tensor) -> None:
    ragged.check(query_offsets, query.shape[0], "ragged_attention")
    ragged.check(offsets, value.shape[0], "ragged_attention")


# What torch must know of the compiled form: the shapes of its outputs, and its derivative.


def _fake_forward(query: Tensor, key: Tensor, value: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    queries, heads, _ = query.shape
    return query.new_empty(queries, heads, value.shape[2]), query.new_empty(queries, heads)


def _fake_backward(
    grad_out: Tensor, query: Tensor, key: Tensor, value: Tensor, *rest: Any
) -> tuple[Tensor, Tensor, Tensor]:
    query, key, value = (torch.empty_like(x, memory_format=torch.contiguous_format) for x in (query, key, value))
    return query, key, value


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    *tensors, ctx.scale, ctx.causal = inputs
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(*tensors, *output)


def _backward(ctx: Any, grad_out: Tensor | None, grad_norms: Tensor | None) -> tuple[Tensor | None, ...]:
    if grad_norms is not None:
        raise NotImplementedError("ragged_attention: what is kept for the backward pass has no derivative")
    grads: tuple[Tensor | None, ...] = (None, None, None)
    if grad_out is not None:
        saved = ctx.saved_tensors
        grads = torch.ops.lightning_suite.ragged_attention_backward(grad_out, *saved, ctx.scale, ctx.causal)
    return *grads, None, None, None, None


_compiled.register(
    COMPILED,
    "ragged_attention",
    fake_forward=_fake_forward,
    fake_backward=_fake_backward,
    save=_save,
    backward=_backward,
)

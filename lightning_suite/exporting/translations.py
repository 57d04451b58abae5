"""What the compiled ops are in standard operators of ONNX, for ``torch.onnx.export(custom_translation_table=...)``.

The trees are embedded in a loop over their heights: in each turn all nodes are computed from their children, and those
whose children were right become right, until no height changes any more. Only standard operators of opset 18 are used.
This module imports onnxscript, which reads the loops below from their source.
"""

from collections.abc import Callable
from typing import Any

import onnx_ir
import torch
from onnxscript import opset18 as op
from onnxscript import script
from onnxscript.onnx_types import FLOAT, INT64
from onnxscript.values import Opset

OPSET = 18
OWN = Opset("lightning_suite", 1)

Translations = dict[Callable[..., Any], Callable[..., Any]]


def translations() -> Translations:
    """Return the translation of each op that is compiled."""
    ours = torch.ops.lightning_suite
    functions = (dsa_routing, tree_embedding, gated_tree_embedding)
    return {getattr(ours, each.__name__).default: each for each in functions if hasattr(ours, each.__name__)}


def dsa_routing(x: Any, offsets: Any, iterations: int, negative_slope: float = 1.0) -> tuple[Any, Any, Any]:
    """Algorithm 1 of arXiv:1808.07383; what only the backward pass needs is left out."""
    x = op.LeakyRelu(x, alpha=negative_slope)
    one, axis_0, axis_2 = (op.Constant(value_ints=[number]) for number in (1, 0, 2))
    begins = op.Slice(offsets, axis_0, op.Constant(value_ints=[-1]))
    ends = op.Slice(offsets, one, op.Constant(value_ints=[2**63 - 1]))
    words, sentences = op.Shape(x, start=0, end=1), op.Shape(ends)
    # A word is of the sentence whose number is that of the ends before it.
    zeros = op.ConstantOfShape(op.Add(words, one), value=onnx_ir.tensor([0]))
    marks = op.ScatterElements(zeros, ends, op.Expand(one, sentences), axis=0, reduction="add")
    segment = op.Slice(op.CumSum(marks, op.Constant(value_int=0)), axis_0, words)
    rows = op.Unsqueeze(segment, one)
    no_sum = op.ConstantOfShape(op.Concat(sentences, op.Shape(x, start=1, end=3), axis=0))
    no_share = op.ConstantOfShape(op.Concat(sentences, op.Shape(x, start=1, end=2), axis=0))
    lengths = op.Max(op.Cast(op.Sub(ends, begins), to=1), op.Constant(value_float=1.0))
    total = op.ScatterND(no_sum, rows, x, reduction="add")
    z = op.Tanh(op.Div(total, op.Unsqueeze(lengths, op.Constant(value_ints=[1, 2]))))
    scores: Any = None
    for _ in range(iterations - 1):
        agreement = op.ReduceSum(op.Mul(x, op.Gather(z, segment)), axis_2, keepdims=0)
        scores = agreement if scores is None else op.Add(scores, agreement)
        lowest = op.Sub(no_share, op.Constant(value_float=3.0e38))
        top = op.ScatterND(lowest, rows, scores, reduction="max")
        share = op.Exp(op.Sub(scores, op.Gather(top, segment)))
        weights = op.Div(share, op.Gather(op.ScatterND(no_share, rows, share, reduction="add"), segment))
        z = op.Tanh(op.ScatterND(no_sum, rows, op.Mul(op.Unsqueeze(weights, axis_2), x), reduction="add"))
    unused = op.Unsqueeze(z, axis_0)
    return z, unused, unused


@script(OWN, default_opset=op)
def tree_embedding(x: FLOAT, children: INT64, offsets: INT64, w_u: FLOAT, b_u: FLOAT, w_h: FLOAT, b_h: FLOAT) -> FLOAT:
    u = op.Relu(op.Add(op.MatMul(x, op.Transpose(w_u)), b_u))
    zero = op.Constant(value_int=0)
    axis = op.Constant(value_ints=[1])
    left = op.Gather(children, zero, axis=1)
    right = op.Gather(children, op.Constant(value_int=1), axis=1)
    is_inner = op.GreaterOrEqual(left, zero)
    mask = op.Unsqueeze(is_inner, axis)
    left = op.Max(left, zero)
    right = op.Max(right, zero)
    inner = op.Transpose(w_h)
    height = op.Mul(left, zero)
    h = u
    goes_on = op.Cast(op.Constant(value_int=1), to=9)
    while goes_on:
        both = op.Concat(op.Gather(h, left), op.Gather(h, right), u, axis=1)
        new = op.Where(mask, op.Relu(op.Add(op.MatMul(both, inner), b_h)), u)
        above = op.Add(op.Max(op.Gather(height, left), op.Gather(height, right)), op.Constant(value_int=1))
        taller = op.Where(is_inner, above, zero)
        changed = op.ReduceSum(op.Cast(op.Not(op.Equal(taller, height)), to=7), keepdims=0)
        goes_on = op.Greater(changed, zero)
        height = op.Identity(taller)
        h = op.Identity(new)
    return h


@script(OWN, default_opset=op)
def gated_tree_embedding(
    u: FLOAT,
    children: INT64,
    offsets: INT64,
    w_r: FLOAT,
    b_r: FLOAT,
    w_h: FLOAT,
    b_h: FLOAT,
    w_z: FLOAT,
    b_z: FLOAT,
) -> FLOAT:
    zero = op.Constant(value_int=0)
    axis = op.Constant(value_ints=[1])
    left = op.Gather(children, zero, axis=1)
    right = op.Gather(children, op.Constant(value_int=1), axis=1)
    is_inner = op.GreaterOrEqual(left, zero)
    mask = op.Unsqueeze(is_inner, axis)
    left = op.Max(left, zero)
    right = op.Max(right, zero)
    reset = op.Transpose(w_r)
    inner = op.Transpose(w_h)
    choice = op.Transpose(w_z)
    blocks = op.Concat(op.Constant(value_ints=[-1, 4]), op.Shape(b_h), axis=0)
    height = op.Mul(left, zero)
    h = u
    goes_on = op.Cast(op.Constant(value_int=1), to=9)
    while goes_on:
        a = op.Concat(op.Gather(h, left), op.Gather(h, right), u, axis=1)
        kept = op.Mul(op.Sigmoid(op.Add(op.MatMul(a, reset), b_r)), a)
        candidate = op.Relu(op.Add(op.MatMul(kept, inner), b_h))
        four = op.Concat(candidate, a, axis=1)
        shares = op.Softmax(op.Reshape(op.Add(op.MatMul(four, choice), b_z), blocks), axis=1)
        mixed = op.ReduceSum(op.Mul(shares, op.Reshape(four, blocks)), axis, keepdims=0)
        new = op.Where(mask, mixed, u)
        above = op.Add(op.Max(op.Gather(height, left), op.Gather(height, right)), op.Constant(value_int=1))
        taller = op.Where(is_inner, above, zero)
        changed = op.ReduceSum(op.Cast(op.Not(op.Equal(taller, height)), to=7), keepdims=0)
        goes_on = op.Greater(changed, zero)
        height = op.Identity(taller)
        h = op.Identity(new)
    return op.SequenceConstruct(h)

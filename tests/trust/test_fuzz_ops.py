"""Fuzz: an op refuses wrong arguments in words, and where it answers, it is the answer of the reference.

Called through its public function, and as torch knows the compiled form, which nothing of ours in Python protects.
"""

import random
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import pytest
import torch
from torch import Tensor

from lightning_suite.errors import SuiteError
from tests.trust.batches import LINES, chance_of, findings

REFUSALS = (ValueError, TypeError, RuntimeError, NotImplementedError, SuiteError)
DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
OTHER_DTYPES = (*DTYPES, torch.int64, torch.int32, torch.bool, torch.complex64, torch.uint8, torch.float8_e4m3fn)
WEIGHTS = {
    "tree_embedding": ((1, 3), (1,)),
    "gated_tree_embedding": ((3, 3), (3,), (1, 3), (1,), (4, 4), (4,)),
}
"""The shapes of the weights of a node's cell, in multiples of hidden."""

SEGMENTS = ("segment_sum", "segment_max", "segment_softmax", "weighted_sum")

OPS = ("dsa_routing", *WEIGHTS, *SEGMENTS)


def arguments_of(op: str, chance: random.Random) -> list[Any]:
    """Return right arguments of an op, in their order."""
    dtype = chance.choice(DTYPES)
    counts = [chance.randrange(5) for _ in range(chance.randrange(4))]

    def numbers(*shape: int) -> Tensor:
        return torch.tensor([chance.gauss(0, 0.5) for _ in range(torch.Size(shape).numel())]).reshape(shape).to(dtype)

    offsets = torch.tensor([sum(counts[:i]) for i in range(len(counts) + 1)])
    if op in SEGMENTS:
        heads, dim = chance.randint(0, 3), chance.randint(0, 9)
        if op == "weighted_sum":
            return [numbers(sum(counts), heads, dim), numbers(sum(counts), heads), offsets]
        return [numbers(sum(counts), dim), offsets]
    if op == "dsa_routing":
        return [numbers(sum(counts), chance.randint(1, 3), chance.randint(1, 9)), offsets, chance.randint(1, 4)]
    rows: list[list[int]] = []
    ends = [0]
    for leaves in counts:
        roots = list(range(len(rows), len(rows) + leaves))
        rows += [[-1, -1]] * leaves
        while len(roots) > 1:
            rows.append([roots.pop(chance.randrange(len(roots))), roots.pop(chance.randrange(len(roots)))])
            roots.append(len(rows) - 1)
        ends.append(len(rows))
    features, hidden = chance.randint(0, 4), chance.randint(1, 6)
    weights = [numbers(*(multiple * hidden for multiple in shape)) for shape in WEIGHTS[op]]
    children = torch.tensor(rows, dtype=torch.int64).reshape(-1, 2)
    return [
        numbers(len(rows), features),
        children,
        torch.tensor(ends),
        numbers(hidden, features),
        numbers(hidden),
        *weights,
    ]


def raw_arguments(op: str, arguments: Sequence[Any], chance: random.Random) -> tuple[str, list[Any]]:
    """Return the name of a form that torch knows, forward or backward, and arguments that fit it."""
    wide = [
        tensor.to(torch.promote_types(tensor.dtype, torch.float32)) if _floats(tensor) else tensor
        for tensor in arguments
    ]
    backward = chance.random() < 0.5
    if op == "dsa_routing":
        x, offsets, iterations = arguments
        z, weights, vectors = (torch.zeros_like(out) for out in torch.ops.lightning_suite.dsa_routing(*arguments))
        grads = [None if chance.random() < 0.2 else torch.ones_like(out) for out in (z, weights, vectors)]
        return (
            (f"{op}_backward", [*grads, x, offsets, z, weights, vectors])
            if backward
            else (op, [x, offsets, iterations])
        )
    if op in SEGMENTS:
        *tensors, offsets = arguments
        places = (chance.random() < 0.5,) if op == "segment_max" else ()
        if not backward:
            return op, [*tensors, offsets, *places]
        out = torch.zeros(len(offsets) - 1, *tensors[0].shape[1:], dtype=tensors[0].dtype)
        if op == "segment_softmax":
            return f"{op}_backward", [*tensors, *tensors, offsets]
        if op == "weighted_sum":
            return f"{op}_backward", [out, *tensors, offsets]
        between = [out.int()] if op == "segment_max" else []
        return f"{op}_backward", [out, *between, offsets, len(tensors[0])]
    x, children, offsets, w_u, b_u, *weights = wide
    if op == "tree_embedding":
        h = torch.zeros(len(x), len(b_u), dtype=x.dtype)
        both = [x, children, offsets, w_u, b_u]
        return (f"{op}_backward", [h, *both, weights[0], h, True]) if backward else (op, [*both, *weights])
    u = torch.zeros(len(x), len(b_u), dtype=x.dtype)
    kept = torch.zeros(len(x), 8 * len(b_u), dtype=x.dtype)
    if backward:
        return f"{op}_backward", [u, u, children, offsets, *weights[::2], u, kept]
    return op, [u, children, offsets, *weights, chance.random() < 0.5]


def distorted(argument: Any, chance: random.Random) -> Any:
    """Return another argument in place of a right one: of another kind, shape, dtype, layout, or with other values."""
    if not isinstance(argument, Tensor):
        return chance.choice([0, -1, 1, -(2**63), 1.5, float("nan"), None, "2", True, [1]])
    try:
        return chance.choice(DISTORTIONS)(argument, chance)
    except (RuntimeError, TypeError, IndexError):  # a tensor distorted twice: torch has no such form of it
        return argument


def _floats(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _shape(tensor: Tensor, chance: random.Random) -> Tensor:
    shape = list(tensor.shape)
    axis = chance.randrange(len(shape) + 1)
    change = chance.choice(("insert", "drop", "size", "flat"))
    if change == "insert" or not shape:
        shape.insert(axis, chance.choice((0, 1, 2)))
    elif change == "drop":
        shape.pop(axis % len(shape))
    elif change == "flat":
        shape = [tensor.numel()]
    else:
        shape[axis % len(shape)] = chance.choice((0, 1, shape[axis % len(shape)] + 1, 100))
    return torch.ones(shape, dtype=tensor.dtype)


def _layout(tensor: Tensor, chance: random.Random) -> Any:
    kinds: list[Callable[[], Any]] = [
        lambda: tensor.t().contiguous().t() if tensor.dim() == 2 else tensor.flip(0),
        lambda: torch.cat([tensor, tensor]).unfold(0, 1, 2).squeeze(-1) if tensor.dim() and len(tensor) else tensor,
        lambda: tensor[..., :1].expand(tensor.shape) if tensor.dim() and tensor.shape[-1] else tensor,
        lambda: tensor.to("meta"),
        lambda: tensor.to_sparse(),
        lambda: torch._neg_view(tensor),
        lambda: torch.nested.as_nested_tensor([tensor, tensor]),
        lambda: tensor.clone().requires_grad_(_floats(tensor)),
        lambda: torch.nn.Parameter(tensor, requires_grad=_floats(tensor)),
        lambda: tensor.tolist(),
        lambda: tensor.numpy(),
        lambda: tensor.to_mkldnn(),
        lambda: None,
        lambda: 3,
    ]
    try:
        return chance.choice(kinds)()
    except (RuntimeError, TypeError, NotImplementedError):  # torch has no such form of this tensor
        return tensor


def _values(tensor: Tensor, chance: random.Random) -> Tensor:
    changed = tensor.clone()
    if not changed.numel():
        return changed
    wild: Sequence[float] = (float("nan"), float("inf"), -float("inf"), 1e30, -1e30, 0.0, 1e-40)
    if not changed.is_floating_point():
        wild = (-1, -2, 0, 1, changed.numel(), 2**31, 2**62, -(2**63), 2**63 - 1, 100)
    for _ in range(chance.choice((1, 1, 3))):
        changed.view(-1)[chance.randrange(changed.numel())] = chance.choice(wild)
    return changed


DISTORTIONS: tuple[Callable[[Tensor, random.Random], Any], ...] = (
    _shape,
    _layout,
    _values,
    _values,
    lambda tensor, chance: tensor.to(chance.choice(OTHER_DTYPES)),
)


def outcome(call: Callable[[], Any]) -> Any:
    """Return the answer of a call, or the exception with which it refuses; others pass through."""
    try:
        return call()
    except REFUSALS as error:
        return error


def fault_of_refusal(error: Exception) -> str | None:
    lines = str(error).strip().count("\n") + 1
    return f"{type(error).__name__} of {lines} lines: {str(error)[:300]}" if lines > LINES or not str(error) else None


@pytest.mark.parametrize("op", OPS)
def test_wrong_arguments_have_the_answer_of_the_reference_or_are_refused(
    trust: Any, op: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module(f"lightning_suite.ops.{op}")
    function = getattr(module, op)
    without = module.COMPILED._replace(devices=frozenset())

    def try_one(number: int) -> str | None:
        chance = chance_of(trust.seed, op, number)
        arguments = arguments_of(op, chance)
        for _ in range(chance.choice((1, 1, 2))):
            at = chance.randrange(len(arguments))
            arguments[at] = distorted(arguments[at], chance)
        compiled = outcome(lambda: function(*arguments))
        with monkeypatch.context() as patch:
            patch.setattr(module, "COMPILED", without)
            expected = outcome(lambda: function(*arguments))
        if isinstance(compiled, Exception) or isinstance(expected, Exception):
            if not (isinstance(compiled, Exception) and isinstance(expected, Exception)):
                return f"compiled: {compiled!r:.200}, reference: {expected!r:.200}, of {arguments!r:.500}"
            return fault_of_refusal(compiled)
        rough = {torch.float64: 1e-10, torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 1e-1}[compiled.dtype]
        numbers = [value.double().abs() for value in arguments if _floats(value) and value.numel()]
        # Numbers as large as 1e30 may cancel, and what is left is the rounding of one order of summation.
        largest = max([1.0, *(value.nan_to_num(0, 0, 0).max().item() for value in numbers)])
        if torch.allclose(compiled.double(), expected.double(), rtol=rough, atol=rough * largest, equal_nan=True):
            return None
        return f"compiled: {compiled}, reference: {expected}, of {arguments!r:.600}"

    _try_all(trust, f"{op}: wrong arguments", try_one)


@pytest.mark.parametrize("op", OPS)
def test_the_compiled_form_itself_survives_any_arguments(trust: Any, op: str) -> None:
    if not import_module(f"lightning_suite.ops.{op}").COMPILED.devices:
        pytest.skip("there is no compiled form here")

    def try_one(number: int) -> str | None:
        chance = chance_of(trust.seed, f"{op}, compiled", number)
        name, arguments = raw_arguments(op, arguments_of(op, chance), chance)
        for _ in range(chance.choice((1, 1, 2))):
            at = chance.randrange(len(arguments))
            arguments[at] = distorted(arguments[at], chance)
        answer = outcome(lambda: getattr(torch.ops.lightning_suite, name)(*arguments))
        if not isinstance(answer, Exception):
            for tensor in answer if isinstance(answer, tuple | list) else [answer]:
                str(tensor)
        return None

    _try_all(trust, f"{op}: wrong arguments of the compiled form", try_one)


def _try_all(trust: Any, what: str, try_one: Callable[[int], str | None]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        count = trust.size(small=300, full=10_000)
        found = findings(try_one, count)
    failures = [f"input {number}: {what}" for number, what in found]
    trust.outcome("Fuzz", what, trials=count, held=count - len(found), failures=failures)

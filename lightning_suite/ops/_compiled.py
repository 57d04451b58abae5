"""The compiled forms of the ops: which devices they serve, why one is missing, and how torch learns of them.

``lightning_suite._C`` is one extension with all of ``csrc/``; importing it registers the ops with torch. Where it is
missing or does not fit, the references in plain torch are used instead, with one warning.
"""

import functools
import importlib
import os
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch.autograd import forward_ad

from lightning_suite.compiled_loops import REQUIRE
from lightning_suite.errors import OpsError

REPAIR = (
    "compile them, on a machine with a C++ compiler: pip install --no-deps --force-reinstall FOLDER (that of "
    "lightning-suite's source); with --verbose it shows the compiler's messages"
)


class Form(NamedTuple):
    """The compiled form of one op.

    Attributes:
        devices: the kinds of devices that it serves; none where it is missing.
        description: one line: what it was compiled for, or why the reference is used.
        repair: how to compile it; empty where it is there.
    """

    devices: frozenset[str]
    description: str
    repair: str = ""


def find(op: str) -> Form:
    """Return the compiled form of an op; where it is missing, a process warns once.

    Raises:
        OpsError: it is missing, and LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    extension, why_not = _extension()
    if extension is not None and not hasattr(torch.ops.lightning_suite, op):
        why_not = "lightning_suite._C is older than the source"
        _warn(why_not)
    if why_not or extension is None:
        return Form(frozenset(), f"reference: {why_not}", REPAIR)
    devices = frozenset({"cpu", "cuda"} if extension.CUDA else {"cpu"})
    where = "CPU and CUDA" if extension.CUDA else "CPU alone"
    return Form(devices, f"compiled for {where} with torch {extension.TORCH}, using {extension.instruction_set()}")


def serves(form: Form, device: torch.device) -> bool:
    """Return whether the compiled form serves a device; if any, then also ``meta``, where there are shapes alone."""
    return device.type in form.devices or (bool(form.devices) and device.type == "meta")


def takes(form: Form, op: str, argument: str) -> bool:
    """Return whether the compiled form of an op has an argument; one compiled before the argument was there has not."""
    if not form.devices:
        return False
    return argument in {each.name for each in getattr(torch.ops.lightning_suite, op).default._schema.arguments}


def explain(op: str, error: RuntimeError) -> None:
    """Raise NotImplementedError where a compiled form failed only because torch.func asked for its derivative."""
    if "functorch transforms" in str(error):
        raise NotImplementedError(
            f"{op}: torch.func cannot take derivatives of the compiled form; use torch.autograd, or give torch.func "
            f"lightning_suite.ops.{op}'s reference, which is plain torch"
        ) from error


def warn_of_fallback(form: Form, device: torch.device) -> None:
    """Warn, once in a process, that an op which is compiled for other devices runs as plain torch on this one.

    Raises:
        OpsError: LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    if form.devices and not torch.compiler.is_compiling():
        _warn(f"lightning_suite._C was compiled for {' and '.join(sorted(form.devices))}, not for {device.type}")


def refuse_forward_mode(op: str, x: torch.Tensor) -> None:
    """Raise NotImplementedError for a tensor with a tangent (torch.func.jvp).

    Otherwise torch would take the derivative of the op to be zero.
    """
    if torch.compiler.is_compiling():
        return
    if forward_ad.unpack_dual(x).tangent is not None:  # type: ignore[no-untyped-call]
        raise NotImplementedError(f"{op}: forward-mode derivatives are not implemented; take backward-mode ones")


def register(
    form: Form,
    op: str,
    *,
    fake_forward: Callable[..., Any],
    fake_backward: Callable[..., Any],
    save: Callable[..., None],
    backward: Callable[..., Any],
) -> None:
    """Register with torch the shapes and the derivative of an op and of its backward pass, ``<op>_backward``.

    Args:
        form: the compiled form; where it is missing, nothing is registered.
        op: the name of the op.
        fake_forward: returns the results of the op, without values.
        fake_backward: returns the results of its backward pass, without values.
        save: saves what the backward pass needs, ``setup_context`` of torch.library.register_autograd.
        backward: the backward pass.
    """
    if not form.devices:
        return

    def no_second_derivative(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError(f"{op}: second derivatives are not implemented")

    name = f"lightning_suite::{op}"
    torch.library.register_fake(name, fake_forward)
    torch.library.register_fake(f"{name}_backward", fake_backward)
    torch.library.register_autograd(name, backward, setup_context=save)
    torch.library.register_autograd(f"{name}_backward", no_second_derivative)


@functools.cache
def _extension() -> tuple[ModuleType | None, str]:
    """Return the extension, or why it is missing."""
    try:
        return importlib.import_module("lightning_suite._C"), ""
    except ModuleNotFoundError:
        why_not = "lightning_suite._C was not compiled"
    except ImportError as error:
        why_not = f"lightning_suite._C does not fit torch {torch.__version__}: {' '.join(str(error).split())}"
    _warn(why_not)
    return None, why_not


@functools.cache
def _warn(why_not: str) -> None:
    message = f"ops run as plain torch, which is slower: {why_not}. To repair it, {REPAIR}."
    if os.environ.get(REQUIRE) == "1":
        raise OpsError(f"{REQUIRE} is 1, but {message}")
    warnings.warn(message, RuntimeWarning, stacklevel=4)

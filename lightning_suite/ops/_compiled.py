"""The compiled forms of the ops: where they serve, and why not elsewhere.

``lightning_suite._C`` is one extension with all of ``csrc/``; importing it makes each op known to torch. Where it is
missing or does not fit, the plain-torch references serve in its place, and one warning says so.
"""

import functools
import importlib
import os
import warnings
from types import ModuleType
from typing import NamedTuple

import torch
from torch.autograd import forward_ad

from lightning_suite.errors import OpsError

REQUIRE = "LIGHTNING_SUITE_REQUIRE_OPS"
"""Set to 1, a compiled form that is missing is an error."""

REPAIR = (
    "compile them, where a C++ compiler is: pip install --no-deps --force-reinstall FOLDER (that of lightning-suite's "
    "source); with --verbose it shows what the compiler says"
)


class Form(NamedTuple):
    """The compiled form of one op.

    Attributes:
        devices: the kinds of devices that it serves; none where there is no such form.
        description: which implementation runs, in one line: what it was compiled for, or why the reference serves.
        repair: what to do about there being no such form; empty where there is one.
    """

    devices: frozenset[str]
    description: str
    repair: str = ""


def find(op: str) -> Form:
    """The compiled form of an op; one warning in a process where there is none.

    Raises:
        OpsError: there is none, and LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    extension, why_not = _extension()
    if extension is not None and not hasattr(torch.ops.lightning_suite, op):
        why_not = "lightning_suite._C is older than the source"
        _miss(why_not)
    if why_not or extension is None:
        return Form(frozenset(), f"reference: {why_not}", REPAIR)
    devices = frozenset({"cpu", "cuda"} if extension.CUDA else {"cpu"})
    where = "CPU and CUDA" if extension.CUDA else "CPU alone"
    return Form(devices, f"compiled for {where} with torch {extension.TORCH}, using {extension.instruction_set()}")


def tell_of_fallback(form: Form, device: torch.device) -> None:
    """Says, once in a process, that an op which is compiled for other devices runs as plain torch on this one.

    Raises:
        OpsError: LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    if form.devices and not torch.compiler.is_compiling():
        _miss(f"lightning_suite._C was compiled for {' and '.join(sorted(form.devices))}, not for {device.type}")


def refuse_forward_mode(op: str, x: torch.Tensor) -> None:
    """Refuses a tensor with a tangent (torch.func.jvp): torch would take the derivative of the op to be zero.

    Raises:
        NotImplementedError: x has one.
    """
    if torch.compiler.is_compiling():
        return
    if forward_ad.unpack_dual(x).tangent is not None:  # type: ignore[no-untyped-call]
        raise NotImplementedError(f"{op}: forward-mode derivatives are not implemented; take backward-mode ones")


@functools.cache
def _extension() -> tuple[ModuleType | None, str]:
    """The extension, or why there is none."""
    try:
        return importlib.import_module("lightning_suite._C"), ""
    except ModuleNotFoundError:
        why_not = "lightning_suite._C was not compiled"
    except ImportError as error:
        why_not = f"lightning_suite._C does not fit torch {torch.__version__}: {' '.join(str(error).split())}"
    _miss(why_not)
    return None, why_not


@functools.cache
def _miss(why_not: str) -> None:
    message = f"ops run as plain torch, which is slower: {why_not}. To mend it, {REPAIR}."
    if os.environ.get(REQUIRE) == "1":
        raise OpsError(f"{REQUIRE} is 1, but {message}")
    warnings.warn(message, RuntimeWarning, stacklevel=4)

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
        why_not = f"lightning_suite._C is older than the source, it has no {op}"
        _miss(why_not)
    if why_not or extension is None:
        return Form(frozenset(), f"reference: {why_not}", REPAIR)
    devices = ["CPU", "CUDA"] if extension.CUDA else ["CPU"]
    what = f"compiled for {' and '.join(devices)} with torch {extension.TORCH}, using {extension.instruction_set()}"
    return Form(frozenset(device.lower() for device in devices), what)


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


def _miss(why_not: str) -> None:
    message = f"the ops run as plain torch, which is slower: {why_not}. To mend it, {REPAIR}."
    if os.environ.get(REQUIRE) == "1":
        raise OpsError(f"{REQUIRE} is 1, but {message}")
    warnings.warn(message, RuntimeWarning, stacklevel=4)

"""The operations: each file holds one public function, its formula and a readable reference in plain torch.

Most have an implementation in C++ and CUDA too (``csrc/<op>/``), which is compiled when lightning-suite is installed
and chosen by the device of the arguments. Every public file of this folder is an op, and its name here is the function:

    >>> import torch
    >>> from lightning_suite.ops import dsa_routing
    >>> dsa_routing(torch.randn(5, 2, 3), torch.tensor([0, 3, 5])).shape
    torch.Size([2, 2, 3])
"""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any


def names() -> list[str]:
    """Return the names of the ops, which are those of the files in this folder.

    Example:
        >>> "tree_embedding" in names()
        True
    """
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))


def implementations() -> dict[str, str]:
    """Return one line for each op: what it was compiled for, or why its reference is used.

    Raises:
        OpsError: an op is not compiled, and LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    modules = {name: import_module(f"{__name__}.{name}") for name in names()}
    return {name: module.COMPILED.description for name, module in modules.items()}


class _Functions(ModuleType):
    """This package, in which the name of an op is its function; Python would make it the file, once that is imported.

    An op, and torch, are imported when they are first asked for. ``__init__.pyi`` tells type checkers.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, getattr(value, name, value) if isinstance(value, ModuleType) else value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in names():
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{self.__name__}.{name}"), name)


sys.modules[__name__].__class__ = _Functions

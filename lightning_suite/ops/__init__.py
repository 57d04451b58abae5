"""The operations: each file holds one public function, its formula and a readable reference in plain torch.

Most have an implementation in C++ and CUDA too (``csrc/<op>/``), which is compiled when lightning-suite is installed
and chosen by the device of the arguments. Every public file of this folder is an op; there is no list of them.
"""

from importlib import import_module
from pathlib import Path


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

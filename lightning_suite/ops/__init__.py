"""The operations: each file holds one public function, its formula and a readable reference in plain torch.

Beside it stands, for most, a form in C++ and CUDA (``csrc/<op>/``), which is compiled when lightning-suite is
installed and chosen by the device of the arguments. Nothing lists the ops: every public file of this folder is one.
"""

from importlib import import_module
from pathlib import Path


def names() -> list[str]:
    """Return the ops of this release, by the files of this folder.

    Example:
        >>> "tree_embedding" in names()
        True
    """
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))


def implementations() -> dict[str, str]:
    """Return one line for each op: what it was compiled for, or why its reference serves.

    Raises:
        OpsError: if one is missing, and LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    modules = {name: import_module(f"{__name__}.{name}") for name in names()}
    return {name: module.COMPILED.description for name, module in modules.items()}

"""The operations: each file holds one public function, its formula and a plain-torch reference anyone can read.

Beside it stands, for most, a form in C++ and CUDA (``csrc/<op>/``), which is compiled when lightning-suite is
installed and chosen by the device of the arguments. Nothing lists the ops: a file of this folder is one.
"""

from importlib import import_module
from pathlib import Path


def names() -> list[str]:
    """The ops of this release: one a file of this folder."""
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))


def implementations() -> dict[str, str]:
    """Which implementation of each op runs, in one line each: what it was compiled for, or why the reference serves.

    Raises:
        OpsError: one is missing, and LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    found = {name: import_module(f"{__name__}.{name}") for name in names()}
    return {name: module.COMPILED.description for name, module in found.items()}

"""The columns of the Top-Tagging reference set, however it is stored.

Kasieczka et al., 2019, arXiv:1902.09914, doi:10.5281/zenodo.2603256.

A jet is a row: ``E_0, PX_0, PY_0, PZ_0`` to ``E_199, ...`` in GeV, padded with zeros, then the momentum of the true top
quark, ``ttv`` (0 training, 1 test, 2 validation) and ``is_signal_new``.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import DataError

NAMES = {"energy": "E", "px": "PX", "py": "PY", "pz": "PZ"}
"""How the names of the columns begin, in the order of the file."""
KNOWN = {"ttv": (0, 1, 2), "is_signal_new": (0, 1)}
"""The values of the columns with one value for each jet."""

_COMPONENT = re.compile(r"(E|PX|PY|PZ)_(\d+)")


def flat(names: Collection[str]) -> dict[str, list[str]]:
    """Return the columns of each component by role, in the order of the constituents; empty where they are not there.

    Example:
        >>> flat(["E_0", "PX_0", "PY_0", "PZ_0", "E_1", "PX_1", "PY_1", "PZ_1", "ttv"])["px"]
        ['PX_0', 'PX_1']
        >>> flat(["E_0", "PX_0", "PY_0"])
        {}
    """
    numbers: dict[str, set[int]] = {}
    for name in names:
        if match := _COMPONENT.fullmatch(name):
            numbers.setdefault(match[1], set()).add(int(match[2]))
    count = len(numbers.get("E", ()))
    if not count or any(numbers.get(prefix) != set(range(count)) for prefix in NAMES.values()):
        return {}
    return {role: [f"{prefix}_{k}" for k in range(count)] for role, prefix in NAMES.items()}


def values_of_jets(path: Path, values: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.int64]]:
    """Return ``ttv`` and ``is_signal_new``, which is also ``label``, of those that there are.

    Raises:
        DataError: a value is none of those that the set has.
    """
    done: dict[str, NDArray[np.int64]] = {}
    for name, column in values.items():
        wrong = ~np.isin(column, KNOWN[name])
        if wrong.any():
            jet = int(np.argmax(wrong))
            raise DataError(f"jet {jet}: {name} is {column[jet]}; expected one of {KNOWN[name]}", path)
        done[name] = column.astype(np.int64)
    return done | ({"label": done["is_signal_new"]} if "is_signal_new" in done else {})

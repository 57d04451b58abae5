"""Options of a call in Python: the words of the command line as keyword arguments."""

from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

from lightning_suite.errors import UsageError
from lightning_suite.options.config import GROUPS


def given_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a call under dotted names, with plain values, as a file of options holds them.

    Args:
        options: by the names of the command line, ``{"model.heads": 4}``, or in groups, ``{"model": {"heads": 4}}``. A
            path in place of the group ``data`` is its option ``path``; what is None in place of a group is not given.

    Raises:
        UsageError: an option is given twice, a group is none, or a value is no plain one.

    Example:
        >>> given_options({"seed": 3, "model": {"kernels": (3, 5)}, "data": "reviews.csv", "trainer": None})
        {'seed': 3, 'model.kernels': [3, 5], 'data.path': 'reviews.csv'}
    """
    given: dict[str, Any] = {}
    for name, value in options.items():
        inner = {name: value}
        if name in GROUPS:
            if name == "data" and isinstance(value, str | PathLike):
                value = {"path": value}
            if not isinstance(value, Mapping | None):
                raise UsageError(f"{name}: expected options by name, such as {{'x': 1}}, got {value!r:.60}")
            inner = {f"{name}.{option}": one for option, one in (value or {}).items()}
        for option, one in inner.items():
            if option in given:
                raise UsageError(f"--{option} is given twice; leave one out")
            given[option] = _plain(one, option)
    return given


def _plain(value: Any, option: str) -> Any:
    """Return a value as a file of options holds it: numbers, texts, lists and dictionaries of them.

    Raises:
        UsageError: it is something else.
    """
    if isinstance(value, PathLike):
        value = fspath(value)
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(one, option) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, option) for one in value]
    if hasattr(value, "dtype") and hasattr(value, "tolist"):  # of numpy or torch
        return value.tolist()
    raise UsageError(
        f"--{option}: expected a number, a text, or a list or dictionary of these, got {type(value).__name__}.\n"
        "A class is named by its path, {'class_path': 'torch.nn.GELU', 'init_args': {...}}; callbacks that are "
        "objects go to fit(callbacks=[...])"
    )

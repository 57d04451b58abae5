"""A plugin's compiled loops (C++ by pybind11), where they were compiled: beside each stands a reference in Python."""

import functools
import importlib
import os
import warnings
from types import ModuleType

from lightning_suite.errors import OpsError

REQUIRE = "LIGHTNING_SUITE_REQUIRE_OPS"
"""The environment variable that, set to 1, makes a missing compiled form an error."""

REPAIR = (
    "compile it, on a machine with a C++ compiler: pip install --no-deps --force-reinstall FOLDER (that of "
    "lightning-suite's source); with --verbose it shows the compiler's messages"
)


@functools.cache
def compiled_loops(name: str, without: str) -> ModuleType | None:
    """Return a module of compiled loops; None, after one warning, where there is none.

    Args:
        name: of the module.
        without: what happens where it is missing, for the warning.

    Raises:
        OpsError: there is none, and LIGHTNING_SUITE_REQUIRE_OPS is 1.

    Example:
        >>> compiled_loops("math", "numbers are added by hand").__name__
        'math'
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        why_not = f"{name} was not compiled"
    except ImportError as error:
        why_not = f"{name} does not load: {' '.join(str(error).split())}"
    message = f"{without}: {why_not}. To repair it, {REPAIR}."
    if os.environ.get(REQUIRE) == "1":
        raise OpsError(f"{REQUIRE} is 1, but {message}")
    warnings.warn(message, RuntimeWarning, stacklevel=3)
    return None

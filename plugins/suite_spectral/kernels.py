"""The compiled loops of this plugin, ``suite_spectral._kernels``, where they were compiled; each has its reference."""

import functools
import importlib
import os
import warnings
from types import ModuleType

from lightning_suite.errors import OpsError

REQUIRE = "LIGHTNING_SUITE_REQUIRE_OPS"
REPAIR = (
    "compile it, on a machine with a C++ compiler: pip install --no-deps --force-reinstall FOLDER (that of "
    "lightning-suite's source); with --verbose it shows the compiler's messages"
)


@functools.cache
def compiled() -> ModuleType | None:
    """Return the compiled loops; None, after one warning, where there are none.

    Raises:
        OpsError: there are none, and LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    try:
        return importlib.import_module("suite_spectral._kernels")
    except ModuleNotFoundError:
        why_not = "suite_spectral._kernels was not compiled"
    except ImportError as error:
        why_not = f"suite_spectral._kernels does not load: {' '.join(str(error).split())}"
    message = f"spectral clusters in numpy and torch alone, which is slower: {why_not}. To repair it, {REPAIR}."
    if os.environ.get(REQUIRE) == "1":
        raise OpsError(f"{REQUIRE} is 1, but {message}")
    warnings.warn(message, RuntimeWarning, stacklevel=3)
    return None

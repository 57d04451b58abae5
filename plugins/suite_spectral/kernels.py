"""The compiled loops of this plugin, ``suite_spectral._kernels``, where they were compiled; each has its reference."""

import functools
import importlib
import warnings
from types import ModuleType

REPAIR = (
    "compile it, on a machine with a C++ compiler: pip install --no-deps --force-reinstall FOLDER (that of "
    "lightning-suite's source); with --verbose it shows the compiler's messages"
)


@functools.cache
def compiled() -> ModuleType | None:
    """Return the compiled loops; None, after one warning, where there are none."""
    try:
        return importlib.import_module("suite_spectral._kernels")
    except ModuleNotFoundError:
        why_not = "suite_spectral._kernels was not compiled"
    except ImportError as error:
        why_not = f"suite_spectral._kernels does not load: {' '.join(str(error).split())}"
    message = f"spectral clusters in numpy and torch alone, which is slower: {why_not}. To repair it, {REPAIR}."
    warnings.warn(message, RuntimeWarning, stacklevel=3)
    return None

"""The compiled loops of this plugin, ``suite_spectral._kernels``; each has its reference."""

from types import ModuleType

from lightning_suite.compiled_loops import compiled_loops


def compiled() -> ModuleType | None:
    """Return the compiled loops; None, after one warning, where there are none.

    Raises:
        OpsError: there are none, and LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    return compiled_loops("suite_spectral._kernels", "spectral clusters in numpy and torch alone, which is slower")

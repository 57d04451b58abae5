"""The compiled loops ``_kernels``, ``_cells``, ``_products``, ``_blocks`` and ``_cuts``; each has its reference."""

from types import ModuleType

from lightning_suite.compiled_loops import compiled_loops


def compiled() -> ModuleType | None:
    """Return the compiled loops; None, after one warning, where there are none.

    Raises:
        OpsError: there are none, and LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    return compiled_loops("suite_spectral._kernels", "spectral clusters in numpy and torch alone, which is slower")


def compiled_cells() -> ModuleType | None:
    """Return the compiled search of neighbours in cells; None, after one warning, where there is none.

    Raises:
        OpsError: there is none, and LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    return compiled_loops("suite_spectral._cells", "neighbours of very many points by faiss alone, which is slower")


def compiled_products() -> ModuleType | None:
    """Return the compiled products of sparse matrices and blocks of vectors; None, after one warning, where none are.

    Raises:
        OpsError: there are none, and LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    return compiled_loops("suite_spectral._products", "spectral multiplies by torch alone, which is slower")


def compiled_blocks() -> ModuleType | None:
    """Return the compiled products of tall blocks and small matrices; None, after one warning, where none are.

    Raises:
        OpsError: there are none, and LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    return compiled_loops("suite_spectral._blocks", "spectral turns its vectors by torch alone, which is slower")


def compiled_cuts() -> ModuleType | None:
    """Return the compiled loops over the edges of a graph; None, after one warning, where there are none.

    Raises:
        OpsError: there are none, and LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    return compiled_loops("suite_spectral._cuts", "spectral follows edges in numpy and torch alone, which is slower")

"""One thread for libraries whose sums would depend on how many there are."""

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """Return a context inside which BLAS and OpenMP of this process use one thread."""
    limits: AbstractContextManager[object] = _controller().limit(limits=1)
    return limits


@cache
def _controller() -> ThreadpoolController:
    """Return the thread pools of this process, searched once: that takes as long as clustering 1,000 points."""
    import sklearn.cluster  # noqa: F401  # its OpenMP must be there to be found

    return ThreadpoolController()

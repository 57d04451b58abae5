"""How many threads: one for libraries whose sums would depend on it, as many as are asked for elsewhere."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """Return a context inside which BLAS and OpenMP of this process use one thread."""
    limits: AbstractContextManager[object] = _controller().limit(limits=1)
    return limits


@contextmanager
def threads(n_jobs: int | None) -> Iterator[None]:
    """Let torch use so many threads in the block; -1 is one a processor, -2 one less, None what it is set to."""
    import torch

    before = torch.get_num_threads()
    if n_jobs is not None:
        torch.set_num_threads(n_jobs if n_jobs > 0 else max(1, (os.cpu_count() or 1) + 1 + n_jobs))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def _controller() -> ThreadpoolController:
    """Return the thread pools of this process, searched once: that takes as long as clustering 1,000 points."""
    import sklearn.cluster  # noqa: F401  # its OpenMP must be there to be found

    return ThreadpoolController()

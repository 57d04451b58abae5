"""Whether a problem fits into the memory that is free, before any of it is taken.

Counted is what a fit surely needs, so that nothing is refused which would have gone well: the edges to the nearest
neighbours, and the three blocks of vectors of the eigensolver with their images; and sparse points that are made dense,
where an affinity takes no others. What an affinity keeps by a budget of its own (``memory_gib``) is not counted.
"""

from pathlib import Path

from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.eigen.multilevel import GUARD
from suite_spectral.graphs.affinity import Affinity
from suite_spectral.graphs.dense_graph import GivenGraph
from suite_spectral.settings import Settings

EDGE = 12
"""Bytes of an edge: its weight and its column."""

VECTORS = 2 * 3 * 8
"""Bytes of a point in the eigensolver, for each vector: three blocks and L times them, in float64."""

MEMINFO, LIMITS = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


def free_memory() -> int | None:
    """Return the bytes that this process may still take, swap included; None where the system does not say."""
    try:
        lines = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines())
        free = sum(int(lines[name].split()[0]) << 10 for name in ("MemAvailable", "SwapFree"))
        limit = (LIMITS / "memory.max").read_text().strip() if (LIMITS / "memory.max").is_file() else "max"
        if limit != "max":
            counts = dict(line.split() for line in (LIMITS / "memory.stat").read_text().splitlines())
            files = int(counts["active_file"]) + int(counts["inactive_file"])  # which give way
            free = min(free, int(limit) - int((LIMITS / "memory.current").read_text()) + files)
    except (OSError, ValueError, LookupError):
        return None
    return max(0, free)


def least_bytes(content: Tensor | GivenGraph, affinity: Affinity, settings: Settings) -> int:
    """Return what a fit of every point needs beside its points and its budget, in bytes.

    Example:
        >>> import torch
        >>> from suite_spectral.solving.building import affinity_of
        >>> settings = Settings(n_clusters=2)
        >>> least_bytes(torch.zeros(1_000_000, 2), affinity_of(settings), settings) >> 20
        343
    """
    n = content.n if isinstance(content, GivenGraph) else content.shape[0]
    edges = EDGE * n * (settings.n_neighbors or 2) if affinity.name == "nearest_neighbors" else 0
    wanted = settings.n_clusters or min(settings.max_clusters, n)
    return edges + VECTORS * n * min(n, wanted + GUARD)


LEAVES_SPARSE = "take an affinity that leaves them sparse, nearest_neighbors or cosine, and route 'exact'"


def refuse_dense(shape: tuple[int, ...], itemsize: int, instead: str = LEAVES_SPARSE) -> None:
    """Raise a UsageError where a sparse matrix of this shape cannot be made dense.

    Args:
        shape: of the points.
        itemsize: bytes of a number.
        instead: what takes less.

    Raises:
        UsageError: with how much that takes and how much is free, and what takes less.
    """
    needed, free = shape[0] * shape[1] * itemsize, free_memory()
    if free is not None and needed > free:
        raise UsageError(
            f"sparse points of shape {shape} take {needed / 2**30:,.1f} GiB as a dense matrix, and {free / 2**30:,.1f} "
            f"GiB are free: {instead}"
        )


def refuse_beyond_memory(
    content: Tensor | GivenGraph, affinity: Affinity, settings: Settings, part: float = 1.0
) -> None:
    """Raise a UsageError where a fit of every point cannot end well for want of memory.

    Args:
        content: points, or a graph.
        affinity: of the points.
        settings: how they are clustered.
        part: the share of the work that is done in this machine's memory, from 0 to 1.

    Raises:
        UsageError: with how much it needs and how much is free, and what needs less.
    """
    device = content.device.type
    needed, free = int(part * least_bytes(content, affinity, settings)), free_memory() if device == "cpu" else None
    if free is None or needed <= free:
        return
    instead = "fewer clusters (n_clusters), or fewer points"
    if affinity.landmark_class is not None:
        instead = f"route 'landmarks', {instead}"
    raise UsageError(
        f"{content.shape[0] if isinstance(content, Tensor) else content.n:,} points need at least "
        f"{needed / 2**30:,.1f} GiB beside themselves, and {free / 2**30:,.1f} GiB are free: take {instead}"
    )

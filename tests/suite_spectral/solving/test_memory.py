"""What a fit needs, beside what is free."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import torch

from lightning_suite.errors import UsageError
from suite_spectral.estimator import SpectralClustering
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.settings import Settings
from suite_spectral.solving import memory
from suite_spectral.solving.building import affinity_of
from suite_spectral.solving.memory import free_memory, least_bytes, refuse_beyond_memory
from suite_spectral.solving.routes import solve

POINTS = torch.from_numpy(np.random.default_rng(0).random((400, 2)))


def test_what_does_not_fit_is_refused_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(n_clusters=3)
    needed = least_bytes(POINTS, affinity_of(settings), settings)
    assert needed == 400 * (10 * 12 + 48 * 6)
    monkeypatch.setattr(memory, "free_memory", lambda: needed)
    assert solve(POINTS, settings).clustering.n_clusters == 3
    monkeypatch.setattr(memory, "free_memory", lambda: needed - 1)
    with pytest.raises(UsageError, match=r"400 points need at least 0\.0 GiB .* take route 'landmarks', fewer"):
        solve(POINTS, settings)
    landmarks = Settings(n_clusters=3, route="landmarks", landmarks=20)
    assert solve(POINTS, landmarks).clustering.n_clusters == 3


def test_sparse_points_that_would_be_made_dense_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda: 2**20)
    points = scipy.sparse.csr_array((np.ones(50), (np.arange(50), np.arange(50) * 9000)), shape=(50, 450_000))
    with pytest.raises(ValueError, match=r"shape \(50, 450000\) take 0\.2 GiB as a dense matrix"):
        SpectralClustering(2, affinity="rbf").fit(points)
    graph = SparseGraph.from_scipy(scipy.sparse.eye_array(2000))
    settings = Settings(n_clusters=30, affinity="precomputed")
    with pytest.raises(UsageError, match="take fewer clusters"):
        refuse_beyond_memory(graph, affinity_of(settings), settings)


@pytest.mark.parametrize(("limit", "expected"), [("max", 3 << 10), ("2048", 1548), (None, 3 << 10), ("400", 0)])
def test_the_limit_of_a_group_of_processes_counts(
    limit: str | None, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:  9 kB\nMemAvailable:  2 kB\nSwapFree:  1 kB\n")
    if limit is not None:
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        (tmp_path / "memory.current").write_text("600\n")
        (tmp_path / "memory.stat").write_text("anon 7\nactive_file 70\ninactive_file 30\n")
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "LIMITS", tmp_path)
    assert free_memory() == expected


def test_nothing_is_refused_where_the_system_does_not_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "none")
    assert free_memory() is None
    settings = Settings(n_clusters=3)
    refuse_beyond_memory(torch.zeros(1, 1).expand(10**9, 1), affinity_of(settings), settings)

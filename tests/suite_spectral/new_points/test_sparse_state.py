"""Sparse points through a whole run: clustered, measured, kept in a checkpoint and predicted without being dense."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch

from lightning_suite.errors import UsageError
from lightning_suite.testing.trainers import quiet_trainer
from suite_spectral import SpectralClustering
from suite_spectral.batches import Batch, Examples, join, prepared
from suite_spectral.data import ClusterData
from suite_spectral.graphs.sparse_points import as_csr, rows_of, stacked
from suite_spectral.module import SpectralClusterer
from suite_spectral.pictures import scatter
from suite_spectral.solving import memory

DIM, GROUPS = 400, 3


def sparse_groups(n: int = 90, dim: int = DIM, seed: int = 0) -> tuple[scipy.sparse.csr_array, np.ndarray]:
    """Points with some numbers of the words of their group and a few of any, and their groups."""
    draw = np.random.default_rng(seed)
    groups = np.arange(n) % GROUPS
    own = groups[:, None] * (dim // GROUPS) + draw.integers(0, 12, (n, 8))
    columns = np.concatenate([own, draw.integers(0, dim, (n, 2))], axis=1)
    rows = np.repeat(np.arange(n), columns.shape[1])
    points = scipy.sparse.csr_array((np.ones(columns.size), (rows, columns.ravel())), shape=(n, dim))
    points.sum_duplicates()
    return points, groups


def fitted(folder: Path, data: ClusterData, **model: Any) -> SpectralClusterer:
    torch.manual_seed(0)
    module = SpectralClusterer(n_clusters=GROUPS, **model)
    quiet_trainer(folder).fit(module, datamodule=data)
    return module


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sparse") / "points.npz"
    scipy.sparse.save_npz(path, scipy.sparse.csr_matrix(sparse_groups()[0]))
    return path


def test_a_batch_of_sparse_points_is_sparse_and_batches_are_joined_in_order() -> None:
    points, _ = sparse_groups(10)
    examples = Examples(points, np.arange(10), None)
    parts = [examples.__getitems__(some) for some in ([5, 6, 7, 8, 9], [0, 1, 2, 3, 4, 5])]
    content = join(parts).content
    assert isinstance(content, torch.Tensor) and content.layout == torch.sparse_csr
    assert np.array_equal(points.toarray(), content.to_dense().numpy())


def test_rows_of_sparse_points_are_those_of_the_dense_ones() -> None:
    points = torch.tensor([[0.0, 1.0], [0.0, 0.0], [2.0, 3.0]])
    chosen = torch.tensor([2, 1, 2])
    assert torch.equal(points[chosen], rows_of(points.to_sparse_csr(), chosen).to_dense())
    both = stacked([points.to_sparse_csr(), points[:1].to_sparse_csr()])
    assert np.array_equal(np.concatenate([points, points[:1]]), as_csr(both).toarray())
    assert torch.equal(torch.cat([points, points]), stacked([points, points.to_sparse_csr()]))


@pytest.mark.parametrize("affinity", ["nearest_neighbors", "cosine"])
def test_a_run_clusters_sparse_points_as_the_estimator_does_and_makes_none_dense(
    affinity: str, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.Tensor, "to_dense", lambda self: pytest.fail("made dense"))
    monkeypatch.setattr(scipy.sparse.csr_array, "toarray", lambda self: pytest.fail("made dense"))
    module = fitted(tmp_path, ClusterData(path=str(path), batch_size=32), affinity=affinity)
    points, groups = sparse_groups()
    reference = SpectralClustering(3, affinity=affinity, random_state=0).fit(points)
    assert len(set(zip(groups.tolist(), module.network.fitted_labels.tolist(), strict=True))) == GROUPS
    assert len(set(zip(reference.labels_.tolist(), module.network.fitted_labels.tolist(), strict=True))) == GROUPS


def test_a_checkpoint_of_sparse_points_predicts_sparse_and_dense_ones(path: Path, tmp_path: Path) -> None:
    module = fitted(tmp_path, ClusterData(path=str(path), test_fraction=0.2))
    torch.save(module.state_dict(), tmp_path / "state.pt")
    again = SpectralClusterer(n_clusters=3)
    again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    new, groups = sparse_groups(30, seed=1)
    rows = Examples(new, np.arange(30), None).__getitems__(range(30))
    sparse = again.predict_step(rows, 0)["cluster"]
    assert len(set(zip(groups.tolist(), sparse.tolist(), strict=True))) == GROUPS
    dense = again.predict_step(Batch(rows.index, torch.from_numpy(new.toarray()), None), 0)["cluster"]
    assert torch.equal(sparse, dense)


@pytest.mark.parametrize(
    "model",
    [{"affinity": "rbf", "sigma": 2.0}, {"affinity": "self-tuning"}, {"route": "landmarks", "landmarks": 30}],
    ids=["rbf", "self-tuning", "landmarks"],
)
def test_what_needs_dense_points_gets_them_or_says_that_memory_does_not_suffice(
    model: dict[str, Any],
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = fitted(tmp_path, ClusterData(path=str(path)), **model)
    dense = tmp_path / "dense.npy"
    np.save(dense, sparse_groups()[0].toarray())
    same = fitted(tmp_path, ClusterData(path=str(dense)), **model)
    assert torch.equal(module.network.fitted_labels, same.network.fitted_labels)
    monkeypatch.setattr(memory, "free_memory", lambda: 90 * DIM * 8 - 1)
    with pytest.raises(UsageError, match=r"sparse points of shape \(90, 400\) take .*leaves them sparse"):
        fitted(tmp_path, ClusterData(path=str(path)), **model)


def test_sparse_points_that_are_scaled_are_those_of_the_dense_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = ClusterData(path=str(path), standardize="scale")
    data.setup("fit")
    points = prepared(join(list(data.train_dataloader())).content, data.scaling, None)
    assert data.scaling is not None
    expected = (sparse_groups()[0].toarray() - data.scaling.center.numpy()) / data.scaling.scale.numpy()
    np.testing.assert_allclose(points.numpy(), expected)
    monkeypatch.setattr(memory, "free_memory", lambda: 1)
    with pytest.raises(UsageError, match=r"leave --data\.standardize at none"):
        ClusterData(path=str(path), standardize="scale").setup("fit")


def test_many_dims_are_drawn_by_the_components_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    points = torch.from_numpy(sparse_groups()[0].toarray())
    expected = scatter.plane(points)
    monkeypatch.setattr(scatter, "MOST_EXACT", 10)
    for rows in (points, points.to_sparse_csr()):
        torch.testing.assert_close(scatter.plane(rows), expected)

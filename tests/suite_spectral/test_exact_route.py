from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from suite_spectral.exact_route import solve_exactly
from suite_spectral.fitted import assign, embed
from suite_spectral.graph import SparseGraph
from suite_spectral.settings import Settings

Made = Callable[..., Settings]
Points = Callable[..., tuple[Tensor, Tensor]]
Agreement = Callable[[Tensor, Tensor], float]


def test_duplicates_are_clustered_together(settings: Made, arcs: Points) -> None:
    points, _ = arcs(100)
    found = solve_exactly(torch.cat([points, points]), settings(n_neighbors=12)).clustering.labels
    assert torch.equal(found[:100], found[100:])


def test_two_cliques_of_a_given_graph_are_two_clusters(settings: Made) -> None:
    blocks: Any = scipy.sparse.block_diag([np.ones((6, 6)), np.ones((5, 5))], format="lil")
    blocks[5, 6] = blocks[6, 5] = 0.1
    found = solve_exactly(SparseGraph.from_scipy(blocks.tocsr()), settings(affinity="precomputed"))
    assert found.clustering.labels.tolist() == [0] * 6 + [1] * 5


def test_two_halves_of_an_image_are_two_clusters_and_so_are_those_of_a_like_image(settings: Made) -> None:
    rows, columns = torch.meshgrid(torch.arange(8), torch.arange(10), indexing="ij")
    grey = torch.where(columns < 4, 0.2, 0.8)
    pixels = torch.stack([rows, columns, grey], dim=2).reshape(-1, 3).double()
    found = solve_exactly(pixels, settings(affinity="pixels"))
    expected = (columns.flatten() < 4).long()
    assert torch.equal(found.clustering.labels, expected)
    pixels[:, 2] += 0.01
    assert torch.equal(assign(found.fitted, pixels), expected)


def test_texts_features_are_clustered_by_their_angles(settings: Made, agreement: Agreement) -> None:
    features = torch.rand(40, 10, generator=torch.Generator().manual_seed(0)).double()
    features[:20, 5:] *= 0.01
    features[20:, :5] *= 0.01
    found = solve_exactly(features, settings(affinity="cosine"))
    sparse = solve_exactly(features.to_sparse_csr(), settings(affinity="cosine"))
    assert agreement(found.clustering.labels, torch.arange(40) // 20) == 1
    assert torch.equal(found.clustering.labels, sparse.clustering.labels)
    assert torch.equal(assign(sparse.fitted, (3 * features).to_sparse_csr()), found.clustering.labels)


def test_new_points_near_old_ones_have_their_rows_in_a_regularised_graph(settings: Made, arcs: Points) -> None:
    points, _ = arcs(200)
    found = solve_exactly(points, settings(regularisation=1.0))
    rows = embed(found.fitted, points + 1e-9)
    assert float((rows - found.clustering.rows).norm() / found.clustering.rows.norm()) < 0.3

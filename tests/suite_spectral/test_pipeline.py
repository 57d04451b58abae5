from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.graph import SparseGraph
from suite_spectral.pipeline import Settings, assign, codes_of, embed, evenly, image_of, measured, places_of, solve

SETTINGS = Settings(
    n_clusters=2,
    affinity="nearest_neighbors",
    n_neighbors=8,
    weights="connectivity",
    mutual="mean",
    search="auto",
    sigma=None,
    rows="random-walk",
    assign="kmeans",
    solver="auto",
    regularisation=0.0,
    n_init=5,
    largest=10,
    landmarks=None,
    memory=1.0,
    tolerance=None,
    radius=3.0,
    sigma_color=0.1,
    sigma_position=3.0,
)


def settings(**changes: Any) -> Settings:
    return replace(SETTINGS, **changes)


def arcs(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two half circles around each other, and which of them a point is on."""
    generator = torch.Generator().manual_seed(seed)
    angles = torch.rand(n, generator=generator, dtype=torch.float64) * torch.pi
    classes = torch.arange(n) % 2
    radius = 1.0 + 1.5 * classes
    points = torch.stack([radius * angles.cos(), radius * angles.sin()], dim=1)
    return points + 0.08 * torch.randn(n, 2, generator=generator, dtype=torch.float64), classes


def agreement(labels: Tensor, classes: Tensor) -> float:
    share = (labels == classes).double().mean().item()
    return max(share, 1 - share)


WAYS: list[dict[str, Any]] = [
    {},
    {"weights": "gaussian"},
    {"weights": "self-tuning"},
    {"mutual": "either"},
    {"rows": "njw"},
    {"rows": "plain"},
    {"assign": "ncut"},
    {"assign": "sign"},
    {"regularisation": 0.01},
    {"affinity": "rbf", "sigma": 0.2},
    {"affinity": "self-tuning"},
    {"landmarks": 80},
    {"landmarks": 80, "rows": "njw"},
    {"landmarks": 80, "affinity": "rbf", "sigma": 0.2},
]


@pytest.mark.parametrize("changes", WAYS, ids=str)
def test_every_way_finds_the_arcs_and_labels_new_points_on_them(changes: dict[str, Any]) -> None:
    points, classes = arcs(300)
    found = solve(points, settings(**changes))
    new, theirs = arcs(200, seed=1)
    assert agreement(found.clustering.labels, classes) > 0.99
    turned = bool((found.clustering.labels == classes).double().mean() < 0.5)
    expected = 1 - theirs if turned else theirs
    assert (assign(found.fitted, new) == expected).double().mean() > 0.98


@pytest.mark.parametrize("changes", WAYS, ids=str)
def test_every_way_gives_fitted_points_their_labels(changes: dict[str, Any]) -> None:
    points, _ = arcs(300)
    found = solve(points, settings(**changes))
    assert torch.equal(assign(found.fitted, points), found.clustering.labels)


def test_rows_of_fitted_points_are_near_those_that_were_clustered() -> None:
    points, _ = arcs(300)
    found = solve(points, settings(affinity="rbf", sigma=0.2))
    expected, actual = found.clustering.rows, embed(found.fitted, points)
    assert torch.allclose(expected, actual, atol=1e-3 * float(expected.abs().max()))


def test_the_same_seed_gives_the_same_labels() -> None:
    points, _ = arcs(200)
    first, second = (solve(points, settings(n_clusters=7), seed=3).clustering.labels for _ in range(2))
    assert torch.equal(first, second)


def test_a_new_point_belongs_to_a_cluster_of_its_own_component() -> None:
    generator = torch.Generator().manual_seed(0)
    blobs = [torch.randn(40, 2, generator=generator, dtype=torch.float64) + 40 * place for place in range(3)]
    found = solve(torch.cat(blobs), settings(n_clusters=5))
    assert found.clustering.n_components == 3
    for place, blob in enumerate(blobs):
        own = set(found.clustering.labels[40 * place : 40 * place + 40].tolist())
        assert set(assign(found.fitted, blob + 0.01).tolist()) <= own


def test_a_point_far_from_everything_has_a_cluster() -> None:
    points, _ = arcs(100)
    for affinity in ("nearest_neighbors", "rbf"):
        found = solve(points, settings(affinity=affinity, sigma=0.2, weights="gaussian"))
        far = assign(found.fitted, torch.tensor([[1e6, 1e6]], dtype=torch.float64))
        assert 0 <= int(far) < 2


def test_duplicates_are_clustered_together() -> None:
    points, _ = arcs(100)
    found = solve(torch.cat([points, points]), settings(n_neighbors=12)).clustering.labels
    assert torch.equal(found[:100], found[100:])


def test_two_cliques_of_a_given_graph_are_two_clusters() -> None:
    blocks: Any = scipy.sparse.block_diag([np.ones((6, 6)), np.ones((5, 5))], format="lil")
    blocks[5, 6] = blocks[6, 5] = 0.1
    found = solve(SparseGraph.from_scipy(blocks.tocsr()), settings(affinity="precomputed"))
    assert found.clustering.labels.tolist() == [0] * 6 + [1] * 5


def test_two_halves_of_an_image_are_two_clusters_and_so_are_those_of_a_like_image() -> None:
    rows, columns = torch.meshgrid(torch.arange(8), torch.arange(10), indexing="ij")
    grey = torch.where(columns < 4, 0.2, 0.8)
    pixels = torch.stack([rows, columns, grey], dim=2).reshape(-1, 3).double()
    found = solve(pixels, settings(affinity="pixels"))
    expected = (columns.flatten() < 4).long()
    assert torch.equal(found.clustering.labels, expected)
    pixels[:, 2] += 0.01
    assert torch.equal(assign(found.fitted, pixels), expected)


def test_texts_features_are_clustered_by_their_angles() -> None:
    features = torch.rand(40, 10, generator=torch.Generator().manual_seed(0)).double()
    features[:20, 5:] *= 0.01
    features[20:, :5] *= 0.01
    found = solve(features, settings(affinity="cosine"))
    sparse = solve(features.to_sparse_csr(), settings(affinity="cosine"))
    assert agreement(found.clustering.labels, torch.arange(40) // 20) == 1
    assert torch.equal(found.clustering.labels, sparse.clustering.labels)
    assert torch.equal(assign(sparse.fitted, (3 * features).to_sparse_csr()), found.clustering.labels)


def test_the_line_says_what_was_done() -> None:
    points, _ = arcs(100)
    line = solve(points, settings()).line
    assert "100 points; graph: 8 nearest neighbours (tree), connectivity" in line
    assert "2 clusters, Ncut" in line


def test_fewer_points_than_neighbours_are_all_neighbours_and_the_line_says_so() -> None:
    points, _ = arcs(6)
    assert "6 nearest neighbours (of 8 asked for)" in solve(points, settings()).line


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n_clusters": 0}, "1 or more.*got 0"),
        ({"n_clusters": 31}, "31 clusters were asked for, and there are 30"),
        ({"n_clusters": 3, "assign": "sign"}, "second eigenvector, not 3"),
        ({"affinity": "precomputed"}, "cannot be had of points"),
        ({"affinity": "self-tuning", "landmarks": 10}, "landmarks are for"),
    ],
)
def test_what_cannot_be_clustered_is_refused(changes: dict[str, Any], said: str) -> None:
    points, _ = arcs(30)
    with pytest.raises(UsageError, match=said):
        solve(points, settings(**changes))


def test_a_graph_is_not_taken_for_points() -> None:
    with pytest.raises(UsageError, match="cannot be had of a graph"):
        solve(SparseGraph.from_scipy(scipy.sparse.eye_array(4)), settings())


def test_an_image_with_a_hole_is_refused() -> None:
    pixels = torch.tensor([[0.0, 0, 1], [0, 1, 1], [1, 0, 1]])
    with pytest.raises(UsageError, match="all 4 pixels of 2 rows"):
        image_of(pixels)


def test_equal_points_are_found_bit_for_bit() -> None:
    points = torch.tensor([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0]])
    queries = torch.tensor([[-0.0, 3.0], [1.0, 2.0], [1.0, 2.0000002], [2.0, 1.0]])
    assert places_of(queries, points).tolist() == [1, 0, -1, -1]


def test_equal_points_are_found_alone_as_among_others() -> None:
    points = torch.randn(500, 9, generator=torch.Generator().manual_seed(0))
    alone = torch.cat([places_of(points[i : i + 1], points) for i in range(0, 500, 50)])
    assert alone.tolist() == list(range(0, 500, 50))


def test_equal_rows_have_equal_codes_and_others_do_not() -> None:
    rows = torch.tensor([[0.0, 1, 2], [0, 2, 1], [0, 1, 2], [0, 1, 2.0000002]]).double()
    for given in (rows, rows.to_sparse_csr()):
        codes = codes_of(given)
        assert codes[0] == codes[2]
        assert len(set(codes.tolist())) == 3


def test_sparse_features_that_were_fitted_have_their_labels() -> None:
    features = torch.rand(60, 30, generator=torch.Generator().manual_seed(0)).double()
    features[features < 0.8] = 0
    found = solve(features.to_sparse_csr(), settings(affinity="cosine", n_clusters=4))
    order = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    assert torch.equal(assign(found.fitted, features[order].to_sparse_csr()), found.clustering.labels[order])


def test_what_was_chosen_is_measured_with_and_not_chosen_again(monkeypatch: pytest.MonkeyPatch) -> None:
    points, _ = arcs(100)
    found = solve(points, settings(n_neighbors=None))
    monkeypatch.setattr("suite_spectral.pipeline.choose_graph", None)
    graph = measured(points, settings(n_neighbors=None), found.fitted)
    assert torch.equal(graph.degrees(), found.graph.degrees())


def test_places_are_spread_evenly() -> None:
    assert evenly(9, 3).tolist() == [0, 4, 8]


def test_the_cut_is_measured_on_the_graph_of_the_settings() -> None:
    points, _ = arcs(80)
    found = solve(points, settings())
    assert torch.equal(measured(points, settings(), found.fitted).degrees(), found.graph.degrees())

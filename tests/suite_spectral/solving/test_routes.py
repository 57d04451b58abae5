from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.cuts import ncut
from suite_spectral.eigen import multilevel as multilevel_module
from suite_spectral.eigen.finest import take_part
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.settings import Settings
from suite_spectral.solving.routes import best_of, solve
from suite_spectral.solving.solution import Solution

MakeSettings = Callable[..., Settings]
Points = Callable[..., tuple[Tensor, Tensor]]
Agreement = Callable[[Tensor, Tensor], float]
Together = Callable[[int, Callable[[Any], Any]], list[Any]]

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
    {"route": "landmarks"},
    {"route": "landmarks", "rows": "njw"},
    {"route": "landmarks", "affinity": "rbf", "sigma": 0.2},
    {"route": "best_of"},
    {"route": "best_of", "affinity": "rbf", "sigma": 0.2},
]


@pytest.mark.parametrize("changes", WAYS, ids=str)
def test_every_way_finds_the_arcs_and_labels_new_points_on_them(
    changes: dict[str, Any], settings: MakeSettings, arcs: Points, agreement: Agreement
) -> None:
    points, classes = arcs(300)
    found = solve(points, settings(**changes))
    new, theirs = arcs(200, seed=1)
    assert agreement(found.clustering.labels, classes) > 0.99
    turned = bool((found.clustering.labels == classes).double().mean() < 0.5)
    expected = 1 - theirs if turned else theirs
    assert (found.fitted.assign(new) == expected).double().mean() > 0.98


@pytest.mark.parametrize("changes", WAYS, ids=str)
def test_every_way_gives_fitted_points_their_labels(
    changes: dict[str, Any], settings: MakeSettings, arcs: Points
) -> None:
    points, _ = arcs(300)
    found = solve(points, settings(**changes))
    assert torch.equal(found.fitted.assign(points), found.clustering.labels)


def test_the_same_seed_gives_the_same_labels(settings: MakeSettings, arcs: Points) -> None:
    points, _ = arcs(200)
    first, second = (solve(points, settings(n_clusters=7), seed=3).clustering.labels for _ in range(2))
    assert torch.equal(first, second)


def cloud(seed: int) -> Tensor:
    return torch.randn(200, 2, generator=torch.Generator().manual_seed(seed)).double()


CLOUDS: list[tuple[dict[str, Any], int, str]] = [
    ({}, 0, "kept the exact one"),
    ({"affinity": "rbf", "sigma": 1.0}, 0, "kept by landmarks"),
    ({"affinity": "rbf", "sigma": 1.0}, 1, "kept the exact one"),
    ({"affinity": "rbf", "sigma": 1.0}, 2, "kept the exact one"),
]


@pytest.mark.parametrize(("changes", "seed", "said"), CLOUDS, ids=str)
def test_of_both_routes_the_lower_cut_is_kept(
    changes: dict[str, Any], seed: int, said: str, settings: MakeSettings
) -> None:
    points, changes = cloud(seed), {"n_clusters": 5, "landmarks": 60, **changes}
    exact, landmarks, kept = (
        solve(points, settings(route=route, **changes)) for route in ("exact", "landmarks", "best_of")
    )
    cuts = [ncut(exact.graph, each.clustering.labels, 5) for each in (exact, landmarks)]
    assert kept.clustering.ncut == pytest.approx(min(cuts), rel=1e-9)
    assert kept.line.endswith(f"Ncut {cuts[0]:.6g} exactly, {cuts[1]:.6g} by landmarks: {said}")


@pytest.mark.parametrize(("changes", "seed", "said"), CLOUDS, ids=str)
def test_the_kept_answer_gives_fitted_points_their_labels(
    changes: dict[str, Any], seed: int, said: str, settings: MakeSettings
) -> None:
    kept = solve(cloud(seed), settings(n_clusters=5, landmarks=60, route="best_of", **changes))
    assert (kept.fitted.assign(cloud(seed)) == kept.clustering.labels).double().mean() > 0.97


def test_both_routes_make_as_many_clusters_as_the_eigengap_of_the_exact_one_says(settings: MakeSettings) -> None:
    changes = {"n_clusters": None, "affinity": "rbf", "sigma": 1.0}
    exact, kept = (solve(cloud(0), settings(route=route, **changes)) for route in ("exact", "best_of"))
    assert kept.clustering.n_clusters == exact.clustering.n_clusters


def with_cut(given: Solution, cut: float) -> Solution:
    return given._replace(clustering=given.clustering._replace(ncut=cut))


@pytest.fixture(scope="module")
def answer(settings: MakeSettings, arcs: Points) -> Solution:
    return solve(arcs(40)[0], settings())


@pytest.mark.parametrize(("exact", "landmarks", "lower"), [(0.5, 0.4, 0.4), (0.4, 0.5, 0.4)])
def test_the_better_answer_is_that_of_the_lower_cut(
    exact: float, landmarks: float, lower: float, answer: Solution
) -> None:
    assert best_of(with_cut(answer, exact), with_cut(answer, landmarks)).clustering.ncut == lower


def test_of_equal_cuts_the_exact_answer_is_kept(answer: Solution) -> None:
    assert best_of(with_cut(answer, 0.5), with_cut(answer, 0.5 - 1e-15)).line.endswith("kept the exact one")


def test_an_empty_cluster_is_no_better_answer(answer: Solution) -> None:
    nothing = answer.clustering._replace(labels=torch.zeros(40, dtype=torch.int64), ncut=0.0)
    found = best_of(with_cut(answer, 0.5), answer._replace(clustering=nothing))
    assert found.line.endswith("0 by landmarks, which leave a cluster empty: kept the exact one")


@pytest.mark.parametrize("route", ["landmarks", "best_of"])
def test_a_graph_without_landmarks_is_refused(route: str, settings: MakeSettings, arcs: Points) -> None:
    with pytest.raises(UsageError, match=f"route '{route}': landmarks are for"):
        solve(arcs(30)[0], settings(affinity="self-tuning", route=route))


def test_duplicates_are_clustered_together(settings: MakeSettings, arcs: Points) -> None:
    points, _ = arcs(100)
    found = solve(torch.cat([points, points]), settings(n_neighbors=12)).clustering.labels
    assert torch.equal(found[:100], found[100:])


def test_two_cliques_of_a_given_graph_are_two_clusters(settings: MakeSettings) -> None:
    blocks: Any = scipy.sparse.block_diag([np.ones((6, 6)), np.ones((5, 5))], format="lil")
    blocks[5, 6] = blocks[6, 5] = 0.1
    found = solve(SparseGraph.from_scipy(blocks.tocsr()), settings(affinity="precomputed"))
    assert found.clustering.labels.tolist() == [0] * 6 + [1] * 5


def test_two_halves_of_an_image_are_two_clusters_and_so_are_those_of_a_like_image(settings: MakeSettings) -> None:
    rows, columns = torch.meshgrid(torch.arange(8), torch.arange(10), indexing="ij")
    grey = torch.where(columns < 4, 0.2, 0.8)
    pixels = torch.stack([rows, columns, grey], dim=2).reshape(-1, 3).double()
    found = solve(pixels, settings(affinity="pixels"))
    expected = (columns.flatten() < 4).long()
    assert torch.equal(found.clustering.labels, expected)
    pixels[:, 2] += 0.01
    assert torch.equal(found.fitted.assign(pixels), expected)


def test_texts_features_are_clustered_by_their_angles(settings: MakeSettings, agreement: Agreement) -> None:
    features = torch.rand(40, 10, generator=torch.Generator().manual_seed(0)).double()
    features[:20, 5:] *= 0.01
    features[20:, :5] *= 0.01
    found = solve(features, settings(affinity="cosine"))
    sparse = solve(features.to_sparse_csr(), settings(affinity="cosine"))
    assert agreement(found.clustering.labels, torch.arange(40) // 20) == 1
    assert torch.equal(found.clustering.labels, sparse.clustering.labels)
    assert torch.equal(sparse.fitted.assign((3 * features).to_sparse_csr()), found.clustering.labels)


def test_new_points_near_old_ones_have_their_rows_in_a_regularised_graph(settings: MakeSettings, arcs: Points) -> None:
    points, _ = arcs(200)
    found = solve(points, settings(regularisation=1.0))
    rows = found.fitted.embed(points + 1e-9)
    assert float((rows - found.clustering.rows).norm() / found.clustering.rows.norm()) < 0.3


def test_several_processes_iterate_each_component_together_and_find_the_same_labels(
    settings: MakeSettings, arcs: Points, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multilevel_module, "ORDERED", 600)
    points, chosen = arcs(1400)[0], settings(n_clusters=4, solver="multilevel")  # 700 points in each of two components
    expected = solve(points, chosen).clustering.labels

    def solved(group: Any) -> tuple[Tensor, int]:
        parts: list[int] = []

        def part() -> None:
            parts.append(group.rank)
            take_part(group)

        labels = group.first_says(lambda: solve(points, chosen, group=group).clustering.labels, part)
        return labels, len(parts)

    for rank, (labels, parts) in enumerate(together(2, solved)):
        assert torch.equal(labels, expected)
        assert parts == (2 if rank else 0)

import warnings

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, make_blobs, make_moons
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters import choosing
from suite_spectral.clusters.choosing import Choice, choose
from suite_spectral.clusters.labelling import by_component
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.spectrum import spectrum
from suite_spectral.graphs.edge_weights import median_sigma
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.gaussian_affinity import Gaussian
from suite_spectral.graphs.nearest_neighbours import NearestNeighbours
from suite_spectral.settings import Settings, Weights

NEIGHBOURS = NearestNeighbours(None, "connectivity", "mean", "auto", None)
SIGMA = Gaussian("stable", 1.0)


def choose_graph(points: Tensor, n_clusters: int | None, *tried: tuple[int, Weights], seed: int = 0) -> Choice:
    candidates = [NearestNeighbours(count, weights, "mean", "auto", None) for count, weights in tried]
    return choose(NEIGHBOURS, points, Settings(n_clusters=n_clusters), candidates=candidates or None, seed=seed)


def graphs(chosen: Choice) -> list[tuple[int | None, str]]:
    """The numbers of neighbours and the weights that were tried."""
    affinities = [candidate.affinity for candidate in chosen.candidates]
    return [(one.n_neighbors, one.weights) for one in affinities if isinstance(one, NearestNeighbours)]


def sigma_of(chosen: Choice) -> float:
    assert isinstance(chosen.affinity, Gaussian) and isinstance(chosen.affinity.sigma, float)
    return chosen.affinity.sigma


def graph_of(chosen: Choice) -> tuple[int | None, str]:
    assert isinstance(chosen.affinity, NearestNeighbours)
    return chosen.affinity.n_neighbors, chosen.affinity.weights


def blobs(*sizes: int) -> Tensor:
    centres = 40.0 * np.arange(len(sizes))[:, None] * np.ones(2)
    return torch.from_numpy(make_blobs(list(sizes), centers=centres, random_state=0)[0])


def test_where_all_graphs_are_as_good_the_first_is_chosen() -> None:
    chosen = choose_graph(blobs(60, 60, 60), 3)
    assert graph_of(chosen) == (10, "connectivity")
    assert len(chosen.candidates) == 8
    assert all(candidate.stability == 1 for candidate in chosen.candidates)
    assert all(candidate.gap == 1 for candidate in chosen.candidates)


def test_a_graph_of_more_components_than_clusters_has_no_gap() -> None:
    chosen = choose_graph(blobs(60, 60, 60), 2)
    assert all(candidate.gap == 0 for candidate in chosen.candidates)


def test_stragglers_are_no_clusters_of_a_candidate() -> None:
    centres = [[0.0, 0.0], [4.0, 0.0], [500.0, 0.0]]
    points = torch.from_numpy(make_blobs([200, 200, 12], centers=centres, random_state=0)[0])
    isolating, other = choose_graph(points, 2, (8, "connectivity"), (30, "connectivity")).candidates
    assert (isolating.n_components, other.n_components) == (2, 1)
    assert min(isolating.smallest, other.smallest) > 0.9


def test_a_stable_candidate_that_splits_off_little_is_not_chosen() -> None:
    points = torch.from_numpy(make_blobs([40, 40], random_state=0)[0])
    first, second = choose_graph(points, 2, (8, "connectivity"), (10, "connectivity")).candidates
    little = first._replace(stability=1.0, smallest=0.1)
    assert choosing._choice([little, second._replace(stability=0.5, smallest=0.3)], 80).affinity == second.affinity


def test_the_choice_has_the_largest_product_of_stability_and_evenness() -> None:
    points = torch.from_numpy(load_digits().data[:400])
    chosen = choose_graph(points, 10)
    mine = next(candidate for candidate in chosen.candidates if candidate.affinity == chosen.affinity)
    best = max(one.stability * min(1.0, one.smallest / 0.5) for one in chosen.candidates)
    assert mine.worth > best - choosing.TIE


def test_a_more_stable_candidate_of_less_even_clusters_is_not_chosen() -> None:
    """As of three spirals, of which the most stable clusters reach from one into another."""
    first, second = choose_graph(blobs(40, 40), 2, (10, "connectivity"), (15, "connectivity")).candidates
    reaching = first._replace(stability=0.97, smallest=0.3)
    right = second._replace(stability=0.74, smallest=0.86)
    assert choosing._choice([reaching, right], 80).affinity == second.affinity


def test_the_number_of_clusters_may_be_left_open() -> None:
    assert choose_graph(blobs(60, 60, 60, 60), None).n_clusters == 4


def test_the_same_seed_chooses_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NearestNeighbours, "sample_size", 300)
    points = torch.from_numpy(load_digits().data)
    first, second = (choose_graph(points, 10, (10, "connectivity"), (15, "self-tuning"), seed=3) for _ in range(2))
    assert first.n_points == 300
    assert [candidate[1:] for candidate in first.candidates] == [candidate[1:] for candidate in second.candidates]


def test_numbers_of_neighbours_beyond_the_points_are_left_out() -> None:
    chosen = choose_graph(blobs(6, 6), 2)  # subsamples of 9
    assert {count for count, _ in graphs(chosen)} == {5}


def test_no_number_of_neighbours_that_fits_is_refused() -> None:
    with pytest.raises(UsageError, match="from 2 to 2"):
        choose_graph(torch.rand(3, 2), 2)


def clusters_by(points: Tensor, sigma: float, k: int) -> Tensor:
    graph = GaussianGraph(points, sigma)
    return by_component(graph, spectrum(Laplacian(graph), k), k).labels


def test_sigma_is_small_enough_for_two_moons() -> None:
    points, labels = make_moons(300, noise=0.03, random_state=0)
    chosen = choose(SIGMA, torch.from_numpy(points), Settings(n_clusters=2))
    assert adjusted_rand_score(clusters_by(torch.from_numpy(points), sigma_of(chosen), 2).numpy(), labels) == 1


@pytest.mark.parametrize(("n", "n_clusters", "said"), [(10, 9, "9 are needed;"), (3, None, "3 are needed for an")])
def test_points_too_few_for_subsamples_are_refused(n: int, n_clusters: int | None, said: str) -> None:
    points = torch.randn(n, 2, generator=torch.Generator().manual_seed(0))
    with pytest.raises(UsageError, match=f"{said}.*give sigma"):
        choose(SIGMA, points, Settings(n_clusters=n_clusters))
    with pytest.raises(UsageError, match=f"{said}.*give n_neighbors"):
        choose_graph(points, n_clusters)


def test_sigma_of_far_blobs_shows_them() -> None:
    points = blobs(60, 60, 60)
    candidates = [Gaussian(scale * median_sigma(points), 1.0) for scale in (1.0, 0.25)]
    chosen = choose(SIGMA, points, Settings(n_clusters=3), candidates=candidates)
    assert sorted(clusters_by(points, sigma_of(chosen), 3).bincount().tolist()) == [60, 60, 60]
    assert all(candidate.stability <= 1 for candidate in chosen.candidates)


def test_a_candidate_whose_vectors_are_not_accurate_is_not_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suite_spectral.eigen.spectrum.excess_of", lambda *given: 9.0)
    points = torch.randn(60, 2, generator=torch.Generator().manual_seed(0))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        choose_graph(points, 2, (10, "connectivity"))

import pytest
import torch

from suite_spectral.comparing import (
    compare,
    compare_cuts,
    numbered_like,
    settings_for,
)
from suite_spectral.module import SpectralClusterer
from suite_spectral.point_sets import PointSet
from suite_spectral.sources.samples import sample

SETTINGS = SpectralClusterer(n_clusters=2).settings()


def moons() -> PointSet:
    found = sample("moons", 200, 0.04, 0)
    return PointSet("moons", torch.from_numpy(found.points), torch.from_numpy(found.labels))


def test_clusters_get_the_number_of_their_class() -> None:
    classes = torch.tensor([0, 0, 0, 1, 1, 2])
    labels = torch.tensor([2, 2, 0, 1, 1, 0])
    assert numbered_like(classes, labels).tolist() == [0, 0, 2, 1, 1, 2]


def test_a_cluster_without_a_class_gets_a_number_of_its_own() -> None:
    classes = torch.tensor([0, 0, 0, 1])
    labels = torch.tensor([0, 0, 1, 2])
    assert numbered_like(classes, labels).tolist() == [0, 0, 2, 1]


def test_spectral_clustering_finds_the_moons_and_k_means_does_not() -> None:
    found = compare(moons(), SETTINGS)
    assert found.spectral.ari == pytest.approx(1)
    assert found.kmeans.ari is not None
    assert found.kmeans.ari < 0.5


def test_spectral_clustering_cuts_less_of_the_graph() -> None:
    found = compare(moons(), SETTINGS)
    assert found.spectral.ncut < found.kmeans.ncut


def test_without_labels_there_is_no_agreement() -> None:
    found = compare(moons()._replace(labels=None), SETTINGS)
    assert [answer.ari for answer in found.answers] == [None, None]
    assert [answer.nmi for answer in found.answers] == [None, None]


def test_as_many_clusters_are_asked_for_as_there_are_classes() -> None:
    three = moons()._replace(labels=torch.arange(200) % 3)
    assert settings_for(SETTINGS, three, None).n_clusters == 3


def test_what_is_asked_for_goes_before_the_classes() -> None:
    assert settings_for(SETTINGS, moons(), 5).n_clusters == 5


def test_without_labels_the_eigengap_says_how_many_clusters_there_are() -> None:
    assert settings_for(SETTINGS, moons()._replace(labels=None), None).n_clusters is None


def test_k_means_gets_as_many_clusters_as_the_eigengap_says() -> None:
    corners = torch.tensor([[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]]).double()
    points = corners.repeat(20, 1) + torch.randn(60, 2, generator=torch.Generator().manual_seed(0))
    given = PointSet("corners", points, None)
    found = compare(given, settings_for(SETTINGS, given, None))
    assert found.n_clusters == 3
    assert len(torch.unique(found.kmeans.labels)) == 3


def test_the_minimum_cut_separates_a_single_point() -> None:
    assert int(compare_cuts().smallest.sum()) == 1


def test_the_normalised_cut_of_the_same_graph_separates_the_moons() -> None:
    cuts = compare_cuts()
    assert cuts.point_set.labels is not None
    assert (cuts.normalised == cuts.point_set.labels).double().mean() > 0.95


def test_the_minimum_cut_is_cheaper_and_its_normalised_cut_dearer() -> None:
    cuts = compare_cuts()
    assert cuts.weights[0] < cuts.weights[1]
    assert cuts.ncuts[0] > cuts.ncuts[1]

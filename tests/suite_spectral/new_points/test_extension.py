import torch

from suite_spectral.new_points.extension import around_threshold, cluster_groups, nearest_cluster


def test_only_clusters_of_the_heaviest_component_are_compared() -> None:
    centroids, groups = torch.tensor([[0.0], [1.0], [5.0]]), torch.tensor([0, 1, 1])
    rows, votes = torch.tensor([[0.1], [0.1]]), torch.tensor([[0.4, 0.3, 0.3], [0.6, 0.4, 0.0]])
    assert nearest_cluster(rows, votes, centroids, groups).tolist() == [1, 0]


def test_a_cluster_belongs_to_the_component_of_most_of_its_points() -> None:
    labels, components = torch.tensor([0, 0, 0, 1, 1]), torch.tensor([0, 2, 2, 1, 1])
    assert cluster_groups(labels, components, 2).tolist() == [2, 1]


def test_a_threshold_lies_in_the_middle_of_two_centroids() -> None:
    entries = torch.tensor([0.0, 1.0, 3.0, 7.0]).double()
    centroids = around_threshold(entries, torch.tensor([1, 1, 0, 0]))
    assert centroids.mean() == 2
    assert centroids[1] < centroids[0]

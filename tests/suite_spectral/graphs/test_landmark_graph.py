import torch
from sklearn.datasets import load_digits, make_circles
from torch import Tensor

from suite_spectral.eigen.landmarks import place_landmarks
from suite_spectral.graphs.landmark_graph import LandmarkGraph


def circles(n: int = 2000, seed: int = 0) -> tuple[Tensor, Tensor]:
    points, labels = make_circles(n, noise=0.05, factor=0.5, random_state=seed)
    return torch.from_numpy(points), torch.from_numpy(labels)


def mixed(n: int = 400) -> tuple[Tensor, LandmarkGraph]:
    points = torch.from_numpy(load_digits().data[:n])
    return points, LandmarkGraph(points, place_landmarks(points, 60))


def test_every_degree_of_a_landmark_graph_is_one() -> None:
    _, graph = mixed()
    ones = torch.ones(400, 1, dtype=torch.float64)
    torch.testing.assert_close(graph.multiply(ones), ones)
    assert torch.equal(graph.degrees(), ones[:, 0])


def test_landmarks_that_no_point_is_near_to_are_left_out() -> None:
    points, _ = circles(200)
    far = torch.cat([place_landmarks(points, 20), torch.full((3, 2), 1e3).double()])
    assert len(LandmarkGraph(points, far).landmarks) == 20

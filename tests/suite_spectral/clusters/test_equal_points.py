import pytest
import torch
from torch import Tensor

from suite_spectral.clusters.equal_points import one_label
from suite_spectral.settings import Settings
from suite_spectral.solving.routes import solve


def copies(*places: float, times: int = 100) -> Tensor:
    return torch.tensor(places, dtype=torch.float64).repeat_interleave(times)[:, None].expand(-1, 2).contiguous()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"affinity": "rbf", "sigma": 1.0},
        {"weights": "self-tuning"},
        {"n_neighbors": None},
        {"route": "landmarks"},
        {"route": "best_of"},
        {"mutual": "both"},
    ],
)
def test_two_points_of_many_copies_are_two_clusters_whatever_is_asked_for(changes: dict[str, object]) -> None:
    points = copies(0.0, 5.0)
    with pytest.warns(RuntimeWarning, match="only 2 of 200 points differ: n_clusters is 2 in place of 3"):
        found = solve(points, Settings(n_clusters=3, **changes))  # type: ignore[arg-type]
    assert found.clustering.labels.tolist() == [0] * 100 + [1] * 100
    assert torch.equal(found.fitted.assign(points), found.clustering.labels)


def test_copies_that_no_edge_joins_have_one_label() -> None:
    points = copies(0.0, 5.0, 6.0, 20.0, times=40)
    for mutual in ("mean", "both"):
        labels = solve(points, Settings(n_clusters=4, n_neighbors=3, mutual=mutual)).clustering.labels  # type: ignore[arg-type]
        assert all(len(set(part.tolist())) == 1 for part in labels.split(40))


def test_a_cluster_keeps_the_points_of_which_it_has_most() -> None:
    labels, groups = torch.tensor([0, 0, 1, 0, 0, 0]), torch.tensor([0, 0, 0, 1, 1, 2])
    assert one_label(labels, groups, 2).tolist() == [1, 1, 1, 0, 0, 0]

import numpy as np
import torch

from suite_spectral.batches import Batch
from suite_spectral.clusters.cuts import ncut
from suite_spectral.measuring import measured_in_shares
from suite_spectral.settings import Settings
from suite_spectral.shares.share import Share
from suite_spectral.solving.routes import solve


def test_the_cut_is_that_on_the_graph_of_the_points_and_is_not_computed_again_where_it_is_known() -> None:
    points = torch.from_numpy(np.random.default_rng(0).random((300, 2)))
    solution = solve(points, Settings(n_clusters=2, route="landmarks", landmarks=30))
    own = Batch(torch.arange(300), points, solution.fitted.labels)
    share = Share.alone(300)
    again = measured_in_shares(own, share, None, solution.fitted, None)
    assert again.ncut == solution.clustering.ncut
    assert measured_in_shares(own, share, None, solution.fitted, 0.5).ncut == 0.5
    others = own._replace(labels=1 - solution.fitted.labels.roll(7))
    expected = ncut(solution.graph, others.labels, 2)  # type: ignore[arg-type]
    assert measured_in_shares(others, share, None, solution.fitted, 0.5).ncut == expected
    assert torch.equal(again.content, points)  # type: ignore[arg-type]
    assert again.numbers is not None
    assert again.numbers.tolist() == list(range(300))

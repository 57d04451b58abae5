import numpy as np
import pytest
import torch

from suite_recnn import forests
from suite_recnn.forests import ForestData, JetBatch
from suite_recnn.network_inputs import PIXELS, images


@pytest.fixture
def batch(make_jets) -> JetBatch:
    return batch_of(make_jets([50, 1, 12, 2]))


def batch_of(jets) -> JetBatch:
    forest = forests.build_trees(jets, "cambridge-aachen", "center")
    return ForestData(forest, np.arange(len(forest)), None).batch(range(len(forest)))


def test_an_image_holds_the_share_of_pt_of_each_pixel(batch) -> None:
    picture = images(batch, radius=4.0)
    assert picture.shape == (4, PIXELS, PIXELS)
    sums = [batch.features[b : b + n, 5].sum() for b, n in zip(batch.offsets, batch.leaf_counts(), strict=False)]
    expected = torch.stack(sums) / batch.features[batch.roots(), 5]
    torch.testing.assert_close(picture.sum(dim=(1, 2)), expected)


def test_a_jet_of_one_constituent_is_the_pixel_in_the_middle(batch) -> None:
    picture = images(batch, radius=0.8)[1]
    assert picture[PIXELS // 2, PIXELS // 2] == pytest.approx(1)
    assert picture.count_nonzero() == 1


def test_what_lies_outside_the_image_is_left_out(batch) -> None:
    assert images(batch, radius=0.05)[0].sum() < images(batch, radius=0.8)[0].sum()


def test_an_image_does_not_break_where_phi_jumps(make_jets) -> None:
    jets = make_jets([40])
    uncentred = forests.build_trees(jets, "kt", "none").features.copy()
    turned = uncentred.copy()
    turned[:, 2] = np.remainder(uncentred[:, 2] - uncentred[-1, 2] + 2 * np.pi, 2 * np.pi) - np.pi  # axis at phi = pi
    offsets, children = torch.tensor([0, 79]), torch.zeros(79, 2, dtype=torch.int64)
    first, second = (
        images(JetBatch(torch.from_numpy(features), children, offsets, None), 0.8) for features in (uncentred, turned)
    )
    assert (first - second).abs().sum() < 0.05  # a constituent on a pixel's edge may fall on either side

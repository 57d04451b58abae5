import warnings

import numpy as np
import pytest
import torch

from suite_recnn import forests
from suite_recnn.far_inputs import NODES, FarInputs, misfit
from suite_recnn.jets import Jets


def features(jets: Jets) -> torch.Tensor:
    return torch.from_numpy(forests.build_trees(jets, "kt", "center").features)


@pytest.fixture
def training(make_jets) -> tuple[torch.Tensor, torch.Tensor]:
    forest = forests.build_trees(make_jets([20, 40, 60] * 20), "kt", "center")
    return forests.robust_scale(forest, np.arange(60))


def test_other_jets_fit(make_jets, training) -> None:
    assert misfit(features(make_jets([50] * 40, seed=3)), *training) is None
    assert misfit(features(make_jets([60], seed=4)), *training) is None


@pytest.mark.parametrize(
    ("times", "factor"),
    [
        (1000, "about 0.001"),
        (1e-3, "about 1,000"),
        (1 / 600, "about 1,000"),
        (100, "about 0.009"),
        (1e-6, "about 1e+06"),
    ],
)
def test_momenta_in_another_unit_do_not_and_a_factor_would_make_them_fit(make_jets, training, times, factor) -> None:
    jets = make_jets([40] * 20, seed=3)
    words = misfit(features(Jets(jets.momenta * times, jets.offsets, {})), *training)
    assert words is not None
    assert f"momenta times {factor} would fit" in words


def test_jets_whose_axes_were_not_centred_do_not_fit_those_that_were(make_jets, training) -> None:
    jets = make_jets([40] * 20, seed=3)
    momenta = jets.momenta[:, [0, 1, 2, 3]]
    momenta[:, 2] += 40 * momenta[:, 3]  # all along the beam
    momenta[:, 3] = np.sqrt((momenta[:, :3] ** 2).sum(axis=1))
    off = torch.from_numpy(forests.build_trees(Jets(momenta, jets.offsets, {}), "kt", "none").features)
    words = misfit(off, *training)
    assert words is not None
    assert "interquartile ranges from the training's median" in words


def test_a_handful_of_nodes_is_not_judged(make_jets, training) -> None:
    jets = make_jets([40], seed=3)
    assert len(features(jets)) < NODES
    assert misfit(features(Jets(jets.momenta * 1000, jets.offsets, {})), *training) is None


def test_a_network_that_saw_no_training_knows_no_far_jets(make_jets) -> None:
    assert misfit(features(make_jets([60] * 3)), torch.zeros(8), torch.ones(8)) is None


def test_a_file_is_warned_of_once(make_jets, training) -> None:
    class Source:
        path, predict_path = "known.h5", "far.h5"

    class Trainer:
        predicting, datamodule = True, Source()

    jets = make_jets([40] * 20, seed=3)
    forest = forests.build_trees(Jets(jets.momenta * 1000, jets.offsets, {}), "kt", "center")
    batch = forests.ForestData(forest, np.arange(20), None).batch(range(20))
    far = FarInputs()
    with pytest.warns(UserWarning, match=r"^far\.h5: these jets are unlike those of the training: .* 0\.001 would fit"):
        far.look_at(batch, *training, Trainer())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        far.look_at(batch, *training, Trainer())

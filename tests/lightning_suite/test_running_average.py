"""The running average of weights is the mean it says, takes buffers along, and lets the first steps pass soon."""

import torch
from torch import nn

from lightning_suite.running_average import average_, decay_at


def test_the_average_is_the_exponential_mean_of_all_weights_and_leaves_the_learner() -> None:
    average, learner = nn.Linear(3, 2), nn.Linear(3, 2)
    expected = [weight.detach().clone() for weight in average.parameters()]
    for step in range(3):
        for index, weight in enumerate(learner.parameters()):
            weight.data.normal_(generator=torch.Generator().manual_seed(step))
            expected[index] = 0.75 * expected[index] + 0.25 * weight.detach()
        before = [weight.detach().clone() for weight in learner.parameters()]
        average_(average, learner, 0.75)
        assert all(map(torch.equal, before, learner.parameters()))
    for mean, weight in zip(expected, average.parameters(), strict=True):
        torch.testing.assert_close(mean, weight.detach())


def test_what_batch_normalisation_remembers_is_averaged_too() -> None:
    average, learner = nn.BatchNorm1d(1), nn.BatchNorm1d(1)
    learner.running_mean.fill_(8.0)
    learner.num_batches_tracked.fill_(3)

    average_(average, learner, 0.75)

    assert (average.running_mean.item(), average.num_batches_tracked.item()) == (2.0, 3)


def test_a_module_without_weights_has_nothing_to_average() -> None:
    average_(nn.Tanh(), nn.Tanh(), 0.5)


def test_weights_of_the_beginning_are_almost_gone_when_the_decay_is_reached() -> None:
    share, step = 1.0, 0
    while decay_at(step, 0.99) < 0.99:
        share, step = share * decay_at(step, 0.99), step + 1
    assert step < 1000
    assert share < 1e-6

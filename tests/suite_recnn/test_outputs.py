import pytest
import torch
from torch.nn import functional

from suite_recnn.outputs import cross_entropy, predicted, probabilities

TWO, THREE = torch.tensor([-1.0, 0.5, 3.0]), torch.tensor([[1.0, 2.0, 0.0], [4.0, 0.0, 1.0], [0.0, 0.0, 5.0]])
LABELS = torch.tensor([0.0, 1.0, 0.0])


def test_two_classes_share_a_logit_and_its_loss_is_the_binary_one() -> None:
    assert torch.equal(cross_entropy(TWO, LABELS), functional.binary_cross_entropy_with_logits(TWO, LABELS))
    assert predicted(TWO).tolist() == [0, 1, 1]
    assert torch.equal(probabilities(TWO), TWO.sigmoid())


def test_the_probabilities_of_more_classes_add_up_to_one() -> None:
    torch.testing.assert_close(probabilities(THREE).sum(dim=1), torch.ones(3))
    assert predicted(THREE).tolist() == [1, 0, 2]


def test_two_logits_are_as_good_as_their_difference() -> None:
    apart = torch.stack([torch.zeros(3), TWO], dim=1)
    torch.testing.assert_close(cross_entropy(apart, LABELS.long()), cross_entropy(TWO, LABELS))


@pytest.mark.parametrize(("logits", "labels"), [(TWO, LABELS), (THREE, torch.tensor([2, 0, 1]))])
def test_a_weight_of_two_is_a_jet_twice(logits, labels) -> None:
    again = [0, 0, 1, 2]
    weighted = cross_entropy(logits, labels, torch.tensor([2.0, 1.0, 1.0]))
    torch.testing.assert_close(weighted, cross_entropy(logits[again], labels[again]))


def test_a_jet_with_a_weight_below_zero_pushes_the_other_way_as_hard() -> None:
    def pushes(weights: list[float]) -> torch.Tensor:
        logits = TWO.clone().requires_grad_()
        cross_entropy(logits, LABELS, torch.tensor(weights)).backward()
        return logits.grad

    torch.testing.assert_close(pushes([1.0, -1.0, 1.0]), pushes([1.0, 1.0, 1.0]) * torch.tensor([1.0, -1.0, 1.0]))


def test_weights_that_cancel_or_vanish_have_a_finite_loss() -> None:
    assert cross_entropy(TWO[:2], LABELS[:2], torch.tensor([1.0, -1.0])).isfinite()
    assert cross_entropy(TWO, LABELS, torch.zeros(3)) == 0

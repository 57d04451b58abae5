import pytest
import torch
from lightning_suite import ragged

from digit_sums.network import DeepSet


@pytest.fixture
def network() -> DeepSet:
    torch.manual_seed(0)
    return DeepSet(embedding_dim=8, hidden_dim=6).double()


def test_the_order_of_the_digits_does_not_matter(network: DeepSet) -> None:
    digits, offsets = ragged.pack([torch.tensor([3, 1, 4, 1]), torch.tensor([1, 4, 1, 3])])
    first, second = network(digits, offsets)
    torch.testing.assert_close(first, second)


def test_a_set_does_not_depend_on_its_neighbours(network: DeepSet) -> None:
    sets = [torch.tensor([3, 1, 4]), torch.tensor([9]), torch.tensor([2, 6])]
    together = network(*ragged.pack(sets))
    alone = torch.cat([network(*ragged.pack([one])) for one in sets])
    torch.testing.assert_close(together, alone)


def test_an_empty_set_has_the_value_of_an_empty_sum(network: DeepSet) -> None:
    value = network(*ragged.pack([torch.tensor([], dtype=torch.int64)]))
    torch.testing.assert_close(value, network.rho.bias)

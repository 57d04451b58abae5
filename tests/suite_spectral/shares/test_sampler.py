import pytest

from suite_spectral.shares.sampler import ShareSampler


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("n", [1, 5, 300, 1000])
def test_every_example_comes_and_all_processes_take_as_many(n: int, size: int) -> None:
    samplers = [ShareSampler(range(n), size, rank) for rank in range(size)]  # type: ignore[arg-type]
    taken = [list(sampler) for sampler in samplers]
    assert {number for numbers in taken for number in numbers} == set(range(n))
    assert {len(numbers) for numbers in taken} == {len(samplers[0])}


def test_a_share_is_in_the_order_of_the_file() -> None:
    assert list(ShareSampler(range(300), 2, 1)) == list(range(150, 300))  # type: ignore[arg-type]

import numpy as np
import torch

from suite_spectral.batches import Batch, Examples
from suite_spectral.processes import collected, shared
from suite_spectral.shares.group import Group
from suite_spectral.shares.sampler import ShareSampler


class First:
    rank, size = 0, 2

    def gathered(self, value: int) -> list[int]:
        return [value, value]


class Both:
    """Process 0 of two, of which the other was given some examples too."""

    rank, size = 0, 2

    def __init__(self, others: list[int]) -> None:
        self.others = np.array(others)

    def gathered(self, value: np.ndarray) -> list[np.ndarray]:
        return [value, self.others.astype(value.dtype)]


def batches(numbers: list[int], held: np.ndarray) -> list[Batch]:
    index = torch.from_numpy(held[numbers])
    return [Batch(part, part[:, None].double(), part % 3) for part in index.split(7)]


def test_one_process_shares_with_nobody() -> None:
    held = np.arange(10, 40)
    share, own = shared(Group(), batches(list(range(30)), held), held)
    assert (len(share), share.n) == (30, 30)
    assert own.index.tolist() == held.tolist()


def test_what_filled_up_a_batch_is_dropped() -> None:
    held = np.arange(0, 1002, 2)  # the other points are held out
    taken = list(ShareSampler(range(501), 2, 0))  # type: ignore[arg-type]
    share, own = shared(First(), batches([*taken, 400], held), held)  # type: ignore[arg-type]
    assert own.index.tolist() == held[:250].tolist()
    assert own.content.tolist() == own.index[:, None].tolist()  # type: ignore[union-attr]
    assert own.labels.tolist() == (own.index % 3).tolist()  # type: ignore[union-attr]
    assert share.offsets.tolist() == [0, 125, 250]


def test_examples_of_all_processes_are_each_there_once_in_the_order_of_the_file() -> None:
    held = np.array([1, 2, 5, 300, 301])  # 0, 3 and others are held out
    content = np.arange(400.0)[:, None]
    examples = Examples(content, held, torch.arange(5))
    own = batches([4, 0, 1], held)  # 2 fills up the last batch of the other process
    whole = collected(Both([300, 2]), own, examples, torch.device("cpu"))  # type: ignore[arg-type]
    assert whole.index.tolist() == [1, 2, 300, 301]  # training was limited to some batches
    assert whole.content.tolist() == [[1], [2], [300], [301]]  # type: ignore[union-attr]
    assert whole.labels.tolist() == [0, 1, 3, 4]  # type: ignore[union-attr]


def test_a_process_may_have_been_given_no_examples() -> None:
    examples = Examples(list("abc"), np.arange(3), None)
    whole = collected(Both([2, 0]), [], examples, torch.device("cpu"))  # type: ignore[arg-type]
    assert (whole.index.tolist(), whole.content, whole.labels) == ([0, 2], ["a", "c"], None)

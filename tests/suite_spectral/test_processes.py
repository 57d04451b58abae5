import numpy as np
import torch

from suite_spectral.batches import Batch
from suite_spectral.processes import shared
from suite_spectral.shares.group import Group
from suite_spectral.shares.sampler import ShareSampler


class First:
    rank, size = 0, 2

    def gathered(self, value: int) -> list[int]:
        return [value, value]


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

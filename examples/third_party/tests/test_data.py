from pathlib import Path

import pytest
import torch
from lightning_suite.errors import DataError

from digit_sums.data import DigitData, collate, read_sets


def test_a_batch_holds_digits_offsets_and_sums() -> None:
    batch = collate([torch.tensor([3, 1]), torch.tensor([9])])
    assert ([3, 1, 9], [0, 2, 3], [4.0, 9.0]) == tuple(part.tolist() for part in batch)


def test_the_same_seed_draws_the_same_sets_and_parts_differ() -> None:
    first, second = DigitData(train_sets=50), DigitData(train_sets=50)
    assert all(map(torch.equal, first.draw(0, 50, 1, 10), second.draw(0, 50, 1, 10)))
    assert not all(map(torch.equal, first.draw(0, 50, 5, 5), first.draw(1, 50, 5, 5)))


def test_training_sets_have_every_size_up_to_the_largest() -> None:
    assert set(range(1, 11)) == {len(one) for one in DigitData().draw(0, 1000, 1, 10)}


def test_a_line_of_something_else_is_refused_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "sets.txt"
    path.write_text("1 2 3\n4 x\n")
    with pytest.raises(DataError, match=r"sets.txt:2: expected digits .* got 'x'"):
        read_sets(path)


def test_an_empty_line_is_an_empty_set(tmp_path: Path) -> None:
    path = tmp_path / "sets.txt"
    path.write_text("1 2\n\n3\n")
    assert [2, 0, 1] == [len(one) for one in read_sets(path)]


def test_sets_in_memory_are_added_up_one_or_several() -> None:
    inputs = DigitData(batch_size=2).inputs([[1, 2], [], [3]], None)
    assert [batch.sums.tolist() for batch in inputs.batches] == [[3.0, 0.0], [3.0]]
    assert not inputs.is_single
    assert DigitData().inputs([3, 1, 4], None).is_single
    with pytest.raises(ValueError, match=r"set 1: expected digits from 0 to 9, got \[12\]"):
        DigitData().inputs([[1], [12]], None)

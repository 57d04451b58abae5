"""Offsets and selections, of numpy and of torch."""

import subprocess
import sys
from typing import Any

import numpy
import pytest
import torch

from lightning_suite.offsets import offsets_of, select

KINDS = [numpy.array, torch.tensor]
ids = ["numpy", "torch"]


@pytest.mark.parametrize("array", KINDS, ids=ids)
@pytest.mark.parametrize(("lengths", "expected"), [([2, 0, 3], [0, 2, 2, 5]), ([], [0]), ([4], [0, 4])])
def test_offsets_begin_with_0_and_end_with_the_number_of_values(
    array: Any, lengths: list[int], expected: list[int]
) -> None:
    offsets = offsets_of(array(lengths, dtype={numpy.array: numpy.int32, torch.tensor: torch.int32}[array]))
    assert offsets.tolist() == expected
    assert "int64" in str(offsets.dtype)


def test_lengths_may_be_a_list() -> None:
    assert offsets_of([1, 2]).tolist() == [0, 1, 3]
    assert offsets_of([]).dtype == numpy.int64


@pytest.mark.parametrize("array", KINDS, ids=ids)
@pytest.mark.parametrize(
    ("chosen", "rows", "expected"),
    [
        ([2, 0], [2, 3, 4, 0, 1], [0, 3, 5]),
        ([0, 0], [0, 1, 0, 1], [0, 2, 4]),
        ([1], [], [0, 0]),
        ([-1], [2, 3, 4], [0, 3]),
        ([True, False, True], [0, 1, 2, 3, 4], [0, 2, 5]),
    ],
)
def test_sequences_are_selected_by_number_and_by_mask(
    array: Any, chosen: list[int], rows: list[int], expected: list[int]
) -> None:
    selected, offsets = select(array([0, 2, 2, 5]), array(chosen))
    assert selected.tolist() == rows
    assert offsets.tolist() == expected


@pytest.mark.parametrize("array", KINDS, ids=ids)
def test_no_sequence_has_no_rows(array: Any) -> None:
    none = array([0, 2])[:0]
    rows, offsets = select(array([0, 2, 2, 5]), none)
    assert (rows.tolist(), offsets.tolist()) == ([], [0])


def test_numpy_alone_needs_no_torch() -> None:
    script = (
        "import sys, numpy; from lightning_suite.offsets import offsets_of, select\n"
        "select(offsets_of([1, 2]), numpy.array([1])); assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0

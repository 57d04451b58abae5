import os

import pytest
import torch
from threadpoolctl import threadpool_info

from suite_spectral.one_thread import one_thread, threads


def of_openmp() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "openmp"}


def test_inside_there_is_one_thread_and_outside_as_many_as_before() -> None:
    before = of_openmp()
    with one_thread():
        assert of_openmp() == {1}
    assert of_openmp() == before


@pytest.mark.parametrize(("asked", "expected"), [(3, 3), (-1, 6), (-4, 3), (-9, 1)])
def test_so_many_threads_are_used_inside_as_are_asked_for(
    asked: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    before = torch.get_num_threads()
    with threads(asked):
        assert torch.get_num_threads() == expected
    assert torch.get_num_threads() == before
    with threads(None):
        assert torch.get_num_threads() == before

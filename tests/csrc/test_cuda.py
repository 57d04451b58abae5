"""The CUDA kernels of each op compile without spills, and run on a CPU: right, without races, within memory."""

from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
KERNELS = {
    "dsa_routing": 2 * (3 + 2 + 3 + 3),  # forward and backward, by width of a pack; float64 has two widths
    "gated_tree_embedding": 2 * 4,  # by dtype: weights transposed, forward, backward, the sums
    "ragged_attention": 2 * 3,  # by dtype: forward, backward for queries, for keys and values
    # By dtype: sums, their gradient without weights and with them, maxima and softmax, forward and backward.
    "ragged_segments": 4 * 9,
    "tree_embedding": 2 * 5,  # by dtype: weights transposed, forward, backward, the sums, the gradient of x
}
REFUSALS = {
    "dsa_routing": [
        "bad offsets: 8 of 8 stop the kernels",
        "dsa_routing: offsets must rise from 0 to the number of words, 4, got 5 and 4 around sentence 1 of 2",
    ],
    "gated_tree_embedding": [
        "bad ones: 6 of 6 stop the kernels",
        "forest: offsets must rise from 0 to the number of nodes, 6, got 7 and 6 around tree 1 of 2",
        "that have no other parent, got 0 and 4 for node 5",
    ],
    "ragged_attention": ["bad offsets: 10 of 10 stop a kernel"],
    "ragged_segments": ["bad offsets: 5 of 5 stop a kernel"],
    "tree_embedding": [
        "bad offsets: 7 of 7 stop the kernels",
        "bad children: 7 of 7 stop the kernels",
        "forest: offsets must rise from 0 to the number of nodes, 6, got 7 and 6 around tree 1 of 2",
        "that have no other parent, got 0 and 4 for node 5",
    ],
}


def source(op: str) -> Path:
    return HERE.parents[1] / "csrc" / op / f"{op}_cuda.cu"


@pytest.mark.parametrize("op", KERNELS)
def test_the_kernels_compile_without_warnings_and_spills(
    op: str, compile_without_spills: Callable[[Path], int]
) -> None:
    assert compile_without_spills(source(op)) == KERNELS[op]


@pytest.mark.parametrize("op", KERNELS)
def test_the_kernels_compile_for_turing(op: str, compile_for_turing: Callable[[Path], str]) -> None:
    compile_for_turing(source(op))


@pytest.mark.parametrize("op", REFUSALS)
def test_the_kernels_run_on_a_cpu_and_equal_the_algorithm(op: str, run_on_cpu: Callable[[Path], str]) -> None:
    text = run_on_cpu(HERE / op / f"{op}_cuda_on_cpu.cpp")
    assert all(refusal in text for refusal in REFUSALS[op]), text

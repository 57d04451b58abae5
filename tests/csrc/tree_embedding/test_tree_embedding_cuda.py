"""The CUDA kernels of tree_embedding compile without spills, and run on a CPU: right, without races, within memory."""

from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[2] / "csrc" / "tree_embedding" / "tree_embedding_cuda.cu"
DRIVER = HERE / "tree_embedding_cuda_on_cpu.cpp"


def test_the_kernels_compile_for_hopper_without_warnings_and_spills(compile_for_hopper: Callable[[Path], int]) -> None:
    # By dtype: forward and backward, each with the weight in shared memory and without; the sums; the gradient of x.
    assert compile_for_hopper(SOURCE) == 2 * (2 * 2 + 2)


def test_the_kernels_compile_for_older_architectures(compile_for_older: Callable[[Path], str]) -> None:
    compile_for_older(SOURCE)


def test_the_kernels_run_on_a_cpu_and_equal_the_recursion(run_on_cpu: Callable[[Path], str]) -> None:
    text = run_on_cpu(DRIVER)
    assert "bad offsets: 7 of 7 stop the kernels" in text
    assert "bad children: 7 of 7 stop the kernels" in text
    assert "forest: offsets must rise from 0 to the number of nodes, 6, got 7 and 6 around tree 1 of 2" in text
    assert "that have no other parent, got 0 and 4 for node 5" in text

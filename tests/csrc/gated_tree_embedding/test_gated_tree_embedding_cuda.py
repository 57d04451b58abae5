"""The kernels of gated_tree_embedding for CUDA compile without spills, and run on a CPU: right, without races."""

from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[2] / "csrc" / "gated_tree_embedding" / "gated_tree_embedding_cuda.cu"
DRIVER = HERE / "gated_tree_embedding_cuda_on_cpu.cpp"


def test_the_kernels_compile_for_hopper_without_warnings_and_spills(compile_for_hopper: Callable[[Path], int]) -> None:
    assert compile_for_hopper(SOURCE) == 2 * 3  # by dtype: forward, backward, the sums


def test_the_kernels_compile_for_older_architectures(compile_for_older: Callable[[Path], str]) -> None:
    compile_for_older(SOURCE)


def test_the_kernels_run_on_a_cpu_and_equal_the_recursion(run_on_cpu: Callable[[Path], str]) -> None:
    text = run_on_cpu(DRIVER)
    assert "bad ones: 6 of 6 stop the kernels" in text
    assert "forest: offsets must rise from 0 to the number of nodes, 6, got 7 and 6 around tree 1 of 2" in text
    assert "that have no other parent, got 0 and 4 for node 5" in text

"""The CUDA kernels of dsa_routing compile without spills, and run on a CPU: right, without races, within memory."""

from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[2] / "csrc" / "dsa_routing" / "dsa_routing_cuda.cu"
DRIVER = HERE / "dsa_routing_cuda_on_cpu.cpp"


def test_the_kernels_compile_for_hopper_without_warnings_and_spills(compile_for_hopper: Callable[[Path], int]) -> None:
    # Forward and backward, by width of a pack; float64 has two widths.
    assert compile_for_hopper(SOURCE) == 2 * (3 + 2 + 3 + 3)


def test_the_kernels_compile_for_older_architectures(compile_for_older: Callable[[Path], str]) -> None:
    compile_for_older(SOURCE)


def test_the_kernels_run_on_a_cpu_and_equal_the_algorithm(run_on_cpu: Callable[[Path], str]) -> None:
    text = run_on_cpu(DRIVER)
    assert "bad offsets: 8 of 8 stop the kernels" in text
    assert "dsa_routing: offsets must rise from 0 to the number of words, 4, got 5 and 4 around sentence 1 of 2" in text

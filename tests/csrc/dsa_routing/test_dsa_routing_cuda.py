"""The CUDA kernels of dsa_routing compile without spills, and run on a CPU: right, without races, within memory."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
SOURCE = ROOT / "csrc" / "dsa_routing" / "dsa_routing_cuda.cu"
DRIVER = HERE / "dsa_routing_cuda_on_cpu.cpp"

NVCC = shutil.which("nvcc") or shutil.which("/usr/local/cuda/bin/nvcc")
GXX = shutil.which("g++")

needs_nvcc = pytest.mark.skipif(NVCC is None, reason="no nvcc here, neither on PATH nor in /usr/local/cuda/bin")
needs_gxx = pytest.mark.skipif(GXX is None, reason="no g++ here")


def said(*command: str | Path | None) -> str:
    """What a command prints; it must end with status 0."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, f"{done.returncode}: {(done.stdout + done.stderr)[-6000:]}"
    return done.stdout + done.stderr


@needs_nvcc
def test_the_kernels_compile_for_hopper_without_warnings_and_spills(tmp_path: Path) -> None:
    flags = ["-std=c++17", "-O3", "-Xcompiler", "-fPIC", "-gencode=arch=compute_90a,code=sm_90a", "-Xptxas", "-v"]
    text = said(NVCC, *flags, f"-I{ROOT / 'csrc'}", "-c", SOURCE, "-o", tmp_path / "kernels.o")
    assert "warning" not in text.lower(), text
    spills = re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads", text)
    assert len(spills) == 2 * (3 + 2 + 3 + 3)  # forward and backward, by width of a pack; float64 has two widths
    assert set(spills) == {("0", "0")}, text


@needs_nvcc
@pytest.mark.parametrize("architecture", ["75", "80"])
def test_the_kernels_compile_for_older_architectures(tmp_path: Path, architecture: str) -> None:
    target = f"-gencode=arch=compute_{architecture},code=compute_{architecture}"
    said(NVCC, "-std=c++17", target, f"-I{ROOT / 'csrc'}", "-ptx", SOURCE, "-o", tmp_path / "kernels.ptx")


# Built without optimisation where a sanitizer is asked for: compiling would take longer than it saves.
@needs_gxx
@pytest.mark.parametrize(
    ("flags", "cases"),
    [
        pytest.param(["-O1"], [], id="as it is"),
        pytest.param(["-O0", "-fsanitize=thread"], ["few"], id="thread sanitizer"),
        pytest.param(
            ["-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
            ["few"],
            id="address and undefined behaviour sanitizers",
        ),
    ],
)
def test_the_kernels_run_on_a_cpu_and_equal_the_algorithm(tmp_path: Path, flags: list[str], cases: list[str]) -> None:
    includes = [f"-I{ROOT / 'csrc'}", f"-I{HERE.parent / 'cuda_on_cpu'}"]
    said(GXX, "-std=c++20", *flags, *includes, DRIVER, "-o", tmp_path / "kernels")
    text = said(tmp_path / "kernels", *cases)
    assert "bad offsets: 8 of 8 stop the kernels" in text
    assert "dsa_routing: offsets must rise from 0 to the number of words, 4, got 5 and 4 around sentence 1 of 2" in text

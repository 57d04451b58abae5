"""Kernels compiled for devices that need not be here, and run on a CPU (cuda_on_cpu/)."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
INCLUDE = f"-I{HERE.parents[1] / 'csrc'}"


def said(*command: str | Path) -> str:
    """What a command prints; it must end with status 0."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, f"{done.returncode}: {(done.stdout + done.stderr)[-6000:]}"
    return done.stdout + done.stderr


@pytest.fixture
def nvcc() -> str:
    path = shutil.which("nvcc") or shutil.which("/usr/local/cuda/bin/nvcc")
    if path is None:
        pytest.skip("no nvcc here, neither on PATH nor in /usr/local/cuda/bin")
    return path


@pytest.fixture(params=["80", "90a"])  # A100; H100 and H200
def compile_without_spills(nvcc: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[Path], int]:
    """Compiles a source, which must give neither warnings nor spills, and returns how many kernels it has."""
    target = f"-gencode=arch=compute_{request.param},code=sm_{request.param}"

    def compile_one(source: Path) -> int:
        flags = ["-std=c++17", "-O3", "-Xcompiler", "-fPIC", target, "-Xptxas", "-v"]
        text = said(nvcc, *flags, INCLUDE, "-c", source, "-o", tmp_path / "kernels.o")
        assert "warning" not in text.lower(), text
        spills = re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads", text)
        assert set(spills) == {("0", "0")}, text
        return len(spills)

    return compile_one


@pytest.fixture
def compile_for_turing(nvcc: str, tmp_path: Path) -> Callable[[Path], str]:
    flags = [
        "-std=c++17",
        "-G",
        "-gencode=arch=compute_75,code=compute_75",
        INCLUDE,
    ]  # -G: unoptimised, since nobody looks at the result
    return lambda source: said(nvcc, *flags, "-ptx", source, "-o", tmp_path / "kernels.ptx")


# Built without optimisation where a sanitizer is asked for: compiling would take longer than it saves.
@pytest.fixture(
    params=[
        pytest.param((["-O1"], []), id="as it is"),
        pytest.param((["-O0", "-fsanitize=thread"], ["few"]), id="thread sanitizer"),
        pytest.param(
            (["-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"], ["few"]),
            id="address and undefined behaviour sanitizers",
        ),
    ]
)
def run_on_cpu(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[Path], str]:
    """Builds a driver, which includes the kernels it runs, and returns what it prints."""
    gxx = shutil.which("g++")
    if gxx is None:
        pytest.skip("no g++ here")
    flags, cases = request.param

    def run(driver: Path) -> str:
        said(gxx, "-std=c++20", *flags, INCLUDE, f"-I{HERE / 'cuda_on_cpu'}", driver, "-o", tmp_path / "kernels")
        return said(tmp_path / "kernels", *cases)

    return run

"""The binding of each op compiles for CUDA too, as a machine without it can check: it needs no header of CUDA's."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from torch.utils.cpp_extension import include_paths

CSRC = Path(__file__).resolve().parents[2] / "csrc"
BINDINGS = sorted(folder / f"{folder.name}.cpp" for folder in CSRC.iterdir() if folder.is_dir())


@pytest.mark.parametrize("binding", BINDINGS, ids=lambda path: path.stem)
def test_the_binding_compiles_for_cuda_without_its_headers(binding: Path) -> None:
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        pytest.skip("there is no C++ compiler")
    target = ["-DWITH_CUDA", "-DUSE_CUDA", "-DTORCH_TARGET_VERSION=0x020b000000000000", "-fvisibility=hidden"]
    paths = [str(CSRC), *include_paths(), sysconfig.get_path("include")]
    checks = ["-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    # The headers of others come as system headers: their warnings are not ours.
    words = [compiler, *checks, *target, f"-I{paths[0]}", *(f"-isystem{path}" for path in paths[1:]), str(binding)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]

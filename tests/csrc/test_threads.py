"""Threads: no two of them touch one number, neither in the kernels of the ops nor in the clustering of jets."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FLAGS = ["-O0", "-g1", "-fsanitize=thread"]

CLUSTER = """
import numpy as np
from suite_recnn import _clustering, clustering
assert _clustering.__file__.startswith({folder!r})
random = np.random.default_rng(0)
counts = random.integers(1, 12, 200)
momenta, offsets = random.normal(size=(counts.sum(), 4)), np.concatenate([[0], np.cumsum(counts)])
momenta[:, 3] = np.linalg.norm(momenta[:, :3], axis=1)
for algorithm in clustering.ALGORITHMS:
    one, several = (clustering.cluster(momenta, offsets, algorithm, threads=threads) for threads in (1, 4))
    for expected, got in zip(one, several):
        np.testing.assert_array_equal(expected, got)
"""


def said(*words: object, **environment: str) -> str:
    """What a program prints; it must end with status 0, as it does not where the sanitizer sees a race."""
    done = subprocess.run(
        list(map(str, words)), env=os.environ | environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, f"{done.returncode}: {(done.stdout + done.stderr)[-6000:]}"
    return done.stdout + done.stderr


@pytest.fixture
def gxx() -> str:
    path = shutil.which("g++")
    if path is None:
        pytest.skip("no g++ here")
    return path


def test_the_kernels_of_ops_write_apart_and_do_not_depend_on_the_number_of_threads(gxx: str, tmp_path: Path) -> None:
    include = [f"-I{ROOT / 'csrc'}", f"-I{HERE / 'cuda_on_cpu'}"]
    said(gxx, "-std=c++20", *FLAGS, *include, HERE / "cpu_threads.cpp", "-o", tmp_path / "kernels")
    assert said(tmp_path / "kernels").count(": ok\n") == 12


def test_the_clustering_of_jets_writes_apart(gxx: str, tmp_path: Path) -> None:
    pybind11 = pytest.importorskip("pybind11")
    package = tmp_path / "suite_recnn"
    package.mkdir()
    for path in (ROOT / "plugins" / "suite_recnn").glob("*.py"):
        (package / path.name).symlink_to(path)
    library = package / f"_clustering{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = [f"-I{pybind11.get_include()}", f"-I{sysconfig.get_path('include')}"]
    source = ROOT / "plugins" / "suite_recnn" / "_clustering.cpp"
    said(gxx, "-std=c++17", *FLAGS, "-fPIC", "-shared", *include, source, "-o", library)
    sanitizer = said(gxx, "-print-file-name=libtsan.so").strip()
    search = f"{tmp_path}{os.pathsep}{ROOT}"
    program = CLUSTER.format(folder=str(tmp_path))
    said(sys.executable, "-c", program, LD_PRELOAD=sanitizer, PYTHONPATH=search, OPENBLAS_NUM_THREADS="1")

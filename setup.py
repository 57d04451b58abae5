"""Compiles the ops, and what plugins have in C++; the rest of the build is in pyproject.toml.

The C++ and CUDA files under csrc/ become ``lightning_suite._C``. One decision is made, and printed: with CUDA or
without. It depends on the installed torch and compiler, not on the machine having a GPU; SUITE_CUDA=0 or 1 overrides
it. Only torch's stable ABI is used: one build serves torch >= 2.11 and every Python. plugins/suite_NAME/_PART.cpp is
written for pybind11, becomes ``suite_NAME._PART``, uses nothing of torch, of csrc/ instruction_sets.h alone, and serves
the Python that compiled it.

An extension that cannot be compiled is replaced by plain torch or numpy, unless LIGHTNING_SUITE_REQUIRE_OPS is 1.
torch compiles in parallel where ninja is installed, as pyproject.toml asks for isolated builds. SUITE_OPTIMIZATION is
the compiler's level: 3, or for a quick build 0. Nothing for debuggers is compiled in, unless CFLAGS asks for it (-g).
"""

import importlib.util
import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

from setuptools import Extension, setup

csrc = Path(__file__).resolve().parent / "csrc"
parts = {f"{path.parent.name}.{path.stem}": str(path) for path in sorted(Path("plugins").glob("*/_*.cpp"))}
extension: dict[str, Any] = {}
if importlib.util.find_spec("torch") is None:  # the backend has already refused to build anything but an sdist
    print("lightning-suite: no torch here, so nothing is compiled")
else:
    import torch
    from torch.utils.cpp_extension import CUDA_HOME, BuildExtension, CppExtension, CUDAExtension

    WITHOUT = "could not be compiled, and plain torch or numpy will run in its place"

    class BuildEach(BuildExtension):
        """Compiles the extensions, and prints which could not be; no binary of an earlier build is left in use."""

        def run(self) -> None:
            if self.inplace or self.editable_mode:
                for binary in (*Path("lightning_suite").glob("_C.*.so"), *Path("plugins").glob("*/_*.so")):
                    binary.unlink()
            super().run()

        def build_extensions(self) -> None:
            for ext in self.extensions:
                Path(self.get_ext_fullpath(ext.name)).unlink(missing_ok=True)
            try:
                super().build_extensions()
            except Exception as error:  # before the first of them: torch refuses this compiler or this CUDA
                for ext in self.extensions:
                    self.leave_out(ext, error)

        def build_extension(self, ext: Extension) -> None:
            try:
                super().build_extension(ext)
            except Exception as error:
                self.leave_out(ext, error)

        def leave_out(self, ext: Extension, error: Exception) -> None:
            if os.environ.get("LIGHTNING_SUITE_REQUIRE_OPS") == "1":
                raise error
            print(f"lightning-suite: {ext.name} {WITHOUT}: {error}")
            ext.optional = True  # there is no binary to copy

    wish = os.environ.get("SUITE_CUDA", "auto")
    if wish not in {"auto", "0", "1"}:
        raise SystemExit(f"lightning-suite: SUITE_CUDA must be 0, 1 or auto, got {wish!r}")
    cuda = bool(torch.version.cuda and CUDA_HOME) if wish == "auto" else wish == "1"
    print(
        f"lightning-suite: compiling the ops {'with' if cuda else 'without'} CUDA (SUITE_CUDA={wish}, "
        f"torch {torch.__version__} built for CUDA {torch.version.cuda}, CUDA compiler in {CUDA_HOME})"
    )
    os.environ.setdefault("TORCH_CUDA_ARCH_LIST", "7.5;8.0+PTX;9.0a")  # Turing, Ampere and by PTX what followed, Hopper
    level = f"-O{os.environ.get('SUITE_OPTIMIZATION', '3')}"
    debugging = "-g" in os.environ.get("CFLAGS", "")
    lean, link = ([], []) if debugging or sys.platform != "linux" else (["-g0"], ["-Wl,-s"])
    shared = [level, "-DTORCH_TARGET_VERSION=0x020b000000000000"]  # 2.11; no -std: torch adds the one that it needs
    shared += ["-DWITH_CUDA", "-DUSE_CUDA"] if cuda else []
    # Not -march=native, so that the binary runs elsewhere: csrc/instruction_sets.h chooses when it runs.
    cxx = [*shared, *lean, "-fno-wrapv", "-ffast-math", "-fno-finite-math-only", "-fvisibility=hidden"]
    sources = sorted(os.path.relpath(path) for end in ("cpp", "cu")[: 1 + cuda] for path in csrc.rglob(f"*.{end}"))
    abi3 = not sysconfig.get_config_var("Py_GIL_DISABLED")  # a Python without its lock has no limited API
    ops = (CUDAExtension if cuda else CppExtension)(
        "lightning_suite._C",
        sources,
        include_dirs=[str(csrc)],  # absolute: the compiler runs in the build folder
        extra_compile_args={"cxx": cxx, "nvcc": shared},
        extra_link_args=link,
        py_limited_api=abi3,
    )
    extension = {"ext_modules": [ops], "cmdclass": {"build_ext": BuildEach}}
    if parts and importlib.util.find_spec("pybind11") is not None:
        import pybind11

        # No sum is fused or reordered; that no number is infinite makes vectors of the search for the least.
        exact = ["-ffp-contract=off", "-ffinite-math-only", "-fno-signed-zeros"]
        extension["ext_modules"] += [
            Extension(
                name,
                [path],
                include_dirs=[pybind11.get_include(), str(csrc)],
                depends=[str(csrc / "instruction_sets.h")],
                extra_compile_args=["-std=c++17", level, *lean, *exact, "-fvisibility=hidden"],
                extra_link_args=link,
                language="c++",
            )
            for name, path in parts.items()
        ]
    elif parts and os.environ.get("LIGHTNING_SUITE_REQUIRE_OPS") == "1":
        raise SystemExit(
            "lightning-suite: LIGHTNING_SUITE_REQUIRE_OPS is 1, but there is no pybind11: install it first"
        )
    elif parts:
        print(f"lightning-suite: {', '.join(parts)} {WITHOUT}: no pybind11 here")

setup(**extension)

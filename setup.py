"""The compiled ops: the C++ and CUDA files under csrc/ become ``lightning_suite._C``; the rest is in pyproject.toml.

One decision is made, and printed: with CUDA or without. It depends on the installed torch and compiler, not on the
machine having a GPU; SUITE_CUDA=0 or 1 overrides it. Only torch's stable ABI is used: one build serves torch >= 2.11.
"""

import importlib.util
import os
from pathlib import Path

from setuptools import setup

csrc = Path(__file__).resolve().parent / "csrc"
extension: dict[str, object] = {}
if any(csrc.rglob("*.cpp")):
    if importlib.util.find_spec("torch") is None:  # the backend has already refused to build anything but an sdist
        print("lightning-suite: no torch here, so nothing is compiled")
    else:
        import torch
        from torch.utils.cpp_extension import CUDA_HOME, BuildExtension, CppExtension, CUDAExtension

        wish = os.environ.get("SUITE_CUDA", "auto")
        cuda = bool(torch.version.cuda and CUDA_HOME) if wish == "auto" else wish == "1"
        print(
            f"lightning-suite: compiling the ops {'with' if cuda else 'without'} CUDA (SUITE_CUDA={wish}, "
            f"torch {torch.__version__} built for CUDA {torch.version.cuda}, CUDA compiler in {CUDA_HOME})"
        )
        stable = ["-DTORCH_TARGET_VERSION=0x020b000000000000", "-DPy_LIMITED_API=0x030b0000"]  # torch 2.11, Python 3.11
        stable += ["-DWITH_CUDA", "-DUSE_CUDA"] if cuda else []
        cxx = ["-O3", "-ffast-math", "-fno-finite-math-only", "-fvisibility=hidden", *stable]
        sources = sorted(os.path.relpath(path) for end in ("cpp", "cu")[: 1 + cuda] for path in csrc.rglob(f"*.{end}"))
        op_library = (CUDAExtension if cuda else CppExtension)(
            "lightning_suite._C",
            sources,
            include_dirs=[str(csrc)],  # absolute: the compiler runs in the build folder
            extra_compile_args={"cxx": cxx, "nvcc": ["-O3", *stable]},  # no -std: torch adds the one it needs
            py_limited_api=True,
        )
        extension = {"ext_modules": [op_library], "cmdclass": {"build_ext": BuildExtension}}
        extension["options"] = {"bdist_wheel": {"py_limited_api": "cp311"}}

setup(**extension)

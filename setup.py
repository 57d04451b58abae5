"""The compiled ops: the C++ and CUDA files under csrc/ become ``lightning_suite._C``; the rest is in pyproject.toml.

One decision is made, and printed: with CUDA or without. It depends on the installed torch and compiler, not on the
machine having a GPU; SUITE_CUDA=0 or 1 overrides it. Only torch's stable ABI is used: one build serves torch >= 2.11.
A compiler that is missing or fails leaves the plain-torch ops, unless LIGHTNING_SUITE_REQUIRE_OPS is 1.
"""

import importlib.util
import os
import sysconfig
from pathlib import Path
from typing import Any

from setuptools import setup

csrc = Path(__file__).resolve().parent / "csrc"
extension: dict[str, Any] = {}
if importlib.util.find_spec("torch") is None:  # the backend has already refused to build anything but an sdist
    print("lightning-suite: no torch here, so nothing is compiled")
else:
    import torch
    from torch.utils.cpp_extension import CUDA_HOME, BuildExtension, CppExtension, CUDAExtension

    class BuildOps(BuildExtension):
        """Compiles, or says that it could not. A binary of an earlier build never passes for this one's."""

        def run(self) -> None:
            if self.inplace or self.editable_mode:
                for old in Path("lightning_suite").glob("_C.*.so"):
                    old.unlink()
            super().run()

        def build_extensions(self) -> None:
            Path(self.get_ext_fullpath("lightning_suite._C")).unlink(missing_ok=True)
            try:
                super().build_extensions()
            except Exception as error:
                if os.environ.get("LIGHTNING_SUITE_REQUIRE_OPS") == "1":
                    raise
                print(f"lightning-suite: the ops could not be compiled and will run as plain torch: {error}")
                self.extensions[0].optional = True  # there is none to copy

    wish = os.environ.get("SUITE_CUDA", "auto")
    if wish not in {"auto", "0", "1"}:
        raise SystemExit(f"lightning-suite: SUITE_CUDA must be 0, 1 or auto, got {wish!r}")
    cuda = bool(torch.version.cuda and CUDA_HOME) if wish == "auto" else wish == "1"
    print(
        f"lightning-suite: compiling the ops {'with' if cuda else 'without'} CUDA (SUITE_CUDA={wish}, "
        f"torch {torch.__version__} built for CUDA {torch.version.cuda}, CUDA compiler in {CUDA_HOME})"
    )
    os.environ.setdefault("TORCH_CUDA_ARCH_LIST", "7.5;8.0+PTX;9.0a")  # Turing, Ampere and by PTX what followed, Hopper
    shared = ["-O3", "-DTORCH_TARGET_VERSION=0x020b000000000000"]  # 2.11; no -std: torch adds the one that it needs
    shared += ["-DWITH_CUDA", "-DUSE_CUDA"] if cuda else []
    # Not -march=native, so that the binary runs elsewhere: csrc/instruction_sets.h chooses when it runs.
    cxx = [*shared, "-ffast-math", "-fno-finite-math-only", "-fvisibility=hidden"]
    sources = sorted(os.path.relpath(path) for end in ("cpp", "cu")[: 1 + cuda] for path in csrc.rglob(f"*.{end}"))
    abi3 = not sysconfig.get_config_var("Py_GIL_DISABLED")  # a Python without its lock has no limited API
    ops = (CUDAExtension if cuda else CppExtension)(
        "lightning_suite._C",
        sources,
        include_dirs=[str(csrc)],  # absolute: the compiler runs in the build folder
        extra_compile_args={"cxx": cxx, "nvcc": shared},
        py_limited_api=abi3,
    )
    extension = {"ext_modules": [ops], "cmdclass": {"build_ext": BuildOps}}
    if abi3:
        extension["options"] = {"bdist_wheel": {"py_limited_api": "cp311"}}

setup(**extension)

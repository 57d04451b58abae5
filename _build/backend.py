"""Build backend (PEP 517): setuptools, building against the torch that the caller's environment already has.

pip builds in isolation by running the caller's interpreter with its site-packages hidden. A second run of that
interpreter, without what hides them, says where torch is; that folder is then appended, last, so that the isolated
setuptools still wins. Naming torch as a build requirement instead would download another one, several gigabytes of
it, and build against that.
"""

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

WHERE = "from importlib.util import find_spec; found = find_spec('torch'); print(found.origin if found else '')"

if importlib.util.find_spec("torch") is None:
    visible = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONNOUSERSITE"}}
    asked = subprocess.run(
        [sys.executable, "-c", WHERE], cwd=sys.prefix, env=visible, capture_output=True, text=True, check=False
    )
    if origin := asked.stdout.strip():
        sys.path.append(str(Path(origin).parent.parent))
        importlib.invalidate_caches()
        os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])  # ninja

from setuptools import build_meta  # noqa: E402
from setuptools.build_meta import *  # noqa: E402, F403

OLDEST = (2, 11)


def need_torch() -> None:
    """Stop with one line, which pip shows as it is, when there is no torch to build against."""
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        raise SystemExit(
            f"lightning-suite: install torch first (for example: {sys.executable} -m pip install torch==2.13.0), "
            "then repeat this command; if torch is installed already, add --no-build-isolation"
        ) from None
    if tuple(int(number) for number in version.split(".")[:2]) < OLDEST:
        raise SystemExit(f"lightning-suite: torch >= 2.11 is needed, torch {version} is installed: upgrade it first")


def after_need_torch(hook: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*arguments: Any, **options: Any) -> Any:
        need_torch()
        return hook(*arguments, **options)

    return checked


# Building the sdist is left alone: it needs no torch.
get_requires_for_build_wheel = after_need_torch(build_meta.get_requires_for_build_wheel)
get_requires_for_build_editable = after_need_torch(build_meta.get_requires_for_build_editable)
prepare_metadata_for_build_wheel = after_need_torch(build_meta.prepare_metadata_for_build_wheel)
prepare_metadata_for_build_editable = after_need_torch(build_meta.prepare_metadata_for_build_editable)
build_wheel = after_need_torch(build_meta.build_wheel)
build_editable = after_need_torch(build_meta.build_editable)

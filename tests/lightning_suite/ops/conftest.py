"""Which form of an op a test runs, and on which device. The op is the one that the test's file is named after."""

from importlib import import_module
from types import ModuleType

import pytest
import torch


@pytest.fixture(scope="module")
def op(request: pytest.FixtureRequest) -> ModuleType:
    """The file of the op."""
    return import_module(f"lightning_suite.ops.{request.path.stem.removeprefix('test_')}")


@pytest.fixture(scope="module")
def compiled(op: ModuleType) -> None:
    """The compiled form is there, or the test is skipped."""
    if not op.COMPILED.devices:
        pytest.skip(f"there is no compiled form here: {op.COMPILED.description}")


@pytest.fixture(scope="module", params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest, op: ModuleType, compiled: None) -> str:
    """Each kind of device, where it is there and the op compiled for it."""
    name = str(request.param)
    if name not in op.COMPILED.devices or (name == "cuda" and not torch.cuda.is_available()):
        pytest.skip(f"no {name} here, or the op is not compiled for it")
    return name


@pytest.fixture(params=["reference", "compiled"])
def form(request: pytest.FixtureRequest, op: ModuleType, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which form the public functions use."""
    name = str(request.param)
    if name == "reference":
        monkeypatch.setattr(op, "COMPILED", op.COMPILED._replace(devices=frozenset()))
    else:
        request.getfixturevalue("compiled")
    return name

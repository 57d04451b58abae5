"""The extension is used where it fits; elsewhere one warning says why not, or an error where it is required."""

import importlib
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lightning_suite import ops
from lightning_suite.errors import OpsError
from lightning_suite.ops import _compiled

try:
    EXTENSION = importlib.import_module("lightning_suite._C")
except ImportError:
    EXTENSION = None

built = pytest.mark.skipif(EXTENSION is None, reason="the extension is not built")


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The extension is looked for once more, in this test and after it, without being required."""
    monkeypatch.delenv(_compiled.REQUIRE, raising=False)
    for cached in (_compiled._extension, _compiled._warn):
        cached.cache_clear()
    yield
    for cached in (_compiled._extension, _compiled._warn):
        cached.cache_clear()


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no extension."""
    monkeypatch.setitem(sys.modules, "lightning_suite._C", None)


@pytest.fixture
def misfit(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one that was built for another torch."""

    def fail(name: str) -> None:
        raise ImportError(f"{name}: undefined symbol: torch_call_dispatcher")

    monkeypatch.setattr(importlib, "import_module", fail)


@built
def test_the_compiled_form_says_what_it_was_compiled_for() -> None:
    form = _compiled.find("dsa_routing")
    assert "cpu" in form.devices
    assert f"with torch {EXTENSION.TORCH}" in form.description
    assert EXTENSION.instruction_set() in form.description
    assert not form.repair


@built
def test_the_extension_gives_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _compiled.find("dsa_routing")


@pytest.mark.usefixtures("absent")
def test_without_the_extension_one_warning_says_why_and_how_to_build() -> None:
    with pytest.warns(RuntimeWarning, match=r"_C was not compiled\. .* C\+\+ compiler: pip install") as warned:
        forms = [_compiled.find("dsa_routing"), _compiled.find("dsa_routing")]
    assert len(warned) == 1
    assert all(not form.devices for form in forms)
    assert forms[0].description == "reference: lightning_suite._C was not compiled"
    assert "pip install" in forms[0].repair


@pytest.mark.usefixtures("misfit")
def test_a_build_for_another_torch_is_told_with_what_it_lacks() -> None:
    with pytest.warns(RuntimeWarning, match=r"does not fit torch .*: lightning_suite\._C: undefined symbol"):
        form = _compiled.find("dsa_routing")
    assert form.description.startswith(f"reference: lightning_suite._C does not fit torch {torch.__version__}")


@built
def test_a_build_older_than_the_source_is_told() -> None:
    with pytest.warns(RuntimeWarning, match="older than the source"):
        assert not _compiled.find("dsa_rooting").devices


@pytest.mark.usefixtures("absent")
def test_a_required_extension_that_is_absent_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_compiled.REQUIRE, "1")
    with pytest.raises(OpsError, match=r"LIGHTNING_SUITE_REQUIRE_OPS is 1, but .* was not compiled"):
        _compiled.find("dsa_routing")


@pytest.mark.usefixtures("misfit")
def test_a_required_extension_that_does_not_fit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_compiled.REQUIRE, "1")
    with pytest.raises(OpsError, match="undefined symbol"):
        _compiled.find("dsa_routing")


def test_a_device_that_was_not_compiled_for_is_warned_of_once() -> None:
    form = _compiled.Form(frozenset({"cpu"}), "compiled for CPU alone")
    with pytest.warns(RuntimeWarning, match="compiled for cpu, not for cuda") as warned:
        _compiled.warn_of_fallback(form, torch.device("cuda"))
        _compiled.warn_of_fallback(form, torch.device("cuda"))
    assert len(warned) == 1


def test_a_device_that_was_not_compiled_for_is_an_error_where_ops_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_compiled.REQUIRE, "1")
    with pytest.raises(OpsError, match="compiled for cpu, not for cuda"):
        _compiled.warn_of_fallback(_compiled.Form(frozenset({"cpu"}), ""), torch.device("cuda"))


def test_an_op_without_the_extension_gives_what_its_reference_gives() -> None:
    script = (
        "import sys, warnings; sys.modules['lightning_suite._C'] = None; warnings.simplefilter('ignore')\n"
        "import importlib, torch; module = importlib.import_module('lightning_suite.ops.dsa_routing')\n"
        "x, offsets, r = module.example(torch.device('cpu'))\n"
        "print(torch.equal(module.dsa_routing(x, offsets, r), module.reference(x, offsets, r)[0]))\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != _compiled.REQUIRE}
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.parametrize(
    "first", ["import lightning_suite.ops.{0}", "from lightning_suite.ops.{0} import COMPILED", ""]
)
def test_the_name_of_an_op_is_its_function_whatever_was_imported_first(first: str) -> None:
    script = "\n".join(
        f"{first.format(name)}\nfrom lightning_suite.ops import {name}\nprint({name}.__name__, callable({name}))"
        for name in ops.names()
    )
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("".join(f"{name} True\n" for name in ops.names()), "")


def test_type_checkers_know_every_op() -> None:
    source = Path(ops.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    assert [name for name in ops.names() if f"import {name} as {name}\n" not in source] == []


def test_asking_for_the_names_imports_no_torch() -> None:
    script = "import sys; from lightning_suite import ops; ops.names(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_is_no_op_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'dsa_rooting'"):
        _ = ops.dsa_rooting


@built
def test_every_op_is_compiled() -> None:
    assert all(what.startswith("compiled for CPU") for what in ops.implementations().values())


@built
def test_the_extension_uses_the_stable_abi_alone() -> None:
    tool = shutil.which("nm")
    if tool is None:
        pytest.skip("there is no nm, which lists the symbols of a library")
    done = subprocess.run([tool, "-D", "-u", "-C", EXTENSION.__file__], capture_output=True, text=True, check=True)
    used = done.stdout.splitlines()
    assert any("aoti_torch" in line for line in used)
    assert not [line for line in used if "at::" in line.split("torch::")[0] or "c10::" in line]


@built
def test_the_extension_serves_every_python_from_3_11_on() -> None:
    assert EXTENSION.__file__.endswith("_C.abi3.so")


@built
def test_the_extension_leaves_small_numbers_as_they_are() -> None:
    """A library linked with fast mathematics would make the whole process round them to zero."""
    script = "import torch, lightning_suite._C; print(bool(torch.tensor([1e-41]) * 1 > 0), 1e-310 * 1.0 > 0)"
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"

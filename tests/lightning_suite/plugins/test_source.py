"""Modules are located and read without an import; where in doubt, they are taken to be right."""

import ast
import sys
from pathlib import Path

import pytest

from lightning_suite.plugins import source


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that must not be imported, with a module inside."""
    folder = tmp_path / "shy_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (folder / "inside.py").write_text('"""What is inside."""\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def test_a_module_is_found_without_importing_its_package(package: Path) -> None:
    spec = source.locate("shy_package.inside")
    assert spec is not None and spec.origin == str(package / "inside.py")
    assert "shy_package" not in sys.modules


@pytest.mark.parametrize("name", ["shy_package.gone", "gone_package.inside", "shy_package.inside.deeper"])
def test_a_module_that_is_not_there_is_none(name: str, package: Path) -> None:
    assert source.locate(name) is None


def test_the_folder_of_a_package_is_its_own_that_of_a_module_its_parent(package: Path) -> None:
    assert source.folder("shy_package") == package
    assert source.folder("shy_package.inside") == package


def test_the_text_of_a_compiled_module_is_none() -> None:
    assert source.text(source.locate("sys")) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('def speak():\n    """Says it."""\n', "Says it."),
        ('def speak(\n    a: int,\n    b: str = ")",\n) -> None:\n    """Says it.\n\n    More.\n    """\n', "Says it."),
        ('async def speak():\n    r"""Says it."""\n', "Says it."),
        ('def other():\n    """No."""\n\n\ndef speak():\n    pass\n\n\ndef third():\n    """No."""\n', ""),
        ('def speaker():\n    """No."""\n', ""),
        ("", ""),
    ],
)
def test_the_help_line_of_a_function_is_the_first_of_its_docstring(text: str, expected: str) -> None:
    assert source.help_line(source.tree(text), "speak") == expected


def test_the_help_line_of_a_module_is_its_first(package: Path) -> None:
    assert source.help_line(source.tree(source.text(source.locate("shy_package.inside")))) == "What is inside."


def test_no_source_has_no_help_line() -> None:
    assert source.help_line(None, "speak") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def show(run: str, *, head: int = 1) -> None: ...", "run"),
        ("def show(\n    folder: str,\n) -> None: ...", "folder"),
        ("async def show(run): ...", "run"),
        ("def show(*, run: str) -> None: ...", ""),
        ("def show() -> None: ...", ""),
        ("def other(run: str) -> None: ...", ""),
        (None, ""),
    ],
)
def test_the_first_parameter_of_a_function_is_read_from_its_text(text: str | None, expected: str) -> None:
    assert source.first_parameter(source.tree(text), "show") == expected


def test_names_are_the_classes_and_functions_of_the_top_level() -> None:
    module = ast.parse("class A: \n    def no(self): ...\nasync def b(): ...\ndef c(): ...\n")
    assert source.names(module) == ["A", "b", "c"]

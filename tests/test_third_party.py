"""Anyone's plugin, installed with pip into an environment of its own, is in no way second class."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, new_environment: Callable[..., Any]) -> Any:
    folder = tmp_path_factory.mktemp("third_party")
    source = shutil.copytree(ROOT / "examples" / "third_party", folder / "source")  # a build leaves files behind
    return new_environment(folder / "venv", source)


def test_it_is_listed_beside_the_others(environment: Any, tmp_path: Path) -> None:
    said = environment.run("-m", "lightning_suite", "list", cwd=tmp_path)
    (line,) = [line for line in said.splitlines() if line.startswith("digit_sums")]
    assert "suite-digit-sums 0.1.0" in line
    assert line.split()[-1] == "ok"


def test_it_passes_the_contract_tests(environment: Any, tmp_path: Path) -> None:
    said = environment.run("-m", "lightning_suite", "check", "digit_sums", cwd=tmp_path)
    assert " passed" in said.splitlines()[-1]
    assert " failed" not in said.splitlines()[-1]


def test_its_own_tests_pass(environment: Any, tmp_path: Path) -> None:
    tests = shutil.copytree(ROOT / "examples" / "third_party" / "tests", tmp_path / "tests")
    said = environment.run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests), "-k", "not contract", cwd=tmp_path
    )
    assert "passed" in said


def test_it_trains_predicts_and_runs_its_own_verb(environment: Any, tmp_path: Path) -> None:
    suite = ("-m", "lightning_suite")
    said = environment.run(*suite, "fit", "--plugin", "digit_sums", "--recipe", "check", "--runs", "runs", cwd=tmp_path)
    (run,) = (tmp_path / "runs" / "digit_sums").iterdir()
    assert f"runs/digit_sums/{run.name}" in said
    environment.run(*suite, "sizes", str(run), cwd=tmp_path)
    assert {path.suffix for path in (run / "figures").iterdir()} == {".png", ".csv"}

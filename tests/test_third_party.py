"""Anyone's plugin, installed with pip into an environment of its own, is in no way second class.

The environment has its own pip-installed distributions; torch and the rest it sees through a path file, so that the
test needs no network.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


class Environment:
    """A virtual environment that also sees the packages of this one."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.python = folder / "bin" / "python"
        self.packages = next((folder / "lib").glob("python*/site-packages"))
        (self.packages / "outside.pth").write_text(
            f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n", encoding="utf-8"
        )

    def run(self, *words: str, cwd: Path) -> str:
        """What a Python command prints; the test fails with it when the command does."""
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {
            "OMP_NUM_THREADS": "1"
        }
        done = subprocess.run(
            [str(self.python), *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("third_party")
    made = Environment(folder / "venv")
    source = folder / "source"  # a build leaves files behind
    shutil.copytree(ROOT / "examples" / "third_party", source)
    made.run("-m", "pip", "install", "--no-build-isolation", "--no-deps", "--no-index", "--quiet", ".", cwd=source)
    return made


def test_it_is_listed_beside_the_others(environment: Environment, tmp_path: Path) -> None:
    said = environment.run("-m", "lightning_suite", "list", cwd=tmp_path)
    (line,) = [line for line in said.splitlines() if line.startswith("digit_sums")]
    assert "suite-digit-sums 0.1.0" in line
    assert line.split()[-1] == "ok"


def test_it_passes_the_contract_tests(environment: Environment, tmp_path: Path) -> None:
    said = environment.run("-m", "lightning_suite", "check", "digit_sums", cwd=tmp_path)
    assert " passed" in said.splitlines()[-1]
    assert " failed" not in said.splitlines()[-1]


def test_its_own_tests_pass(environment: Environment, tmp_path: Path) -> None:
    tests = shutil.copytree(ROOT / "examples" / "third_party" / "tests", tmp_path / "tests")
    said = environment.run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests), "-k", "not contract", cwd=tmp_path
    )
    assert "passed" in said


def test_it_trains_predicts_and_runs_its_own_verb(environment: Environment, tmp_path: Path) -> None:
    suite = ("-m", "lightning_suite")
    said = environment.run(*suite, "fit", "--plugin", "digit_sums", "--recipe", "check", "--runs", "runs", cwd=tmp_path)
    (run,) = (tmp_path / "runs" / "digit_sums").iterdir()
    assert f"runs/digit_sums/{run.name}" in said
    environment.run(*suite, "sizes", str(run), cwd=tmp_path)
    assert {path.suffix for path in (run / "figures").iterdir()} == {".png", ".csv"}

"""The release script writes version and date and changes nothing else; wheels are for what torch has."""

import importlib.machinery
import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = "# Changelog\n\n## Unreleased\n\n### Added\n\n- News.\n\n## 0.1.0\n\n### Added\n\n- All.\n"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def release() -> ModuleType:
    """The script, which has no suffix, as a module."""
    loader = importlib.machinery.SourceFileLoader("release", str(ROOT / ".ci" / "release"))
    spec = importlib.util.spec_from_loader("release", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_what_is_unreleased_goes_under_the_version(release: ModuleType) -> None:
    dated = release.dated(CHANGELOG, "0.2.0", "2026-12-01")
    assert dated == CHANGELOG.replace("## Unreleased\n", "## Unreleased\n\n## 0.2.0 (2026-12-01)\n")


@pytest.mark.parametrize(
    ("changelog", "version", "says"),
    [
        (CHANGELOG, "0.2", "expected a version such as 0.2.0, got '0.2'"),
        (CHANGELOG, "0.1.0", "already has 0.1.0"),
        (CHANGELOG, "0.0.9", "0.0.9 is not above it"),
        (CHANGELOG.replace("### Added\n\n- News.\n\n", ""), "0.2.0", "nothing under Unreleased"),
    ],
)
def test_a_release_that_makes_no_sense_is_refused(changelog: str, version: str, says: str, release: ModuleType) -> None:
    with pytest.raises(SystemExit, match=re.escape(says)):
        release.dated(changelog, version, "2026-12-01")


def test_the_changelog_as_it_is_can_be_released(release: ModuleType) -> None:
    version = Version(PROJECT["project"]["version"]).base_version
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {version} (2026-12-01)\n" in release.dated(text, version, "2026-12-01")


def test_only_the_version_of_the_project_changes(release: ModuleType) -> None:
    before = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    after = tomllib.loads(release.numbered(before, "9.8.7"))
    assert after["project"].pop("version") == "9.8.7"
    expected = tomllib.loads(before)
    del expected["project"]["version"]
    assert after == expected


def test_wheels_leave_out_the_libraries_of_torch() -> None:
    command = PROJECT["tool"]["cibuildwheel"]["linux"]["repair-wheel-command"]
    assert "--exclude 'libtorch*'" in command
    assert "--exclude 'libc10*'" in command


def test_wheels_are_built_for_pythons_that_the_project_allows() -> None:
    required = PROJECT["project"]["requires-python"]
    built = [f"3.{minor}" for minor in re.findall(r"cp3(\d+)-", PROJECT["tool"]["cibuildwheel"]["build"])]
    assert required == f">={built[0]}"


@pytest.mark.parametrize(
    ("printed", "status"),
    [
        ('{"op": "a", "tests": {"cpu": {"agrees": true}}}\n{"op": "b", "tests": {}}', 0),
        ('{"op": "a", "tests": {"cpu": {"agrees": true}, "cuda": {"agrees": false}}}', 1),
        ("", 1),
    ],
)
def test_a_wheel_passes_where_each_op_equals_its_reference(printed: str, status: int) -> None:
    command = PROJECT["tool"]["cibuildwheel"]["test-command"].split(" | ")[1]
    words = [sys.executable, *shlex.split(command)[1:]]
    assert subprocess.run(words, input=printed, text=True, capture_output=True, check=False).returncode == status


def test_a_wheel_without_the_ops_is_refused(release: ModuleType, tmp_path: Path) -> None:
    wheel = tmp_path / "lightning_suite-0.2.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("lightning_suite/__init__.py", "")
    with pytest.raises(SystemExit, match=r"has no extension with the stable ABI; expected lightning_suite/_C"):
        release.audit_abi3(wheel)


def test_the_ops_keep_to_the_stable_abi(release: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("abi3audit", reason="abi3audit, which releases need, is not installed")
    ops = importlib.util.find_spec("lightning_suite._C")
    if ops is None or ops.origin is None:
        pytest.skip("the ops were not compiled")
    wheel = tmp_path / "ops.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(ops.origin, "lightning_suite/_C.abi3.so")
    release.audit_abi3(wheel)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(release.__file__, "lightning_suite/_C.abi3.so")
    with pytest.raises(subprocess.CalledProcessError):
        release.audit_abi3(wheel)

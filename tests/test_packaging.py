"""What an installation promises: names, extras, entry points, requirements, and the build's one refusal."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from importlib.metadata import Distribution, distribution
from importlib.resources import files
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed() -> Distribution:
    return distribution("lightning-suite")


@pytest.fixture(scope="module")
def required(installed: Distribution) -> dict[str, Requirement]:
    """What is required without any extra, by name."""
    requirements = [Requirement(line) for line in installed.requires or []]
    return {each.name: each for each in requirements if each.marker is None}


def test_the_metadata_is_that_of_the_source(installed: Distribution) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ours = {str(Requirement(line)) for line in project["dependencies"]}
    theirs = {str(Requirement(line)) for line in installed.requires or [] if "extra ==" not in line}
    assert (installed.version, theirs) == (project["version"], ours), "install again: pip install -e ."


def test_the_licence_is_apache(installed: Distribution) -> None:
    assert installed.metadata["License-Expression"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize("name", ["dsa", "recnn", "tweets", "spectral", "export", "all", "dev"])
def test_each_extra_is_there(installed: Distribution, name: str) -> None:
    assert name in (installed.metadata.get_all("Provides-Extra") or [])


def test_the_extra_called_all_holds_every_plugin_extra(installed: Distribution) -> None:
    lines = [Requirement(line) for line in installed.requires or []]
    held = {extra for line in lines if line.marker and line.marker.evaluate({"extra": "all"}) for extra in line.extras}
    assert held >= {"dsa", "recnn", "tweets", "spectral", "export"}


def test_the_command_is_called_suite(installed: Distribution) -> None:
    scripts = {point.name: point.value for point in installed.entry_points if point.group == "console_scripts"}
    assert scripts == {"suite": "lightning_suite.cli:main"}


@pytest.mark.parametrize("version", ["2.6.2", "2.6.3"])
def test_the_malicious_releases_of_lightning_are_refused(required: dict[str, Requirement], version: str) -> None:
    assert version not in required["pytorch-lightning"].specifier


@pytest.mark.parametrize("version", ["2.11.0", "2.13.0", "3.0.0"])
def test_torch_is_accepted_from_its_first_whole_stable_abi_on(required: dict[str, Requirement], version: str) -> None:
    assert version in required["torch"].specifier
    assert "2.10.0" not in required["torch"].specifier


def test_only_lightning_has_an_upper_bound() -> None:
    """Its private names, in lightning_internals.py, are tested with each minor release before it is let in."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    requirements = map(Requirement, [*project["dependencies"], *extras])
    bound = [r for r in requirements if any("<" in specifier.operator for specifier in r.specifier)]
    assert [r.name for r in bound] == ["pytorch-lightning"], f"only versions known to be bad are excluded: {bound}"


def test_an_isolated_build_compiles_in_parallel() -> None:
    """torch uses ninja where the build environment has it, and else compiles one file after another."""
    system = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    assert "ninja" in {Requirement(line).name for line in system["requires"]}


def test_type_checkers_are_told_that_the_core_is_typed() -> None:
    assert files("lightning_suite").joinpath("py.typed").is_file()


def test_installing_claims_no_generic_top_level_name() -> None:
    find = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"][
        "find"
    ]
    setuptools = pytest.importorskip("setuptools")
    requirements = {
        name.split(".")[0]
        for folder in find["where"]
        for name in setuptools.find_namespace_packages(ROOT / folder, include=find["include"])
    }
    assert all(name == "lightning_suite" or name.startswith("suite_") for name in requirements), requirements


def test_the_module_runs_as_the_command_does(suite: Callable[..., tuple[int, str, str]]) -> None:
    status, output, _ = suite("--version")
    assert status == 0
    assert distribution("lightning-suite").version in output


# The build backend, run as pip runs it: in a process that starts in the repository's top folder.

HOOK = "import sys; sys.path.insert(0, '_build'); import backend; print(backend.get_requires_for_build_wheel())"


def ask_backend(tmp_path: Path, torch: str | None) -> subprocess.CompletedProcess[str]:
    """Call the hook with another torch than ours, or none, for it to find."""
    absent = "import importlib.metadata as m; real = m.version; "
    if torch is None:
        absent += "def fake(name):\n if name == 'torch': raise m.PackageNotFoundError(name)\n return real(name)"
    else:
        absent += f"def fake(name):\n return {torch!r} if name == 'torch' else real(name)"
    script = tmp_path / "ask.py"
    script.write_text(absent.replace("; def", "\ndef") + "\nm.version = fake\n" + HOOK, encoding="utf-8")
    return subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.skipif(importlib.util.find_spec("setuptools") is None, reason="the build hooks need setuptools")
class TestBackend:
    def test_without_torch_one_line_says_what_to_install_first(self, tmp_path: Path) -> None:
        done = ask_backend(tmp_path, None)
        assert done.returncode != 0
        assert done.stderr.count("\n") == 1
        assert "install torch first" in done.stderr

    def test_a_torch_too_old_is_named_with_its_version(self, tmp_path: Path) -> None:
        done = ask_backend(tmp_path, "2.4.1+cu121")
        assert done.returncode != 0
        assert done.stderr.count("\n") == 1
        assert "2.4.1+cu121" in done.stderr

    def test_a_torch_that_fits_is_used_and_no_other_is_asked_for(self, tmp_path: Path) -> None:
        done = ask_backend(tmp_path, "2.11.0a0+git")
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip().splitlines()[-1] == "[]"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The source without anything that was built of it: an earlier *.egg-info would hide what MANIFEST.in omits."""
    left_behind = shutil.ignore_patterns(".*", "*.egg-info", "*.so", "__pycache__", "build", "dist", "runs")
    return shutil.copytree(ROOT, tmp_path / "copy", ignore=left_behind)


def test_the_sdist_can_be_built_from(copy: Path, tmp_path: Path) -> None:
    """It carries the backend, the licence, the recipes and, where there are ops in C++, their sources and headers."""
    pytest.importorskip("setuptools")
    script = f"import sys; sys.path.insert(0, '_build'); import backend; backend.build_sdist({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", script], cwd=copy, capture_output=True, check=True)
    with tarfile.open(next(tmp_path.glob("lightning_suite-*.tar.gz"))) as archive:
        held = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    needed = {"_build/backend.py", "setup.py", "pyproject.toml", "LICENSE", "README.md", "lightning_suite/py.typed"}
    needed |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "plugins").glob("suite_*/recipes/*.yaml")}
    needed |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "csrc").rglob("*") if path.is_file()}
    needed |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "plugins").rglob("*.cpp")}
    assert not needed - held, f"add it to MANIFEST.in: {needed - held}"


NO_COMPILER = {"CC": "false", "CXX": "false", "SUITE_CUDA": "0", "LIGHTNING_SUITE_REQUIRE_OPS": ""}


def build_in_place(copy: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What setup.py says when it builds where the compiler is ``false``, a command that always fails."""
    variables = {**os.environ, **NO_COMPILER, **environment}
    words = [sys.executable, "setup.py", "build_ext", "--inplace"]
    return subprocess.run(words, cwd=copy, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.skipif(importlib.util.find_spec("setuptools") is None, reason="the build needs setuptools")
class TestBuildWithoutACompiler:
    def test_it_leaves_the_references_and_says_so(self, copy: Path) -> None:
        done = build_in_place(copy)
        assert done.returncode == 0, done.stderr
        assert "lightning-suite: compiling the ops without CUDA (SUITE_CUDA=0, torch " in done.stdout
        for name in (
            "lightning_suite._C",
            "suite_recnn._clustering",
            "suite_spectral._blocks",
            "suite_spectral._cells",
            "suite_spectral._cuts",
            "suite_spectral._kernels",
            "suite_spectral._products",
        ):
            assert f"lightning-suite: {name} could not be compiled, and plain torch or numpy will run" in done.stdout
        assert not list(copy.rglob("*.so"))

    @pytest.mark.parametrize("what", ["compiler", "linker"])
    def test_it_fails_where_the_ops_are_required(self, copy: Path, what: str) -> None:
        for folder in filter(Path.is_dir, (copy / "csrc").iterdir()):
            shutil.rmtree(folder)  # the rest compiles in a second
        broken = {} if what == "compiler" else {"CC": "cc", "CXX": "c++", "LDFLAGS": "-lthere_is_no_such_library"}
        done = build_in_place(copy, LIGHTNING_SUITE_REQUIRE_OPS="1", **broken)
        assert done.returncode != 0

    def test_a_binary_of_an_earlier_build_does_not_survive(self, copy: Path) -> None:
        (copy / "lightning_suite" / "_C.abi3.so").touch()
        (copy / "plugins" / "suite_recnn" / "_clustering.cpython-311-x86_64-linux-gnu.so").touch()
        assert build_in_place(copy).returncode == 0
        assert not list(copy.rglob("*.so"))

    def test_a_build_elsewhere_leaves_the_binary_that_is_in_use(self, copy: Path) -> None:
        (copy / "lightning_suite" / "_C.abi3.so").touch()
        words = [sys.executable, "setup.py", "build", "--build-base", "elsewhere"]
        subprocess.run(words, cwd=copy, env={**os.environ, **NO_COMPILER}, capture_output=True, check=True)
        assert (copy / "lightning_suite" / "_C.abi3.so").exists()

    def test_an_unknown_wish_for_cuda_is_refused(self, copy: Path) -> None:
        done = build_in_place(copy, SUITE_CUDA="yes")
        assert done.returncode != 0
        assert "SUITE_CUDA must be 0, 1 or auto, got 'yes'" in done.stderr

    def test_it_can_still_be_installed(self, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in NO_COMPILER.items():
            monkeypatch.setenv(name, value)
        words = ["--no-build-isolation", "--no-deps", "--no-index", "--quiet", "--target", str(tmp_path / "there")]
        subprocess.run([sys.executable, "-m", "pip", "install", *words, str(copy)], check=True)
        assert (tmp_path / "there" / "lightning_suite" / "ops" / "dsa_routing.py").is_file()
        assert not list((tmp_path / "there").rglob("*.so"))

    def test_the_wheel_is_for_the_python_that_built_it(self, copy: Path, tmp_path: Path) -> None:
        """One of its binaries would serve every Python, the other serves this one alone."""
        script = f"import sys; sys.path.insert(0, '_build'); import backend; backend.build_wheel({str(tmp_path)!r})"
        variables = {**os.environ, **NO_COMPILER}
        subprocess.run([sys.executable, "-c", script], cwd=copy, env=variables, capture_output=True, check=True)
        (wheel,) = tmp_path.glob("lightning_suite-*.whl")
        this = f"cp{sys.version_info.major}{sys.version_info.minor}"
        assert wheel.name.split("-")[2:4] == [this, this + sys.abiflags]
        with zipfile.ZipFile(wheel) as archive:
            assert not [name for name in archive.namelist() if name.endswith(".cpp")]


A_COMPILER = {"CC": "cc", "CXX": "c++"}


@pytest.mark.skipif(importlib.util.find_spec("setuptools") is None, reason="the build needs setuptools")
@pytest.mark.skipif(shutil.which("c++") is None, reason="there is no compiler")
class TestBuildOfOneAlone:
    SPECTRAL = ("_blocks", "_cells", "_cuts", "_kernels", "_products")
    PARTS = ("suite_recnn/_clustering", *(f"suite_spectral/{part}" for part in SPECTRAL))
    ALL = frozenset({"lightning_suite/_C", *(f"plugins/{part}" for part in PARTS)})

    @pytest.fixture
    def small(self, copy: Path) -> Path:
        """All are there, and compile in a moment."""
        for folder in filter(Path.is_dir, (copy / "csrc").iterdir()):
            shutil.rmtree(folder)
        (copy / "csrc" / "library.cpp").write_text('extern "C" void* PyInit__C() { return nullptr; }\n')
        for part in self.PARTS:
            empty = f'extern "C" void* PyInit_{Path(part).name}() {{ return nullptr; }}\n'
            (copy / "plugins" / f"{part}.cpp").write_text(empty)
        return copy

    def built(self, folder: Path) -> set[str]:
        return {path.relative_to(folder).as_posix().split(".")[0] for path in folder.glob("*/**/*.so")} - {"build"}

    def test_each_is_put_where_its_package_is(self, small: Path) -> None:
        assert build_in_place(small, LIGHTNING_SUITE_REQUIRE_OPS="1", **A_COMPILER).returncode == 0
        shutil.rmtree(small / "build")
        assert self.built(small) == self.ALL

    @pytest.mark.parametrize(
        ("broken", "lost"),
        [
            ("csrc/library.cpp", "lightning_suite/_C"),
            ("plugins/suite_recnn/_clustering.cpp", "plugins/suite_recnn/_clustering"),
            ("plugins/suite_spectral/_kernels.cpp", "plugins/suite_spectral/_kernels"),
        ],
    )
    def test_one_that_fails_does_not_take_the_others_with_it(self, small: Path, broken: str, lost: str) -> None:
        (small / broken).write_text("#error this does not compile\n")
        done = build_in_place(small, **A_COMPILER)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("could not be compiled") == 1
        shutil.rmtree(small / "build")
        assert self.built(small) == self.ALL - {lost}

    def test_each_is_required(self, small: Path) -> None:
        (small / "plugins" / "suite_recnn" / "_clustering.cpp").write_text("#error this does not compile\n")
        assert build_in_place(small, LIGHTNING_SUITE_REQUIRE_OPS="1", **A_COMPILER).returncode != 0

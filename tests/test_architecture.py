"""The house rules of ARCHITECTURE.md, held by reading the source: what may import what, and what is called what.

Nothing of the project is imported here; the files are parsed, so a rule holds for code that cannot run as well.
"""

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "lightning_suite"
PLUGINS = sorted(folder for folder in (ROOT / "plugins").glob("suite_*") if folder.is_dir())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENTRY_POINTS: dict[str, str] = PROJECT["entry-points"]["lightning_suite.plugins"]

LIGHTNING = {"lightning", "lightning_fabric", "pytorch_lightning"}
HEAVY = LIGHTNING | {"jsonargparse", "matplotlib", "msgpack", "numpy", "pyarrow", "torch", "torchmetrics"}
LIGHT = [
    "__init__",
    "__main__",
    "cli",
    "errors",
    "pictures",
    "plugin",
    "progress",
    "plugins.find",
    "verbs.doctor",
    "verbs.info",
    "verbs.compare_runs",
    "verbs.export",
    "verbs.list",
    "verbs.report",
    "verbs.reproduce",
    "verbs.runs",
    "verbs.sweep",
]
PLUGIN_FILES = ["README.md", "__init__.py", "data.py", "module.py", "network.py", "recipes/default.yaml"]
VAGUE_NAMES = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}


# Reading the source


def python_files(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py") if ".venv" not in path.parts)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The dotted names that import statements name; ``from a import b`` gives a and a.b, for b may be a module."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def imports(path: Path) -> frozenset[str]:
    """Everything that a file imports, wherever in it; of a plugin's record what runs, for it names classes for mypy."""
    nodes = walk_what_runs if path.parent in PLUGINS and path.name == "__init__.py" else ast.walk
    return frozenset(imported(nodes(parse(path))))


@cache
def imports_that_run(path: Path) -> tuple[str, ...]:
    """What importing a file imports."""
    return tuple(imported(walk_what_runs(parse(path))))


def walk_what_runs(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when a module is imported: not the bodies of functions, not what only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from walk_what_runs(child)


def file_of(module: str) -> Path | None:
    """The file of a module of the core or of a plugin; None for anything else."""
    folder = ROOT if module.split(".")[0] == "lightning_suite" else ROOT / "plugins"
    stem = folder.joinpath(*module.split("."))
    return next((path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file()), None)


def imports_to_start(module: str) -> dict[str, str]:
    """All that is imported, through any number of our modules, by importing one; each with the module that names it."""
    found: dict[str, str] = {}
    waiting, seen = [module], set()
    while waiting:
        name = waiting.pop()
        parts = name.split(".")
        waiting += [parent for i in range(1, len(parts)) if (parent := ".".join(parts[:i])) not in seen]
        path = file_of(name)
        if path is None or name in seen:
            continue
        seen.add(name)
        for target in imports_that_run(path):
            found.setdefault(target, name)
            waiting.append(target)
    return found


def heavy_imports_to_start(module: str) -> list[str]:
    return sorted(f"{by} imports {name}" for name, by in imports_to_start(module).items() if root_of(name) in HEAVY)


def root_of(name: str) -> str:
    return name.split(".")[0]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def own_modules(names: Iterable[str], package: str) -> set[str]:
    """Of the imported names, the modules that lie directly in a package: suite_x.data.Y gives data."""
    return {name.removeprefix(package + ".").split(".")[0] for name in names if name.startswith(package + ".")}


def packages_of(requirements: Iterable[str]) -> set[str]:
    """Import names of requirements such as ``pytorch-lightning>=2.6``; almost all differ by the dash alone."""
    otherwise = {"pyyaml": "yaml", "pillow": "PIL", "scikit-learn": "sklearn", "faiss-cpu": "faiss"}
    together = {"pytorch-lightning": {"lightning_fabric"}}  # a distribution with more than one package
    names = []
    for requirement in requirements:
        end = next((i for i, sign in enumerate(requirement) if sign not in "-._" and not sign.isalnum()), None)
        names.append(requirement[:end].lower())
    found = {otherwise.get(name, name.replace("-", "_")) for name in names}
    return found.union(*(together.get(name, set()) for name in names))


# Imports go one way


def test_no_plugin_imports_another() -> None:
    packages = {folder.name for folder in PLUGINS}
    bad = [
        f"{relative(path)} imports {name}"
        for folder in PLUGINS
        for path in python_files(folder)
        for name in imports(path)
        if root_of(name) in packages - {folder.name}
    ]
    assert not bad, f"what two plugins share belongs in lightning_suite: {bad}"


def test_the_core_names_no_first_party_plugin() -> None:
    packages = [folder.name for folder in PLUGINS]
    bad = [
        f"{relative(path)} names {package}"
        for path in CORE.rglob("*")
        if path.is_file() and path.suffix not in {".pyc", ".so"}
        for package in packages
        if package in path.read_text(encoding="utf-8")
    ]
    bad += [
        f"{relative(path)}:{node.lineno} names {node.value!r}"
        for path in python_files(CORE)
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Constant) and node.value in ENTRY_POINTS
    ]
    assert not bad, f"the core knows plugins only through their records; let the record say it: {bad}"


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_network_is_plain_torch_without_lightning(folder: Path) -> None:
    files = folder.glob("network*.py")
    bad = sorted(name for path in files for name in imports(path) if root_of(name) in LIGHTNING)
    assert not bad, f"{folder.name}/network.py says what is computed; move what needs Lightning to module.py: {bad}"


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_inside_a_plugin_imports_go_from_studies_to_module_to_network(folder: Path) -> None:
    layers = {"data", "network", "module", "interpretation", "studies"}
    forbidden = {
        "data": {"network", "module", "interpretation", "studies"},
        "network": {"data", "module", "interpretation", "studies"},
        "module": {"interpretation", "studies"},
        "interpretation": {"studies"},
        "studies": set(),
    }
    bad = {
        relative(path): wrong
        for path in python_files(folder)
        if (layer := path.relative_to(folder).parts[0].removesuffix(".py"))
        and (wrong := own_modules(imports(path), folder.name) & forbidden.get(layer, layers))
    }
    assert not bad, f"these import what stands above them (any other file of a plugin stands below all of these): {bad}"


def test_in_the_core_imports_go_from_the_command_to_the_parts() -> None:
    leaves: dict[str, set[str]] = {
        "errors": set(),
        "array_files": {"errors", "text_files"},
        "compiled_loops": {"errors"},
        "files": {"errors"},
        "garbage": {"own_process"},
        "needs": {"errors"},
        "parquet_files": {"needs"},
        "plugin": {"plugins"},
        "spelling": set(),
        "tables": {"errors"},
        "text_files": {"errors", "needs", "spelling", "text_files"},
        "plugins": {"errors", "garbage", "plugin", "plugins", "recipes", "spelling", "tables"},
        "offsets": set(),
        "own_process": set(),
        "pca": set(),
        "sequences": set(),
        "ragged": {"offsets", "ops", "sequences"},
        "forest": {"ragged"},
        "pictures": {"errors", "files", "needs"},
        "progress": set(),
        "assets": {"errors", "files"},
        "ops": {"_C", "compiled_loops", "errors", "forest", "offsets", "ops", "ragged", "sequences"},
    }
    bad = {}
    for path in python_files(CORE):
        name = path.relative_to(CORE).parts[0].removesuffix(".py")
        used = own_modules(imports(path), "lightning_suite")
        if name in leaves:
            wrong = used - leaves[name]
        else:
            wrong = used & {"cli", "verbs"} if name not in {"__main__", "cli", "testing", "verbs"} else set()
        if wrong:
            bad[relative(path)] = wrong
    assert not bad, f"a part must not know who uses it; pass what it needs as an argument: {bad}"


def test_finding_plugins_imports_from_the_diagnosis_to_the_origin() -> None:
    layers = [
        {"origin"},
        {"guard", "isolated", "other_name", "requirements", "source"},
        {"literal", "signature"},
        {"explain"},
        {"check"},
        {"records", "resolve"},
        {"find"},
        {"diagnosis"},
        {"trial"},
    ]
    folder = CORE / "plugins"
    assert {path.stem for path in folder.glob("[!_]*.py")} == set().union(*layers), "give a new file its layer here"
    bad = {
        f"plugins/{name}.py": wrong
        for i, layer in enumerate(layers)
        for name in layer
        if (wrong := own_modules(imports(folder / f"{name}.py"), "lightning_suite.plugins") & set().union(*layers[i:]))
    }
    assert not bad, f"these import what stands beside or above them: {bad}"


def test_no_imports_run_in_a_circle() -> None:
    graph = {}
    for path in python_files(CORE, *PLUGINS):
        below = {found for name in imports(path) if name != "lightning_suite" and (found := file_of(name))}
        graph[relative(path)] = sorted(relative(each) for each in below - {path})
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"move what both need into a file below them: {' <- '.join(error.args[1])}")


def test_first_party_plugins_use_only_the_public_names_of_the_core() -> None:
    bad = [
        f"{relative(path)} imports {name}"
        for folder in PLUGINS
        for path in python_files(folder)
        for name in imports(path)
        if root_of(name) == "lightning_suite" and any(part.startswith("_") for part in name.split("."))
    ]
    assert not bad, f"a third party could not rely on these; make them public or do without: {bad}"


@pytest.mark.parametrize("module", LIGHT)
def test_a_light_module_starts_without_torch_numpy_and_lightning(module: str) -> None:
    name = f"lightning_suite.{module}".removesuffix(".__init__")
    assert file_of(name), f"{name} is gone: correct LIGHT in this file"
    bad = heavy_imports_to_start(name)
    assert not bad, f"`suite list` must answer at once; import inside the function that needs it: {bad}"


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_record_is_cheap_to_import(folder: Path) -> None:
    assert (folder / "__init__.py").is_file(), f"{folder.name} has no __init__.py, so it has no record"
    bad = heavy_imports_to_start(folder.name)
    assert not bad, f"a record names its classes by path and imports nothing heavy: {bad}"


def test_everything_imported_is_required() -> None:
    # used when installed, and never without asking
    where_there = {"datasets", "mteb", "pytest", "sentence_transformers", "setuptools"}
    always = packages_of(PROJECT["dependencies"]) | where_there | {"lightning_suite"}
    extras = PROJECT["optional-dependencies"]
    # The core writes parquet and draws pictures where a plugin's extra has brought the library; cycler is matplotlib's.
    brought = packages_of([*extras["cluster"], *extras["sweep"], *extras["export"]])
    homes = {CORE: always | brought | {"cycler", "matplotlib", "pyarrow"}}
    for name, path in ENTRY_POINTS.items():
        package = path.split(":")[0]
        homes[ROOT / "plugins" / package] = always | packages_of(extras[name]) | {package}
    bad = [
        f"{relative(path)} imports {name}"
        for folder, known in homes.items()
        for path in python_files(folder)
        for name in sorted({root_of(name) for name in imports(path)} - known)
        if name not in sys.stdlib_module_names
    ]
    assert not bad, f"add it to the dependencies, or to the plugin's extra, in pyproject.toml: {bad}"


def test_plugins_write_below_the_root_of_the_trainer() -> None:
    bad = [
        f"{relative(path)}:{node.lineno}"
        for path in python_files(*PLUGINS, ROOT / "examples")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Attribute) and node.attr == "log_dir"
    ]
    assert not bad, f"log_dir is the first logger's and waits for other processes; use default_root_dir: {bad}"


# Names and places


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_every_plugin_folder_has_the_same_files(folder: Path) -> None:
    missing = [name for name in PLUGIN_FILES if not (folder / name).is_file()]
    missing += ["studies.py"] if file_of(f"{folder.name}.studies") is None else []  # a file, or a folder of several
    assert not missing, f"a reader expects these in every plugin; add them to plugins/{folder.name}: {missing}"


def test_plugin_folders_and_entry_points_are_the_same() -> None:
    folders = {folder.name.removeprefix("suite_"): f"{folder.name}:plugin" for folder in PLUGINS}
    assert folders == ENTRY_POINTS, 'correct [project.entry-points."lightning_suite.plugins"] in pyproject.toml'


def test_the_installed_entry_points_are_those_of_the_source() -> None:
    installed = {
        point.name: point.value
        for point in entry_points(group="lightning_suite.plugins")
        if point.dist is not None and point.dist.name == PROJECT["name"]
    }
    assert installed == ENTRY_POINTS, "install again so that the metadata follows: pip install -e ."


def test_every_test_stands_where_its_source_stands() -> None:
    bad = []
    for path in python_files(ROOT / "tests" / "lightning_suite", *(ROOT / "tests").glob("suite_*")):
        inside = path.relative_to(ROOT / "tests")
        if not inside.name.startswith("test_") or inside.name == "test_contract.py":
            continue
        home = ROOT if inside.parts[0] == "lightning_suite" else ROOT / "plugins"
        source = home / inside.parent / inside.stem.removeprefix("test_")
        if not (source.with_suffix(".py").is_file() or source.is_dir()):
            bad.append(f"{relative(path)}: there is no {relative(source)}.py")
    assert not bad, f"name the test after the file it tests, or put it directly in tests/: {bad}"


def test_tests_are_not_packages() -> None:
    bad = [relative(path) for path in (ROOT / "tests").rglob("__init__.py")]
    assert not bad, f"pytest imports each test by its path; remove {bad}"


def ops() -> list[Path]:
    return sorted(path for path in (CORE / "ops").glob("*.py") if not path.stem.startswith("_"))


@pytest.mark.parametrize("path", ops(), ids=lambda path: path.stem)
def test_an_op_is_the_function_its_file_is_named_after(path: Path) -> None:
    functions = {node.name: node for node in parse(path).body if isinstance(node, ast.FunctionDef)}
    assert path.stem in functions, f"{relative(path)} offers def {path.stem}(...); put what is no op elsewhere"
    assert ast.get_docstring(functions[path.stem]), f"{path.stem} needs a docstring with its formula and its source"


@pytest.mark.parametrize("path", ops(), ids=lambda path: path.stem)
def test_an_op_has_its_test(path: Path) -> None:
    test = ROOT / "tests" / "lightning_suite" / "ops" / f"test_{path.stem}.py"
    assert test.is_file(), f"compare it with an independent calculation, values and gradients, in {relative(test)}"


FAMILIES = {"ragged_segments": ["segment_max", "segment_softmax", "segment_sum", "weighted_sum"]}
"""Folders whose kernels are those of several ops."""


def compiled_ops() -> list[Path]:
    return sorted(path for path in (ROOT / "csrc").glob("*") if path.is_dir())


@pytest.mark.parametrize("folder", compiled_ops(), ids=lambda path: path.name)
def test_a_compiled_op_has_all_its_places(folder: Path) -> None:
    op = folder.name
    kernels = [f"csrc/{op}/{op}{end}" for end in (".h", ".cpp", "_cpu.cpp", "_cuda.cu")]
    public = [f"lightning_suite/ops/{each}.py" for each in FAMILIES.get(op, [op])]
    places = [*kernels, *public, f"benchmarks/{op}.py", f"docs/derivations/{op}.md"]
    missing = [name for name in places if not (ROOT / name).is_file()]
    assert not missing, f"docs/adding-an-op.md says what belongs there: {missing}"


@pytest.mark.parametrize("op", [op for folder in compiled_ops() for op in FAMILIES.get(folder.name, [folder.name])])
def test_a_compiled_op_can_be_compared_with_its_reference(op: str) -> None:
    body = parse(CORE / "ops" / f"{op}.py").body
    functions = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    names = {ast.unparse(target) for node in body if isinstance(node, ast.Assign) for target in node.targets}
    assert {"COMPILED", "reference", "example"} <= functions | names, "suite doctor asks for these"


@pytest.mark.parametrize("folder", compiled_ops(), ids=lambda path: path.name)
def test_kernels_know_nothing_of_torch(folder: Path) -> None:
    files = [file for file in folder.iterdir() if file.name != f"{folder.name}.cpp"]
    bad = [
        relative(file) for file in files if "#include <torch" in file.read_text() or '"binding.h"' in file.read_text()
    ]
    assert not bad, f"only the binding, {folder.name}.cpp, includes headers of torch: {bad}"


def test_no_file_has_a_name_that_says_nothing() -> None:
    folders = [CORE, *(ROOT / name for name in ("plugins", "csrc", "tests", "examples", "benchmarks"))]
    bad = [
        relative(path)
        for folder in folders
        for path in folder.rglob("*")
        if path.stem.removeprefix("test_").lower() in VAGUE_NAMES and ".venv" not in path.parts
    ]
    assert not bad, f"name these after what they hold: {bad}"


# Safety


def test_nothing_is_unpickled() -> None:
    unsafe = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
    bad = []
    for path in python_files(CORE, ROOT / "plugins", ROOT / "examples", ROOT / "benchmarks"):
        bad += [f"{relative(path)} imports {name}" for name in sorted(imports(path)) if root_of(name) in unsafe]
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and is_not(node.value, False):
                bad.append(f"{relative(path)}:{node.lineno} {ast.unparse(node)}")
    assert not bad, f"data and checkpoints are read without running code; use JSON, npz or a state_dict: {bad}"


def test_checkpoints_are_loaded_with_weights_only() -> None:
    bad = []
    for path in python_files(CORE, ROOT / "plugins", ROOT / "examples", ROOT / "benchmarks"):
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.keyword) and node.arg == "weights_only" and is_not(node.value, True):
                bad.append(f"{relative(path)}:{node.value.lineno} {ast.unparse(node)}")
            is_load = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "load"
            if is_load and ast.unparse(node.func) == "torch.load":
                keywords = {keyword.arg for keyword in node.keywords}
                bad += [] if "weights_only" in keywords else [f"{relative(path)}:{node.lineno} {ast.unparse(node)}"]
    assert not bad, f"say weights_only=True: a checkpoint must not run code: {bad}"


def is_not(node: ast.expr, value: bool) -> bool:
    return not (isinstance(node, ast.Constant) and node.value is value)

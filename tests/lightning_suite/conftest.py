"""Small distributions as pip would install them: a good plugin, and one for every way to be broken."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from lightning_suite.options import Settings
from lightning_suite.plugins import find
from lightning_suite.plugins.origin import Origin
from lightning_suite.run import Run

MODULE = "from pytorch_lightning import LightningModule\n\n\nclass Net(LightningModule):\n    pass\n"
DATA = "from pytorch_lightning import LightningDataModule\n\n\nclass Data(LightningDataModule):\n    pass\n"
STUDIES = '''def {command}(run: str, *, times: int = 1) -> None:
    """Says the run."""
    print(__name__, run, times)
'''


class Bad(NamedTuple):
    """A kind of broken plugin, and the cause and repair that must be reported."""

    cause: str
    repair: str
    record: Mapping[str, object] = {}
    files: Mapping[str, str] = {}
    code_before: str = ""
    metadata: str = ""


BAD = {
    "import_error": Bad(
        "No module named 'nowhere_to_be_found'", "pip install", code_before="import nowhere_to_be_found"
    ),
    "missing_extra": Bad(
        "not installed: nowhere-to-be-found",
        'pip install "bad-missing-extra[heavy]"',
        {"extra": "heavy"},
        metadata="Provides-Extra: heavy\nRequires-Dist: nowhere-to-be-found>=2; extra == 'heavy'\n",
    ),
    "missing_extra_at_import": Bad(
        "No module named 'nowhere_to_be_found'",
        'pip install "bad-missing-extra-at-import[heavy]"',
        {"extra": "heavy"},
        code_before="import nowhere_to_be_found",
        metadata="Provides-Extra: heavy\nRequires-Dist: nowhere-to-be-found>=2; extra == 'heavy'\n",
    ),
    "syntax_error": Bad("SyntaxError", "correct bad_syntax_error", code_before="def broken(:"),
    "system_exit": Bad("SystemExit(7)", "correct bad_system_exit", code_before="raise SystemExit(7)"),
    "exception": Bad(
        "RuntimeError: nms is missing", "--upgrade bad-exception", code_before="raise RuntimeError('nms is missing')"
    ),
    "wrong_type": Bad("is of type dict", "correct bad_wrong_type", files={"__init__.py": "plugin = {}\n"}),
    "no_record": Bad("has no attribute 'plugin'", "correct bad_no_record", files={"__init__.py": "PLUGIN = 1\n"}),
    "wrong_api": Bad("api 99", "pip install --upgrade lightning-suite", {"api": 99}),
    "newer_record": Bad("unexpected keyword argument 'licence'", "--upgrade lightning-suite", {"licence": "MIT"}),
    "wrong_name": Bad("named 'another'", "same name", {"name": "another"}),
    "path_without_attribute": Bad(
        "module='bad_path_without_attribute.module'", "correct", {"module": "bad_path_without_attribute.module"}
    ),
    "no_module": Bad("no module 'bad_no_module.gone'", "correct", {"module": "bad_no_module.gone:Net"}),
    "no_module_class": Bad(
        "defines no 'Nett'. Did you mean 'Net'?", "correct", {"module": "bad_no_module_class.module:Nett"}
    ),
    "no_data": Bad("no module 'bad_no_data.gone'", "correct", {"data": "bad_no_data.gone:Data"}),
    "no_data_class": Bad("defines no 'Date'. Did you mean 'Data'?", "correct", {"data": "bad_no_data_class.data:Date"}),
    "not_a_module": Bad(
        "expected a subclass of pytorch_lightning.LightningModule",
        "derive it from pytorch_lightning.LightningModule",
        files={"module.py": "from torch import nn\n\n\nclass Net(nn.Module):\n    pass\n"},
    ),
    "not_a_data_module": Bad(
        "expected a subclass of pytorch_lightning.LightningDataModule",
        "derive it from pytorch_lightning.LightningDataModule",
        files={"data.py": "class Data:\n    pass\n"},
    ),
    "bad_recipe": Bad(
        "recipe 'wide' does not parse",
        "correct wide.yaml",
        files={"recipes/wide.yaml": "model:\n  dim: [1, 2\ndata: 3\n"},
    ),
    "recipe_of_a_list": Bad(
        "expected options by name, got list", "correct wide.yaml", files={"recipes/wide.yaml": "- model\n"}
    ),
    "no_recipes": Bad("no package 'bad_nowhere'", "correct", {"recipes": "bad_nowhere:recipes"}),
    "hang": Bad("had not ended", "suite doctor", code_before="import time\ntime.sleep(600)"),
}
"""Every bad plugin by name; its distribution is ``bad-NAME 2.0``."""


class Site:
    """A folder of installed distributions to be put on the search path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(
        self,
        name: str,
        package: str,
        distribution: str,
        *,
        record: Mapping[str, object] | None = None,
        files: Mapping[str, str] | None = None,
        code_before: str = "",
        metadata: str = "",
        version: str = "2.0",
    ) -> None:
        """Install a distribution of one package, whose plugin is good apart from what the arguments change."""
        fields: dict[str, object] = {
            "name": name,
            "summary": f"The plugin {name}",
            "module": f"{package}.module:Net",
            "data": f"{package}.data:Data",
            "recipes": f"{package}:recipes",
            "paper": "Nobody (1999)",
            **(record or {}),
        }
        written = ", ".join(f"{key}={value!r}" for key, value in fields.items())
        source = {
            "__init__.py": f"from lightning_suite.plugin import Plugin\n{code_before}\nplugin = Plugin({written})\n",
            "module.py": MODULE,
            "data.py": DATA,
            "recipes/default.yaml": (
                "summary: A small one\nexpected:\n  test_accuracy: 0.75\n  source: its paper\nmodel: {rate: 1e-5}\n"
            ),
            **(files or {}),
        }
        for path, text in source.items():
            file = self.folder / package / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {distribution}\nVersion: {version}\n{metadata}\n")
        (info / "entry_points.txt").write_text(f"[lightning_suite.plugins]\n{name} = {package}:plugin\n")

    def add_bad(self, kind: str) -> Bad:
        """Install the bad plugin of a kind."""
        bad = BAD[kind]
        self.add(
            kind,
            f"bad_{kind}",
            f"bad-{kind.replace('_', '-')}",
            record=bad.record,
            files=bad.files,
            code_before=bad.code_before,
            metadata=bad.metadata,
        )
        return bad

    def add_with_command(self, name: str, command: str) -> None:
        """Install a good plugin with a verb of its own, which prints its module and its arguments."""
        self.add(
            name,
            f"plugin_{name}",
            f"with-{name}",
            record={"commands": {command: f"plugin_{name}.studies:{command}"}},
            files={"studies.py": STUDIES.format(command=command)},
        )

    def add_meddler(self) -> None:
        """Install the plugin ``meddler``, whose record changes the environment when it is imported."""
        code = "import os\nos.environ['MEDDLER_WAS_HERE'] = '1'"
        self.add("meddler", "meddling", "meddling", code_before=code)

    def origin(self, name: str) -> Origin:
        """Return where this process finds an installed plugin."""
        return next(origin for origin in find.installed() if origin.name == name)

    def add_light_lightning(self) -> None:
        """Put a pytorch_lightning of two empty classes in front: what is tested is our treatment of plugins."""
        stand_in = self.folder / "pytorch_lightning"
        stand_in.mkdir()
        (stand_in / "__init__.py").write_text("class LightningModule: pass\n\n\nclass LightningDataModule: pass\n")

    @property
    def env(self) -> dict[str, str]:
        """What a process needs in its environment to see the distributions."""
        return {"PYTHONPATH": os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")])}


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of one epoch of the plugin of two layers in tiny.py, to be read alone."""
    from lightning_suite.training import fit  # torch is slow to import, and most tests need none

    tiny = f"{Path(__file__).parent / 'tiny.py'}:plugin"
    trainer = {"max_epochs": 1, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    return fit(find.get(tiny), Settings(plugin=tiny, trainer=trainer), root=tmp_path_factory.mktemp("runs"))[0]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An empty folder to install distributions in, on the search path of processes that get its ``env``."""
    folder = tmp_path / "site"
    folder.mkdir()
    return Site(folder)


@pytest.fixture
def here(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The same on the search path of this process; modules that the test imports from it are removed afterwards."""
    monkeypatch.syspath_prepend(str(site.folder))
    yield site
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(site.folder)):
            del sys.modules[name]


@pytest.fixture
def light_lightning(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A pytorch_lightning of two empty classes in this process: what is tested is our treatment of plugins."""
    stand_in = ModuleType("pytorch_lightning")
    for name in ("LightningModule", "LightningDataModule"):
        setattr(stand_in, name, type(name, (), {"__module__": "pytorch_lightning"}))
    stand_in.__all__ = ["LightningModule", "LightningDataModule"]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pytorch_lightning", stand_in)
    return stand_in


@pytest.fixture(scope="session")
def bad_house(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Every broken plugin, two of one name, a good one and one with a warning; Lightning is a light stand-in."""
    house = Site(tmp_path_factory.mktemp("bad_house"))
    for kind in BAD:
        house.add_bad(kind)
    house.add("twin", "twin_one", "first-twin")
    house.add("twin", "twin_two", "second-twin")
    house.add("good", "good_plugin", "good-plugin")
    house.add_meddler()
    house.add_light_lightning()
    return house


@pytest.fixture(scope="session")
def in_bad_house(
    bad_house: Site, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command ``suite`` where every bad plugin is installed, its output read by a program and hence not wrapped."""

    def run(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **bad_house.env, **env}
        environment.pop("COLUMNS", None)
        return subprocess.run(
            [sys.executable, "-m", "lightning_suite", *words],
            env=environment,
            cwd=tmp_path_factory.mktemp("elsewhere"),
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    return run


@pytest.fixture(params=[*BAD])
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of bad plugin in turn."""
    return str(request.param)


@pytest.fixture
def expected_of() -> Callable[[str], Bad]:
    """A function that gives the cause and repair of a kind of broken plugin."""
    return lambda kind: BAD[kind]

"""A plugin may be written for either name of Lightning; its classes are those of our trainer."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lightning_suite.plugins import find, other_name
from lightning_suite.plugins.resolve import resolve


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """What the other name leads to is forgotten after the test."""
    yield
    for name in list(sys.modules):
        if name.partition(".")[0] == "lightning":
            del sys.modules[name]


@pytest.mark.parametrize(
    "line",
    [
        "from lightning.pytorch import LightningModule, LightningDataModule",
        "from lightning import LightningModule, LightningDataModule",
        "import lightning as L\nLightningModule, LightningDataModule = L.LightningModule, L.LightningDataModule",
        "import lightning.pytorch as pl\nLightningModule, LightningDataModule = (\n"
        "    pl.LightningModule, pl.LightningDataModule)",
    ],
)
def test_a_plugin_for_the_other_name_can_be_used(line: str, here: Any, light_lightning: ModuleType) -> None:
    code = f"{line}\n\n\nclass Net(LightningModule): ...\n\n\nclass Data(LightningDataModule): ...\n"
    here.add("calm", "calm_plugin", "calm-plugin", files={"module.py": code, "data.py": code})
    plugin = find.get("calm")
    module: Any = resolve(plugin, "module")
    data: Any = resolve(plugin, "data")
    assert issubclass(module, light_lightning.LightningModule)
    assert issubclass(data, light_lightning.LightningDataModule)


def test_all_parts_of_lightning_have_both_names() -> None:
    with other_name.taken():
        lightning = importlib.import_module("lightning")
        seed = importlib.import_module("lightning.fabric.utilities.seed")
        callbacks = importlib.import_module("lightning.pytorch.callbacks")
        loaded_later = importlib.import_module("lightning.pytorch.demos.boring_classes")
    own = importlib.import_module("pytorch_lightning")
    fabric = importlib.import_module("lightning_fabric")
    assert lightning.Trainer is own.Trainer
    assert lightning.Fabric is fabric.Fabric
    assert lightning.__version__ == own.__version__
    assert callbacks.EarlyStopping is own.callbacks.EarlyStopping
    assert seed is fabric.utilities.seed
    assert issubclass(loaded_later.BoringModel, own.LightningModule)
    assert own.__spec__ is not None
    assert own.__name__ == own.__spec__.name == "pytorch_lightning"


def test_the_name_stays_another_s_where_no_plugin_asked_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lightning.py").write_text("flash = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    finders = list(sys.meta_path)
    with other_name.taken():
        pass
    assert sys.meta_path == finders
    assert importlib.import_module("lightning").flash


def test_a_package_that_was_imported_before_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ModuleType("lightning")
    monkeypatch.setitem(sys.modules, "lightning", before)
    with other_name.taken():
        assert importlib.import_module("lightning") is before

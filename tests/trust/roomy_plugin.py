"""Installs a plugin into a folder whose options take all that settings can name: a class, a type, a function, anything.

Its runs are what the programs of the promises alter.
"""

from pathlib import Path

FILES = {
    "roomy/__init__.py": """from lightning_suite.plugin import Plugin

plugin = Plugin(
    name="roomy",
    summary="A plugin whose options take anything",
    module="roomy.module:Net",
    data="roomy.data:Data",
    commands={"describe": "roomy.studies:describe"},
)
""",
    "roomy/module.py": """from collections.abc import Callable
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import nn

from roomy.shapes import Square


class Net(LightningModule):
    def __init__(
        self,
        width: int = 2,
        layer: nn.Module | None = None,
        shape: Square | None = None,
        kind: type[nn.Module] | None = None,
        make: Callable[[int], Any] | None = None,
        name: str | Callable[[int], Any] = "plain",
        anything: Any = None,
        many: list[Any] | None = None,
        table: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.network = nn.Linear(3, width)

    def training_step(self, batch, batch_idx):
        return self.network(batch[0]).square().mean()

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.network(batch[0]).square().mean())

    def test_step(self, batch, batch_idx):
        self.log("test_loss", self.network(batch[0]).square().mean())

    def predict_step(self, batch, batch_idx):
        return self.network(batch[0])

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters())
""",
    "roomy/shapes.py": """class Square:
    def __init__(self, side: int = 1) -> None:
        self.side = side


class Tile(Square):
    pass
""",
    "roomy/data.py": """from typing import Any

import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader, TensorDataset


class Data(LightningDataModule):
    def __init__(self, points: int = 8, source: Any = None) -> None:
        super().__init__()
        self.points = TensorDataset(torch.arange(3.0 * points).reshape(points, 3))

    def train_dataloader(self):
        return DataLoader(self.points, batch_size=4)

    val_dataloader = test_dataloader = predict_dataloader = train_dataloader
""",
    "roomy/studies.py": '''from lightning_suite import load, load_data


def describe(run: str) -> None:
    """Say what a run is."""
    print(type(load(run)).__name__, type(load_data(run)).__name__)
''',
    "roomy-1.0.dist-info/METADATA": "Metadata-Version: 2.4\nName: roomy\nVersion: 1.0\n",
    "roomy-1.0.dist-info/entry_points.txt": "[lightning_suite.plugins]\nroomy = roomy:plugin\n",
}


def install(folder: Path) -> Path:
    """Write the plugin as pip would, and return the folder, which belongs on PYTHONPATH."""
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder

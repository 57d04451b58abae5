"""Defaults that no file can hold: the class gets the object, config.yaml shows a text that is not read back."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from pytorch_lightning import LightningModule
from pytorch_lightning.demos.boring_classes import BoringDataModule
from torch import nn

from lightning_suite import Plugin
from lightning_suite.options import Settings, build, build_model, help_text, parse

LOSS = nn.MSELoss()
KEEP = functools.partial(round, ndigits=1)


def double(x: float) -> float:
    return 2 * x


class Net(LightningModule):
    def __init__(  # type: ignore[no-untyped-def]
        self,
        width: int = 3,
        loss=LOSS,
        typed_loss: nn.Module = LOSS,
        activation: Callable[[float], float] = lambda x: 3 * x,
        scale: Callable[[float], float] = double,
        keep=KEEP,
        optimizer: type = torch.optim.SGD,
        dtype: torch.dtype = torch.float64,
        kernel=(3, 5),
    ) -> None:
        super().__init__()
        self.arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}


class NetWithNetwork(LightningModule):
    def __init__(self, network: nn.Module = nn.Linear(2, 1)) -> None:  # noqa: B008
        super().__init__()
        self.network = network


def record(module: str) -> Plugin:
    data = f"{BoringDataModule.__module__}:BoringDataModule"
    return Plugin(name="net", summary="", module=f"{__name__}:{module}", data=data)


NET = record("Net")


def test_the_class_gets_the_objects_themselves() -> None:
    got = build(NET, parse(NET, [], start={})).model.arguments
    assert got["loss"] is LOSS and got["keep"] is KEEP and got["scale"] is double
    assert got["optimizer"] is torch.optim.SGD and got["dtype"] is torch.float64 and got["kernel"] == (3, 5)
    assert got["activation"](2) == 6
    assert isinstance(got["typed_loss"], nn.MSELoss)


def test_the_settings_show_them_as_text_that_is_no_option(tmp_path: Path) -> None:
    settings = parse(NET, [], start={})
    assert settings.model["loss"] == "<default: MSELoss()>"
    assert settings.model["activation"] == "<default: <lambda>>"
    assert settings.model["scale"] == f"{__name__}.double"
    assert settings.model["kernel"] == [3, 5]
    (tmp_path / "config.yaml").write_text(settings.as_yaml())
    assert parse(NET, ["--config", str(tmp_path / "config.yaml")], start={}) == settings
    assert build(NET, settings).settings == settings
    assert build_model(NET, settings).arguments["loss"] is LOSS


def test_another_object_is_given_by_its_path() -> None:
    settings = parse(NET, ["--model.typed_loss=torch.nn.L1Loss", "--model.scale=torch.tanh"], start={})
    got = build(NET, Settings(**yaml.safe_load(settings.as_yaml()))).model.arguments
    assert isinstance(got["typed_loss"], nn.L1Loss)
    assert got["scale"] is torch.tanh


def test_a_config_that_shows_the_default_wins_over_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(parse(NET, [], start={}).as_yaml())
    recipe = {"model": {"typed_loss": {"class_path": "torch.nn.L1Loss"}, "kernel": [7, 7], "width": 9}}
    settings = parse(NET, ["--config", str(tmp_path / "config.yaml")], start=recipe)
    got = build(NET, settings).model.arguments
    assert (got["kernel"], type(got["typed_loss"])) == ((3, 5), nn.MSELoss)


def test_help_shows_them() -> None:
    assert "= '<default: <lambda>>' --model.scale" in " ".join(help_text(NET, "suite fit").split())


def test_a_network_among_them_is_new_in_every_training() -> None:
    plugin = record("NetWithNetwork")
    settings = parse(plugin, [], start={})
    first, second = (build(plugin, settings).model.network for _ in range(2))
    assert first is not second
    assert torch.equal(first.weight, second.weight)


@pytest.mark.parametrize("option", ["--model.width=x", "--model.dtype=3"])
def test_a_value_of_another_type_is_refused(option: str) -> None:
    with pytest.raises(Exception, match=option.partition("=")[0].removeprefix("--")):
        parse(NET, [option], start={})

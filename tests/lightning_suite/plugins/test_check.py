"""A record of this release and Lightning's own classes are taken, all else is refused with what it is."""

import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import pytest

from lightning_suite import verbs
from lightning_suite.plugin import API, Plugin
from lightning_suite.plugins.check import check_class, checked_record
from lightning_suite.plugins.explain import BrokenPlugin
from lightning_suite.plugins.origin import Origin

ENTRY = Origin("made", "made_here:plugin", "made-here", "2.0")


RENAMED = {"model.old": "model.new", "speak.loud": "speak.volume", "model.how=old": "model.how=new"}


class Failing(Mapping[str, str]):
    """Options by name that cannot be read."""

    def __getitem__(self, key: str) -> str:
        raise RuntimeError("no such file")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no such file")

    def __len__(self) -> int:
        return 1


class Silent:
    """Cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("not yet")


def record(**fields: Any) -> Plugin:
    return Plugin(
        **{"name": "made", "summary": "Made here", "module": "made_here:Net", "data": "made_here:Data", **fields}
    )


def module_with(plugin: object) -> ModuleType:
    module = ModuleType("made_here")
    module.plugin = plugin  # type: ignore[attr-defined]
    return module


def test_a_record_of_this_release_is_taken() -> None:
    plugin = record(commands={"speak": "made_here:speak"}, recipes="made_here:recipes", extra="heavy", renamed=RENAMED)
    assert checked_record(module_with(plugin), "plugin", ENTRY) == plugin


@pytest.mark.parametrize(
    ("plugin", "cause"),
    [
        ({}, "made_here:plugin is of type dict, expected a lightning_suite.Plugin"),
        (Plugin, "made_here:plugin is the class Plugin, expected a lightning_suite.Plugin"),
        (record(api=0), f"api=0 in its record, expected a version of the contract such as {API}"),
        (record(api="1"), "api='1' in its record"),
        (record(api=API + 1), f"written for api {API + 1}, this lightning-suite understands {API}"),
        (record(summary=""), "summary='' in its record, expected text"),
        (record(data=None), "data=None in its record, expected text"),
        (record(commands=["speak"]), r"commands=['speak'] in its record, expected paths of functions by name"),
        (record(recipes=3), "recipes=3 in its record, expected text or None"),
        (record(module="made_here.Net"), "module='made_here.Net' in its record, expected 'module:attribute'"),
        (record(commands={"speak": 3}), "speak=3 in its record, expected 'module:attribute'"),
        (record(renamed=["model.old"]), "renamed=['model.old'] in its record, expected {'model.old': 'model.new'}"),
        (record(renamed={"old": "new"}), "renamed={'old': 'new'} in its record"),
        (record(renamed={"model.old": 3}), "renamed={'model.old': 3} in its record"),
        (record(renamed={"model.old=a": "model.new"}), "renamed={'model.old=a': 'model.new'} in its record"),
        (record(name="other"), "its record is named 'other', its entry point 'made'"),
        (record(paper=1999), "paper=1999 in its record, expected text"),
        (record(summary="red \x1b[31m"), "summary in its record holds the control character '\\x1b'"),
        (record(summary="so long " * 20_000), "characters long, expected at most 100000"),
        (record(commands={3: "made_here:speak"}), "commands has the verb 3, expected a word"),
        (record(commands={"speak up": "made_here:speak"}), "commands has the verb 'speak up', expected a word"),
        (record(commands={"--loud": "made_here:speak"}), "commands has the verb '--loud', expected a word"),
        (record(commands=Failing()), "in its record, expected paths of functions by name"),
        (record(renamed=Failing()), "in its record, expected {'model.old': 'model.new'}"),
        (record(recipes=Silent()), "recipes=<Silent, whose repr raises RuntimeError> in its record, expected text"),
    ],
)
def test_what_is_no_such_record_is_refused_with_what_it_is(plugin: object, cause: str) -> None:
    with pytest.raises(BrokenPlugin) as raised:
        checked_record(module_with(plugin), "plugin", ENTRY)
    assert cause in raised.value.cause
    assert raised.value.repair


@pytest.mark.parametrize("name", [*verbs.names(), "help", "name:colon", "x.py", "two words", "", "../up", "-x"])
def test_a_name_that_cannot_be_typed_or_is_a_verb_is_refused(name: str) -> None:
    with pytest.raises(BrokenPlugin, match="name"):
        checked_record(module_with(record(name=name)), "plugin", Origin(name, "made_here:plugin", "made-here", "2.0"))


@pytest.mark.parametrize("name", ["made", "made_2", "made-here", "Made.here", "gemacht_für"])
def test_a_word_is_a_name(name: str) -> None:
    origin = Origin(name, "made_here:plugin", "made-here", "2.0")
    assert checked_record(module_with(record(name=name)), "plugin", origin).name == name


def test_a_module_that_raises_for_every_attribute_is_refused() -> None:
    def fail(name: str) -> object:
        raise RuntimeError(f"no {name} today")

    module = ModuleType("made_here")
    module.__getattr__ = fail  # type: ignore[method-assign]
    with pytest.raises(BrokenPlugin, match="the import of plugin from made_here failed: RuntimeError: no plugin today"):
        checked_record(module, "plugin", ENTRY)


def test_a_module_without_the_record_is_refused() -> None:
    with pytest.raises(BrokenPlugin, match="made_here has no attribute 'record'"):
        checked_record(module_with(record()), "record", ENTRY)


def test_a_record_given_by_a_path_may_have_any_name() -> None:
    assert checked_record(module_with(record()), "plugin", Origin("x.py:plugin", "x.py:plugin")).name == "made"


ROLE = "module='made_here:Net'"


def test_lightning_s_own_classes_are_taken(light_lightning: Any) -> None:
    check_class(record(), ROLE, type("Net", (light_lightning.LightningModule,), {}), "LightningModule")


def test_a_class_that_is_no_module_is_refused_with_what_it_derives_from(light_lightning: Any) -> None:
    base = type("Base", (), {"__module__": "made_here"})
    expected = "derived from made_here.Base, expected a subclass of pytorch_lightning.LightningModule"
    with pytest.raises(BrokenPlugin, match=expected):
        check_class(record(), ROLE, type("Net", (base,), {}), "LightningModule")


def test_a_data_module_instead_of_a_module_is_refused(light_lightning: Any) -> None:
    data = type("Net", (light_lightning.LightningDataModule,), {})
    with pytest.raises(BrokenPlugin, match=r"expected a subclass of pytorch_lightning.LightningModule"):
        check_class(record(), ROLE, data, "LightningModule")


def test_a_function_instead_of_a_class_is_refused(light_lightning: Any) -> None:
    with pytest.raises(BrokenPlugin, match="of type function, expected a subclass"):
        check_class(record(), ROLE, lambda: None, "LightningModule")


def test_a_class_of_the_other_lightning_package_is_told_apart(
    light_lightning: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ModuleType("lightning.pytorch")
    other.LightningModule = type("LightningModule", (), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lightning", ModuleType("lightning"))
    monkeypatch.setitem(sys.modules, "lightning.pytorch", other)
    with pytest.raises(BrokenPlugin, match="package 'lightning'") as raised:
        check_class(record(), ROLE, type("Net", (other.LightningModule,), {}), "LightningModule")
    assert "import pytorch_lightning instead of lightning.pytorch" in raised.value.repair

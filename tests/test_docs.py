"""What docs/ says can be typed as it stands there: blocks are run or read, names are looked up."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightning_suite import Plugin, verbs
from lightning_suite.options import PEOPLE_ONLY, Settings
from lightning_suite.testing import CHECKS

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "adding-a-plugin.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    return [line.split("suite ", 1)[1].split() for line in TEXT.splitlines() if re.match(r" {4}(srun )?suite ", line)]


def run(block: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(block, names)
    return names


def test_the_record_is_one() -> None:
    (block,) = [block for block in blocks("python") if "Plugin(" in block]
    plugin = run(block)["plugin"]
    assert isinstance(plugin, Plugin)


def test_the_entry_point_leads_to_the_record() -> None:
    (block,) = blocks("toml")
    groups = tomllib.loads(block)["project"]["entry-points"]
    assert groups == {"lightning_suite.plugins": {"mymethod": "mymethod:plugin"}}


def test_the_recipe_has_no_key_but_options_and_those_for_people() -> None:
    (block,) = blocks("yaml")
    assert set(yaml.safe_load(block)) <= set(Settings.__dataclass_fields__) | set(PEOPLE_ONLY)


def test_the_contract_tests_are_a_test() -> None:
    (block,) = [block for block in blocks("python") if "contract_tests" in block]
    assert callable(run(block)["test_contract"])


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_begins_with_a_verb(words: list[str]) -> None:
    assert words[0] in verbs.names()


def test_every_check_that_is_named_exists() -> None:
    named = re.findall(r'--only (\w+)|--expect "(\w+)=', TEXT)
    assert {one or other for one, other in named} <= set(CHECKS)
    assert named


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []

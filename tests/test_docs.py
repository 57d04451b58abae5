"""What docs/ says can be typed as it stands there: blocks are run or read, names are looked up."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightning_suite import Plugin, ops, verbs
from lightning_suite.options import PEOPLE_ONLY, Settings
from lightning_suite.testing import CHECKS

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "adding-a-plugin.md").read_text(encoding="utf-8")


BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


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


def shared_rooms() -> list[Any]:
    section = TEXT.split("## What you need not write\n")[1].split("\n## ")[0]
    names = re.findall(r"^\*\*(.*?)\*\*", section, re.MULTILINE)
    return [pytest.param(block, id=name) for name, block in zip(names, BLOCK.findall(section), strict=True)]


@pytest.mark.parametrize("block", shared_rooms())
def test_an_example_of_a_shared_room_runs(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(block)


def test_the_pictures_and_files_of_the_examples_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for parameter in shared_rooms():
        run(parameter.values[0])
    written = {path.name for path in tmp_path.rglob("*.*")}
    assert written == {"points.csv", "scores.csv", "weights.bin", "growth.png", "growth.csv"}


def test_the_old_names_of_the_page_are_names_of_options() -> None:
    pairs = re.findall(r'{"([\w.=]+)": "([\w.=]+)"}', TEXT)
    assert len(pairs) == 3
    assert all(old.split(".")[0] == new.split(".")[0] for old, new in pairs)


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


# docs/adding-an-op.md: its op is built as it stands there.

OP_TEXT = (ROOT / "docs" / "adding-an-op.md").read_text(encoding="utf-8")

TRY_IT = """
import importlib, torch
from torch.library import opcheck
from lightning_suite.ops import ragged_mean
module = importlib.import_module("lightning_suite.ops.ragged_mean")
values, offsets = module.example(torch.device("cpu"))
values.requires_grad_()
opcheck(torch.ops.lightning_suite.ragged_mean, (values, offsets))
once = torch.compile(ragged_mean, backend="aot_eager", fullgraph=True, dynamic=True)
torch.testing.assert_close(once(values, offsets), module.reference(values, offsets))
try:
    ragged_mean(values, offsets + 1)
except ValueError as error:
    print(error)
print(module.COMPILED.description)
"""


def test_the_op_of_the_page_can_be_built_and_is_right(tmp_path: Path) -> None:
    if not (shutil.which("g++") or shutil.which("c++")):
        pytest.skip("there is no C++ compiler")
    others = [f"{op}*" for op in ops.names()]
    for folder in ("lightning_suite", "csrc"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.so", *others))
    shutil.copy(ROOT / "setup.py", tmp_path)
    (tmp_path / "pyproject.toml").write_text(
        "[project]\nname = 'page'\nversion = '0'\n[tool.setuptools]\npackages = ['lightning_suite']\n", encoding="utf-8"
    )
    for place, text in re.findall(r"^```(?:cpp|python)\n(?://|#) (\S+)\n(.*?)^```$", OP_TEXT, re.MULTILINE | re.DOTALL):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(text, encoding="utf-8")
    environment = {**os.environ, "SUITE_CUDA": "0", "LIGHTNING_SUITE_REQUIRE_OPS": "1"}
    for words in (
        ["setup.py", "build_ext", "--inplace"],
        ["-c", TRY_IT],
        ["-m", "lightning_suite.ops._self_test"],
    ):
        done = subprocess.run(
            [sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        if words[0] == "-c":
            assert "ragged_mean: offsets must begin with 0, got 1" in done.stdout
            assert "compiled for CPU" in done.stdout
    report = json.loads(done.stdout)
    assert report["op"] == "ragged_mean"
    assert report["tests"]["cpu"]["agrees"]


def test_the_model_has_every_place_of_the_page() -> None:
    rows = re.findall(r"^\| (`.*`) \|", OP_TEXT, re.MULTILINE)
    places = [name.replace("<op>", "dsa_routing") for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert len(places) >= 8
    assert not [name for name in places if not (ROOT / name).is_file()]


# docs/python.md: its examples, one after the other.


def test_the_examples_of_the_python_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in BLOCK.findall((ROOT / "docs" / "python.md").read_text(encoding="utf-8")):
        exec(block, names)
    assert set(names["run"].predict("a good film")) == {"sentence", "label", "probability", "p_bad", "p_good"}
    assert names["columns"]["sentence"] == ["a good film", "a bad film"]
    assert len(names["tweets"]) == 2
    assert 0 < names["jets"].predict(names["one"])["score"] < 1
    assert names["longer"].record.entries["epochs"] == 2
    assert names["exported"].difference <= 1e-5
    assert set(names["tested"]) == {1, 2}
    assert "seed" in {each.name for each in names["compared"].differences}
    assert names["page"].read_text(encoding="utf-8").startswith("<!doctype html>")
    assert names["card"] == names["run"].folder / "report.md"
    assert (names["vectors"].shape, names["small"].output_dim, names["same"].shape) == ((2, 600), 600, (2, 600))


# docs/index.md: what make demo ends with.


def test_the_first_page_shows_what_a_training_prints_today(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    shown = _told(page.split("ends with:", 1)[1].split("\nA second", 1)[0])
    command = ["fit", "--plugin", "dsa", "--recipe", "check", "--trainer.max_epochs", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "lightning_suite", *command], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    printed = [line for line in _told(done.stderr + done.stdout) if not line.startswith("data:") or line in shown]
    assert {"data: train:", "test_accuracy", "attention"} <= set(shown)
    assert shown == printed


def _told(text: str) -> list[str]:
    """What tells the lines of a training's output apart: parts of the data, metrics, verbs."""
    lines = re.findall(r"^ *(?:(data: \w+:)|suite (\S+)|(\w+_\w+ )|(metrics of|expected:|finished after))", text, re.M)
    return ["".join(words).strip() for words in lines]

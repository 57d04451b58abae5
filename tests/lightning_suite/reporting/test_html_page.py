"""The page: it says what the runs are, fetches nothing, and nothing of a run becomes markup."""

import base64
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lightning_suite.reporting.contents import contents_of
from lightning_suite.reporting.html_page import POLICY, page

Add = Callable[..., Path]
VOID = {"meta", "img", "br", "link"}
FETCHING = {"src", "href", "srcset", "data", "action", "poster", "background", "xlink:href", "style"}


class Reader(HTMLParser):
    """Reads a page: its texts, elements, attributes, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.style = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["style"]:
            self.style += data
            return
        self.texts.append(data)
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data


@pytest.fixture
def several(add: Add) -> str:
    heads = [{"heads": heads, "average": 0.998} for heads in (1, 1, 4, 4)]
    return page(contents_of([add(i % 2, 0.9 + i / 100, model=model) for i, model in enumerate(heads)]))


def test_a_page_says_what_was_run_and_what_came_of_it(add: Add) -> None:
    run = add(seed=3, auc=0.875)
    read = Reader(page(contents_of([run])))
    assert read.open == []
    for row in (
        ["run", str(run)],
        ["recipe", "sst2"],
        ["seed", "3"],
        ["time of training", "3 min 20 s"],
        ["best checkpoint", "max val_auc = 0.875, epoch 1"],
        ["test_auc", "0.875"],
        ["test_accuracy", "0.8"],
        ["torch", "2.13.0"],
        ["fingerprint", "d69a"],
        ["git commit", "1" * 40],
    ):
        assert row in read.rows
    assert any(text.startswith("The recipe was measured elsewhere: test_accuracy 0.8") for text in read.texts)
    assert "dsa · sst2" in read.texts
    assert {"Learning curves", "Pictures", "Settings", "Environment", "Repeat it"} <= {*read.texts}


def test_what_the_recipe_expects_stands_beside_the_results_on_its_own_data_alone(add: Add) -> None:
    (own,) = (row for row in Reader(page(contents_of([add(recipe="default", data={})]))).rows if "test_accuracy" in row)
    assert own[1] == "0.8" and 0.5 < float(own[2]) < 1
    read = Reader(page(contents_of([add(recipe="default")])))  # with another data.path
    assert ["test_accuracy", "0.8"] in read.rows
    assert not any("recipe expects" in text for text in read.texts)


def test_what_differs_from_the_recipe_is_marked(add: Add) -> None:
    read = Reader(page(contents_of([add()])))
    marked = {row[0]: row[1:] for row in read.rows if row and row[-1].startswith("differs")}
    assert marked["trainer.max_epochs"] == ["1", "8", "differs from the recipe"]
    assert marked["trainer.limit_train_batches"] == ["200", "null", "differs from the default"]
    assert marked.keys() == {"trainer.max_epochs", "trainer.limit_train_batches", "data.path"}
    assert ["model.average", "0.998", "0.998", "recipe"] in read.rows


def test_nothing_is_fetched(several: str, add: Add) -> None:
    for text in (several, page(contents_of([add()]))):
        read = Reader(text)
        fetching = [(tag, value) for tag, name, value in read.attributes if name in FETCHING]
        assert fetching
        assert all(value.startswith(("#", "data:image/")) for _, value in fetching), fetching
        assert not {"script", "link", "iframe", "object", "embed", "base", "form", "video"} & {*read.tags}
        assert not re.search(r"url\(|@import|http|file:", read.style)
        assert ("meta", "content", POLICY) in read.attributes
        assert not any(name.startswith("on") for _, name, _ in read.attributes)


def test_what_a_run_holds_stays_text(add: Add) -> None:
    text = page(contents_of([add()]))
    assert "</style><script" not in text and "<img src=x" not in text and "\x1b" not in text
    (path,) = {row[1] for row in Reader(text).rows if row[0] == "data.path" and len(row) == 2}
    assert path.startswith("</style><script src='http://a.example/x.js'>") and r"\x1b[31m" in path


def test_several_runs_stand_side_by_side(several: str) -> None:
    read = Reader(several)
    assert "4 runs of dsa · sst2" in read.texts
    assert ["seed", "0", "1", "0", "1"] in read.rows
    assert ["model.heads", "1", "1", "4", "4"] in read.rows
    assert ["test_auc", "0.9", "0.91", "0.92", "0.93"] in read.rows
    assert ["", "runs 1, 2", "runs 3, 4", "verdict"] in read.rows
    assert ["test_auc", "0.9050 ± 0.0071 (2)", "0.9250 ± 0.0071 (2)", "within the scatter (p = 0.11)"] in read.rows


def test_pictures_stand_in_the_page(add: Add) -> None:
    run = add()
    read = Reader(page(contents_of([run])))
    (source,) = (value for tag, name, value in read.attributes if (tag, name) == ("img", "src"))
    kind, _, content = source.partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(content) == (run / "figures" / "confusion.png").read_bytes()


def test_the_page_follows_the_reader_s_colours(add: Add) -> None:
    style = Reader(page(contents_of([add()]))).style
    light, _, dark = style.partition("@media (prefers-color-scheme: dark)")
    colours = set(re.findall(r"(--[a-z0-9-]+): #", light))
    assert colours == set(re.findall(r"(--[a-z0-9-]+): #", dark.partition("\n}\n")[0])) and len(colours) > 10
    assert set(re.findall(r"var\((--[a-z0-9-]+)\)", style)) == colours


def test_a_run_that_has_just_begun_has_a_page(add: Add) -> None:
    run = add()
    for file in ("run.json", "metrics.csv", "figures/confusion.png"):
        (run / file).unlink()
    read = Reader(page(contents_of([run])))
    assert ["status", "unknown"] in read.rows
    assert not {"Learning curves", "Metrics", "Pictures"} & {*read.texts}

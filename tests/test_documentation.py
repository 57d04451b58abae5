"""The site: its navigation has every page, its pictures say what made them, and no page fetches from elsewhere.

`make docs` builds it, which runs the tutorials and checks every link. Here is what holds without a build.
"""

import importlib
import json
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from lightning_suite import verbs
from lightning_suite.plugins import find

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
GALLERY = yaml.safe_load((DOCS / "pictures" / "gallery.yaml").read_text(encoding="utf-8"))
PICTURES = {name: about for of_plugin in GALLERY.values() for name, about in of_plugin["pictures"].items()}
LARGEST = 150_000
"""Bytes of a picture."""

RUN_BY = {
    "adding-a-plugin.md": "tests/test_docs.py",
    "adding-an-op.md": "tests/test_docs.py",
    "exporting.md": "tests/suite_dsa/test_exporting.py",
    "python.md": "tests/test_docs.py",
}
"""Pages whose blocks of Python a test runs; those of tutorials are run when the site is built."""


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of _build/documentation, by name."""
    monkeypatch.syspath_prepend(ROOT / "_build" / "documentation")
    return importlib.import_module


def named(entry: Any) -> Iterator[str]:
    """The pages and folders that a part of the navigation names."""
    if isinstance(entry, str):
        yield entry
    else:
        for inner in entry.values() if isinstance(entry, dict) else entry:
            yield from named(inner)


NAV = list(named(SITE["nav"]))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_every_page_is_in_the_navigation(page: Path) -> None:
    uri = page.relative_to(DOCS).as_posix()
    assert uri in NAV or any(uri.startswith(entry) for entry in NAV if entry.endswith("/")), "add it to mkdocs.yml"


def test_the_navigation_names_no_page_that_there_is_not(part: Any) -> None:
    made = {*part("made").MADE, *part("places").ELSEWHERE}
    lacking = [uri for uri in NAV if not (uri in made or (DOCS / uri).exists() or any(m.startswith(uri) for m in made))]
    assert lacking == []


def test_every_page_from_elsewhere_is_in_the_navigation(part: Any) -> None:
    assert set(part("places").ELSEWHERE) <= set(NAV)


def test_the_configuration_is_one_of_mkdocs() -> None:
    pytest.importorskip("material", reason="the extra docs is not installed")
    config = importlib.import_module("mkdocs.config").load_config(str(ROOT / "mkdocs.yml"))
    assert config.strict
    assert config.theme["font"] is False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_every_block_of_python_is_run_or_says_why_not(page: Path) -> None:
    """``<!-- not run: REASON -->`` stands in the line before a block that is not."""
    uri = page.relative_to(DOCS).as_posix()
    if uri.startswith("tutorials/") or (uri in RUN_BY and (ROOT / RUN_BY[uri]).is_file()):
        return
    blocks = re.findall(r"^(.*)\n```python$", page.read_text(encoding="utf-8"), re.MULTILINE)
    unmarked = [line for line in blocks if not re.fullmatch(r"<!-- not run: .{5,} -->", line)]
    assert not unmarked, f"{len(unmarked)} blocks of {uri} are neither run nor marked"


@pytest.mark.parametrize("page", sorted((DOCS / "tutorials").glob("*.md")), ids=lambda page: page.stem)
def test_commands_of_a_tutorial_are_of_suite(page: Path) -> None:
    own = {command for name in find.names() for command in find.get(name).commands}
    consoles = re.findall(r"^```console\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    commands = [line.split() for block in consoles for line in block.replace("\\\n", "").splitlines()]
    assert {words[1] for words in commands if words[0] == "suite"} <= {*verbs.names(), *own}
    assert {words[0] for words in commands} <= {"suite", "cat"}


def test_every_plugin_has_a_tutorial_and_a_part_of_the_gallery(part: Any) -> None:
    plugins = {folder.name.removeprefix("suite_") for folder in (ROOT / "plugins").glob("suite_*")}
    assert set(part("places").PLUGINS) == set(GALLERY) == plugins
    assert {f"{name}.md" for name in plugins} <= {page.name for page in (DOCS / "tutorials").glob("*.md")}


# Pictures


def test_every_picture_is_in_the_gallery() -> None:
    assert {path.name for path in (DOCS / "pictures").glob("*.png")} == {name for name in PICTURES if "/" not in name}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_small_and_one(name: str) -> None:
    content = (DOCS / "pictures" / name).read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert len(content) < LARGEST
    assert 300 < width < 2000
    assert 100 < height < 2000


@pytest.mark.parametrize("name", PICTURES)
def test_the_commands_of_a_picture_exist(name: str) -> None:
    own = {command for plugin in find.names() for command in find.get(plugin).commands}
    for command in PICTURES[name]["commands"]:
        first, *words = command.split()
        if first == "suite":
            assert words[0] in {*verbs.names(), *own}
        else:
            assert [first, words[0]] == ["python", "-m"]
            assert (ROOT / words[1].replace(".", "/")).with_suffix(".py").is_file()


# Pages that are made of the source


@pytest.mark.parametrize("plugin", GALLERY)
def test_a_page_of_the_gallery_has_recipes_results_and_verbs(plugin: str, part: Any) -> None:
    page = part("gallery").page(plugin)
    assert f"python -m benchmarks.{GALLERY[plugin]['results']}" in page
    assert "| `default` |" in page
    assert all(f"`suite {verb}`" in page for verb in find.get(plugin).commands)
    assert all(f"](../pictures/{name})" in page for name in GALLERY[plugin]["pictures"])


def test_the_reference_has_the_modules_that_must_have_examples(part: Any) -> None:
    examples = (ROOT / "tests" / "test_examples.py").read_text(encoding="utf-8")
    rooms = re.findall(r'"(\w+)"', examples.split("ROOMS = (")[1].split(")")[0])
    assert list(part("api").ROOMS) == rooms


def test_the_reference_has_what_lightning_suite_exports(part: Any) -> None:
    import lightning_suite

    names = part("api").exported()
    assert {"Plugin", "load", "runs"} <= set(names)
    assert all(hasattr(lightning_suite, name) for name in names)


def test_every_module_of_the_reference_exists(part: Any) -> None:
    api = part("api")
    modules = [f"suite_{plugin}.{module}" for plugin, of_plugin in api.OF_PLUGINS.items() for module in of_plugin]
    files = [ROOT / "plugins" / name.replace(".", "/") for name in modules]
    assert [path for path in files if not (path.with_suffix(".py").is_file() or path.is_dir())] == []


def test_the_command_line_asks_for_every_verb(part: Any) -> None:
    lines = part("command_line").lines()
    assert {f"suite {verb} --help" for verb in verbs.names()} <= set(lines)
    assert "suite attention --help" in lines


# Links and outputs


@pytest.mark.parametrize(
    ("page", "origin", "link", "expected"),
    [
        ("trust.md", "docs/trust.md", "[a](../SECURITY.md#b)", "[a](security.md#b)"),
        ("methods/dsa.md", "plugins/suite_dsa/README.md", "![a](../../docs/pictures/x.png)", "![a](../pictures/x.png)"),
        ("index.md", "docs/index.md", "[a](../plugins/suite_dsa/README.md)", "[a](methods/dsa.md)"),
        ("architecture.md", "ARCHITECTURE.md", "[a](Makefile)", "a (`Makefile`)"),
        ("index.md", "docs/index.md", "[a](https://example.org/x)", "[a](https://example.org/x)"),
        ("index.md", "docs/index.md", "[a](there-is-none.py)", "[a](there-is-none.py)"),
        ("index.md", "docs/index.md", "    [a](../SECURITY.md)", "    [a](../SECURITY.md)"),
        ("index.md", "docs/index.md", "```\n[a](../SECURITY.md)\n```", "```\n[a](../SECURITY.md)\n```"),
    ],
)
def test_links_hold_on_the_site(page: str, origin: str, link: str, expected: str, part: Any) -> None:
    assert part("links").rewritten(link, PurePosixPath(page), PurePosixPath(origin)) == expected


def test_a_table_of_a_benchmark_begins_after_a_blank_line(part: Any) -> None:
    text = "text\n\n<!-- x.json -->\n| a |\n| --- |\n<!-- end -->\n"
    page = PurePosixPath("index.md")
    assert "\n\n| a |\n| --- |\n\n" in part("links").rewritten(text, page, PurePosixPath("docs/index.md"))


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="https://a.org/b">b</a>', []),
        ('<link rel="canonical" href="https://a.org/">', []),
        ('<link rel="stylesheet" href="https://a.org/b.css">', ["https://a.org/b.css"]),
        ('<script src="//a.org/b.js"></script>', ["//a.org/b.js"]),
        ('<script src="b.js"></script><img src="data:image/png;base64,//8=">', []),
        ('<img src="b.png" srcset="b.png 1x, https://a.org/c.png 2x">', ["https://a.org/c.png"]),
        ("<style>@font-face { src: url('https://a.org/b.woff') }</style>", ["https://a.org/b.woff"]),
        ('<p style="background: url(//a.org/b.png)">', ["//a.org/b.png"]),
    ],
)
def test_what_a_page_fetches_from_elsewhere_is_found(html: str, expected: list[str], part: Any) -> None:
    assert part("outside").of_page(html) == expected


def test_what_a_style_fetches_from_elsewhere_is_found(tmp_path: Path, part: Any) -> None:
    (tmp_path / "a.css").write_text("@import 'https://a.org/b.css'; p { background: url(c.png) }", encoding="utf-8")
    assert part("outside").fetched_by(tmp_path) == ["a.css: https://a.org/b.css"]


def test_a_long_output_is_shown_by_its_beginning_and_end(part: Any) -> None:
    tutorials = part("tutorials")
    lines = [f"{number}" for number in range(100)]
    shown = tutorials.shortened("\n".join(lines)).splitlines()
    assert shown == [*lines[: tutorials.FIRST], "...", *lines[-tutorials.LAST :]]
    assert tutorials.shortened("10 %\r100 %\n") == "100 %"


def run_blocks(folder: Path, blocks: list[tuple[str, str]]) -> subprocess.CompletedProcess[str]:
    """Run blocks as a tutorial's are, in a folder."""
    program = ROOT / "_build" / "documentation" / "run_blocks.py"
    words = [sys.executable, str(program), "outputs.json"]
    return subprocess.run(
        words, cwd=folder, input=json.dumps(blocks), capture_output=True, text=True, timeout=60, check=False
    )


def test_blocks_of_a_tutorial_go_on_with_each_others_variables(tmp_path: Path) -> None:
    blocks = [
        ("python", "from pathlib import Path\nx = Path('x.txt').write_text('hello')"),
        ("console", "cat x.txt\nsuite --version  # a comment"),
        ("python", "print('x is')\nx"),
    ]
    assert run_blocks(tmp_path, blocks).returncode == 0
    first, second, third = yaml.safe_load((tmp_path / "outputs.json").read_text(encoding="utf-8"))
    assert (first, third) == ("", "x is\n5\n")
    assert second.startswith("hello\nlightning-suite ")


@pytest.mark.parametrize("block", [("python", "1 / 0"), ("console", "suite lits"), ("console", "ls")])
def test_a_block_that_fails_fails_the_build(block: tuple[str, str], tmp_path: Path) -> None:
    assert run_blocks(tmp_path, [block]).returncode != 0

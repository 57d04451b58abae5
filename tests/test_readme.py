"""The READMEs say what was measured, and name only what there is."""

import re
from importlib import import_module
from os.path import normpath
from pathlib import Path

import pytest

from lightning_suite import verbs
from lightning_suite.plugins import find

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *ROOT.glob("plugins/*/README.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_table_is_what_its_results_say(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks._readme import with_tables

    text = page.read_text(encoding="utf-8")
    try:
        expected = with_tables(text)
    except ModuleNotFoundError as error:
        pytest.skip(f"{error.name} is not installed, which a benchmark of this page imports")
    assert text == expected, "run: python -m benchmarks._readme"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of docs/ may also lead to one that the site makes of the source."""
    monkeypatch.syspath_prepend(ROOT / "_build" / "documentation")
    made = {ROOT / "docs" / uri for uri in import_module("made").MADE} if "docs" in page.parts else set()
    prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose)
    places = {link: Path(normpath(page.parent / link)) for link in links}
    assert [link for link, place in places.items() if not (place.exists() or place in made)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_shown_is_a_verb_or_a_plugins_own(page: Path) -> None:
    own = {command for name in find.names() for command in find.get(name).commands}
    shown = set(re.findall(r"^    (?:\$ )?suite ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert shown <= {*verbs.names(), *own}


WRITTEN = [page for page in PAGES if "reproductions" not in page.parts]  # those are made by suite reproduce


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_prose_wraps_at_120_columns(page: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^<!-- .*?^<!-- end -->$", "", prose, flags=re.MULTILINE | re.DOTALL)  # made by a benchmark
    unbroken = ("|", "    ", "![")  # rows of tables, code, pictures
    assert [line for line in prose.splitlines() if len(line) > 120 and not line.startswith(unbroken)] == []


def test_the_page_on_the_command_has_every_verb_with_the_line_of_its_help() -> None:
    page = (ROOT / "docs" / "how-to" / "command.md").read_text(encoding="utf-8")
    assert [verb for verb in verbs.names() if f"| `{verb}` | {verbs.help_line(verb)} |" not in page] == []
    own = {verb for name in ("dsa", "recnn", "tweets", "spectral") for verb in find.get(name).commands}
    assert [verb for verb in own if f"| `{verb}` | " not in page] == []

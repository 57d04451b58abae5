"""Fuzz: whatever is done to a file, its parser answers, or says within six lines what is wrong with which file."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.trust.batches import chance_of, complaint, findings
from tests.trust.made_up import contents
from tests.trust.mutations import damaged, damaged_line
from tests.trust.parsers import Parser, Seed, parsers, seeds_of

LINE_FORMATS = [parser for parser in parsers() if parser.rows is not None]
TEXT = (".csv", ".tsv", ".txt", ".vec", ".json", ".jsonl", ".js", ".yaml", ".mtx", ".edges", ".train", ".test")
TEXT_FORMATS = [parser for parser in parsers() if seeds_of(parser.name)[0].name.endswith(TEXT)]


def _name(value: Any) -> str:
    return str(value.name)


class Folder:
    """Where an input and the files beside it are written."""

    def __init__(self, path: Path) -> None:
        self.path = path / "input"

    def write(self, seed: Seed, content: bytes) -> Path:
        """Write an input, and take away those before it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        for name, other in seed.beside.items():
            (self.path / name).write_bytes(other)
        (self.path / seed.name).write_bytes(content)
        return self.path / seed.name


@pytest.mark.parametrize("parser", parsers(), ids=_name)
def test_a_valid_file_is_read(tmp_path: Path, parser: Parser) -> None:
    folder = Folder(tmp_path)
    for seed in seeds_of(parser.name):
        if seed.name != "google.bin":  # a format that is refused
            assert complaint(parser.read, folder.write(seed, seed.content))[1] is None
            parser.read(folder.write(seed, seed.content))


@pytest.mark.parametrize("parser", parsers(), ids=_name)
def test_a_damaged_file_has_an_answer_or_a_message(trust: Any, tmp_path: Path, parser: Parser) -> None:
    seeds = seeds_of(parser.name)
    count = trust.size(small=100, full=10_000)
    folder = Folder(tmp_path)

    def try_one(number: int) -> str | None:
        chance = chance_of(trust.seed, parser.name, number)
        seed = chance.choice(seeds)
        path = folder.write(seed, damaged(seed.content, chance, [other.content for other in seeds]))
        return complaint(parser.read, path)[1]

    found = findings(try_one, count)
    failures = [f"input {number}: {what}" for number, what in found]
    trust.outcome("Fuzz", f"{parser.name}: damaged files", trials=count, held=count - len(found), failures=failures)


@pytest.mark.parametrize("parser", LINE_FORMATS, ids=_name)
def test_a_damaged_line_loses_no_other(trust: Any, tmp_path: Path, parser: Parser) -> None:
    seed = seeds_of(parser.name)[0]
    folder = Folder(tmp_path)
    assert parser.rows is not None
    rows_of = parser.rows
    undamaged = rows_of(parser.read(folder.write(seed, seed.content)))
    assert undamaged is not None
    clean = list(undamaged)
    count = trust.size(small=50, full=5_000)

    def try_one(number: int) -> str | None:
        chance = chance_of(trust.seed, f"{parser.name}, a line", number)
        line = chance.randrange(len(clean))
        path = folder.write(seed, damaged_line(seed.content, parser.header + line, chance))
        answer, wrong = complaint(parser.read, path)
        rows = rows_of(answer) if answer is not None else None
        if wrong or rows is None:
            return wrong
        before, after = clean[:line], clean[line + 1 :]
        what = f"line {parser.header + line + 1} was damaged: {path.read_bytes()[:300]!r}"
        if list(rows[:line]) != before or (list(rows[len(rows) - len(after) :]) != after):
            return f"another row changed; {what}"
        is_blank = not path.read_bytes().split(b"\n")[parser.header + line].strip(b" \t\r")
        return None if len(rows) == len(clean) or (is_blank and len(rows) == len(clean) - 1) else f"no row; {what}"

    found = findings(try_one, count)
    failures = [f"input {number}: {what}" for number, what in found]
    trust.outcome("Fuzz", f"{parser.name}: one damaged line", trials=count, held=count - len(found), failures=failures)


@pytest.mark.parametrize("parser", TEXT_FORMATS, ids=_name)
def test_made_up_text_has_an_answer_or_a_message(trust: Any, tmp_path: Path, parser: Parser) -> None:
    folder = Folder(tmp_path)
    names = {seed.name: seed for seed in seeds_of(parser.name)}
    count, batch = trust.size(small=1, full=4), trust.size(small=12, full=50)

    def try_some(number: int) -> str | None:
        seed = names[sorted(names)[number % len(names)]]

        @hypothesis.seed(number)
        @hypothesis.settings(
            max_examples=batch,
            database=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(content=contents(seed.name))
        def read_one(content: bytes) -> None:
            what = complaint(parser.read, folder.write(seed, content))[1]
            assert what is None, f"{what}, of {seed.name}: {content[:300]!r}"

        try:
            read_one()
        except AssertionError as error:
            return str(error)
        return None

    found = findings(try_some, count)
    failures = [f"batch {number}: {what}" for number, what in found]
    done = batch * count
    trust.outcome("Fuzz", f"{parser.name}: made-up text", trials=done, held=done - len(found), failures=failures)


@pytest.mark.timeout(1800)
def test_inputs_that_reach_new_code_have_an_answer_or_a_message(trust: Any, tmp_path: Path, root: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed, which finds inputs by what code they reach: pip install atheris")
    runs = trust.size(small=100, full=10_000)
    search = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "tests.trust.atheris_parsers", str(runs)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": search},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    lines = done.stdout.splitlines()
    held, wrong = sum(line.endswith(": ok") for line in lines), [line for line in lines if not line.endswith(": ok")]
    assert held or wrong, done.stderr[-2000:]
    what = f"parsers with {runs:,} inputs that atheris found"
    trust.outcome("Fuzz", what, trials=held + done.returncode, held=held, failures=wrong)

"""The verb that writes a report."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import lightning_suite
from lightning_suite.errors import OutputError, UsageError
from lightning_suite.run import Run
from lightning_suite.verbs import report as verb


def add(root: Path) -> Path:
    """Return a run folder with as little as one can have."""
    run = Run.create(root, "dsa", None)
    (run.folder / "config.yaml").write_text("plugin: dsa\nseed: 3\n")
    (run.folder / "run.json").write_text(json.dumps({"plugin": "dsa", "metrics": {"test_accuracy": 0.8}}))
    return run.folder


def test_it_writes_into_the_run_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = add(tmp_path)
    assert verb.run([str(run)]) == 0
    assert capsys.readouterr().out == f"{run / 'report.html'}\n"
    assert (run / "report.html").read_text(encoding="utf-8").startswith('<!doctype html>\n<html lang="en">')
    assert verb.run([str(run), "--format", "markdown"]) == 0
    assert (run / "report.md").read_text(encoding="utf-8").startswith("---\nlibrary_name: ")


def test_several_runs_are_written_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs = [str(add(tmp_path)), str(add(tmp_path))]
    verb.run(runs)
    verb.run([*runs, "--output", "cards.html"])
    assert capsys.readouterr().out.split() == ["report.html", "cards.html"]
    assert Path("report.html").read_bytes() == Path("cards.html").read_bytes()


def test_a_format_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no format 'htm'\na report has: html, markdown\nDid you mean 'html'"):
        verb.run([str(add(tmp_path)), "--format", "htm"])
    with pytest.raises(UsageError, match="expected a run or more"):
        lightning_suite.report()


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no folder"):
        verb.run([str(add(tmp_path)), "--output", str(tmp_path / "not" / "there.html")])


def test_it_needs_no_torch(tmp_path: Path) -> None:
    run = add(tmp_path)
    heavy = "{'torch', 'numpy', 'jsonargparse'} & {*sys.modules}"
    code = f"import sys; from lightning_suite import cli; cli.main(sys.argv[1:]); print({heavy})"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code, "report", str(run)], capture_output=True, text=True, env={**os.environ}, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout.splitlines() == [str(run / "report.html"), "set()"]
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.5

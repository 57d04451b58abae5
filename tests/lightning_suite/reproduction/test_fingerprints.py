"""Fingerprints change with code and content, and with nothing else."""

import os
from pathlib import Path

import pytest

from lightning_suite.plugin import Plugin
from lightning_suite.reproduction.fingerprints import code_fingerprint, content_of, read_digests


def test_content_counts_and_not_its_place_or_time(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name / "deeper").mkdir(parents=True)
        (tmp_path / name / "a.csv").write_text("1,2\n")
        (tmp_path / name / "deeper" / "b.csv").write_text("3\n")
    os.utime(tmp_path / "there" / "a.csv", (1, 1))
    digests: dict[str, object] = {}
    before = content_of(tmp_path / "here", digests)
    assert content_of(tmp_path / "there", digests) == before
    (tmp_path / "there" / "deeper" / "b.csv").write_text("4\n")
    assert content_of(tmp_path / "there", digests) != before
    (tmp_path / "here" / "a.csv").rename(tmp_path / "here" / "c.csv")
    assert content_of(tmp_path / "here", digests) != before
    assert content_of(tmp_path / "here" / "c.csv", digests) == content_of(tmp_path / "there" / "a.csv", {})


def test_code_counts_and_the_tables_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "counted_package"
    (package / "reproductions").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "net.py").write_text("SIZE = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugin = Plugin(name="c", summary="", module="counted_package.net:Net", data="counted_package.net:Data")
    before = code_fingerprint(plugin)
    (package / "reproductions" / "made.py").write_text("")
    (package / "notes.txt").write_text("")
    assert code_fingerprint(plugin) == before
    (package / "net.py").write_text("SIZE = 2\n")
    assert code_fingerprint(plugin) != before


def test_damaged_digests_are_forgotten(tmp_path: Path) -> None:
    (tmp_path / "digests.json").write_text('{"a": ')
    assert read_digests(tmp_path / "digests.json") == {}
    assert read_digests(tmp_path / "gone.json") == {}

"""Rows that the programs of the promises leave, and the table made of them."""

import json
from pathlib import Path
from typing import Any

import pytest


def test_the_table_shows_the_rows_of_all_test_processes_by_promise(
    trust: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).resolve().parent.parent.parent)
    from benchmarks import trust as made
    from benchmarks.trust import rows_of, table

    rows = trust.outcome.__globals__  # of conftest.py, which cannot import the benchmark
    assert (rows["ROWS"], rows["PROMISES"]) == (made.ROWS, made.PROMISES)
    row: dict[str, Any] = {"trials": 10_000, "held": 9_999, "note": "", "seconds": 1.0}
    (tmp_path / "gw0.jsonl").write_text(json.dumps(row | {"promise": "Fuzz", "what": "tables"}) + "\n")
    (tmp_path / "gw1.jsonl").write_text(json.dumps(row | {"promise": "Kill", "what": "a", "note": "CPU"}) + "\n")
    assert table({"rows": rows_of(tmp_path)}).splitlines()[2:] == [
        "| **Kill**: a (CPU) | 10,000 | 9,999 |",
        "| **Fuzz**: tables | 10,000 | 9,999 |",
    ]


def test_a_promise_that_did_not_hold_every_time_fails_with_its_seed(
    trust: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(trust.outcome.__globals__, "ROWS", tmp_path)
    trust.outcome("Kill", "all", trials=3, held=3)
    with pytest.raises(AssertionError, match=r"(?s)held 2 of 3 times \(seed 0\).*the third differs"):
        trust.outcome("Kill", "some", trials=3, held=2, failures=["the third differs"])
    with pytest.raises(AssertionError, match="nothing was tried"):
        trust.outcome("Kill", "none", trials=0, held=0)

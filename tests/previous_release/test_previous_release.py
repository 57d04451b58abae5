"""Runs that the previous release wrote load, test, predict and go on: their results are those it had.

The archives beside this file were written by ``make.py`` with lightning-suite 0.1.0.
"""

import csv
import json
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lightning_suite import compare_runs, runs
from lightning_suite.cli import main
from lightning_suite.run import machine

FOLDER = Path(__file__).parent
SAFELY: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # Python 3.11 has it from 3.11.4 on
PLUGINS = ("dsa", "recnn", "spectral", "tweets")


@cache
def expected(plugin: str) -> dict[str, Any]:
    """Return what the previous release said of each run."""
    with tarfile.open(FOLDER / f"{plugin}.tar.xz") as archive:
        member = archive.extractfile("expected.json")
        assert member is not None
        values: dict[str, Any] = json.load(member)
        return values


CASES = [(plugin, case) for plugin in PLUGINS for case in expected(plugin)]


@pytest.fixture
def unpacked(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Unpack the archive of a plugin into the working folder; return what is expected of the case."""
    plugin, case = request.param
    with tarfile.open(FOLDER / f"{plugin}.tar.xz") as archive:
        archive.extractall(tmp_path, **SAFELY)
    monkeypatch.chdir(tmp_path)
    values: dict[str, Any] = expected(plugin)[case]
    return values | {"case": case}


def close(values: dict[str, float]) -> Any:
    """Compare metrics as far as kernels of another processor may differ."""
    return pytest.approx(values, rel=1e-4, abs=1e-5)


def known(found: dict[str, float], values: dict[str, float]) -> dict[str, float | None]:
    """The metrics that there were before: a release may add some."""
    return {name: found.get(name) for name in values}


def run_json(case: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(Path(case, "run.json").read_text(encoding="utf-8"))
    return record


@pytest.mark.parametrize("unpacked", [pair for pair in CASES if pair[1] != "stopped"], indirect=True, ids="-".join)
def test_a_finished_run_is_tested_as_before(unpacked: dict[str, Any]) -> None:
    assert main(["test", unpacked["case"]]) == 0
    tested = run_json(unpacked["case"])["evaluations"]["test"]
    assert known(tested, unpacked["test"]) == close(unpacked["test"])


@pytest.mark.parametrize(
    "unpacked",
    [(plugin, case) for plugin, case in CASES if case != "stopped" and "predictions" in expected(plugin)[case]],
    indirect=True,
    ids="-".join,
)
def test_a_finished_run_predicts_as_before(unpacked: dict[str, Any]) -> None:
    import yaml

    source = yaml.safe_load(Path(unpacked["case"], "config.yaml").read_text(encoding="utf-8"))["data"]["predict_path"]
    assert main(["predict", unpacked["case"], source, "--output", "predicted.csv"]) == 0
    with Path("predicted.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    old_header, *old_rows = unpacked["predictions"]
    places = [header.index(name) for name in old_header]  # a release may add columns
    assert len(rows) == len(old_rows)
    for row, old_row in zip(rows, old_rows, strict=True):
        assert [as_number(row[place]) for place in places] == [close_cell(cell) for cell in old_row]


def as_number(cell: str) -> Any:
    try:
        return float(cell)
    except ValueError:
        return cell


def close_cell(cell: str) -> Any:
    value = as_number(cell)
    return pytest.approx(value, rel=1e-3, abs=1e-4) if isinstance(value, float) else value


BOUND_TO_A_PROCESSOR = {
    "dsa": "0.1.0 itself trains to other numbers on an AMD processor than on an Intel one, as this release does",
    "recnn": "0.1.0's fingerprint of jets holds the last bits of logarithms, so that other processors refuse to go on",
}


@pytest.mark.parametrize("unpacked", [(plugin, "stopped") for plugin in PLUGINS], indirect=True, ids="-".join)
def test_a_stopped_run_goes_on_to_the_end_it_would_have_had(
    unpacked: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    record = run_json("stopped")
    makers = {"Intel" in name for name in (record["machine"]["processor"], machine()["processor"])}
    if len(makers) > 1 and record["plugin"] in BOUND_TO_A_PROCESSOR:
        request.applymarker(pytest.mark.xfail(reason=BOUND_TO_A_PROCESSOR[record["plugin"]]))
    assert main(["fit", "--resume", "stopped"]) == 0
    record = run_json("stopped")
    assert record["status"] == "finished"
    assert known(record["metrics"], unpacked["final"]) == close(unpacked["final"])


@pytest.mark.parametrize(
    "unpacked", [(plugin, "stopped") for plugin in PLUGINS], indirect=True, ids=lambda pair: pair[0]
)
def test_runs_are_listed_and_compared(unpacked: dict[str, Any]) -> None:
    """The runs of each plugin: none of them is damaged, and the one that was killed had begun as the finished one."""
    found = {record.path.name: record for record in runs(".")}
    assert set(found) == {path.parent.name for path in Path().glob("*/run.json")}
    assert (found["finished"].status, found["stopped"].status) == ("finished", "killed")
    differing = compare_runs([found["finished"], found["stopped"]]).differences
    assert {difference.part for difference in differing} == {"course", "metrics"}

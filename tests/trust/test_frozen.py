"""Plugins that were published for this contract once work with today's core, unchanged."""

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from forked import Answer, run_suite

FROZEN = Path(__file__).resolve().parent.parent / "frozen"
WHEELS = sorted(FROZEN.glob("*.whl"))
NAMES = {"suite_digit_sums-0.1.0": "digit_sums", "frozen_columns-0.1.0": "frozen_columns"}
INPUTS = {
    "digit_sums": ("sets.txt", "1 2 3\n9\n0 0 5\n"),
    "frozen_columns": ("points.csv", "x,y\n0.1,0.2\n-0.3,0.1\n1,1\n"),
}
OWN_VERBS = {"digit_sums": ["sizes"], "frozen_columns": []}


def test_the_wheels_are_those_that_were_published() -> None:
    stated = dict(
        reversed(line.split()) for line in (FROZEN / "README.md").read_text().splitlines() if line[:4] == "    "
    )
    assert {wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in WHEELS} == stated


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("wheel", WHEELS, ids=lambda wheel: wheel.name.partition("-py")[0])
def test_a_frozen_plugin_works(wheel: Path, trust: Any, tmp_path: Path) -> None:
    name = NAMES[wheel.name.partition("-py")[0]]
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)  # what pip does with a wheel of Python alone
    file, inputs = INPUTS[name]
    (tmp_path / file).write_text(inputs)
    failures: list[str] = []
    tried = 0

    def suite(*words: object) -> Answer:
        nonlocal tried
        tried += 1
        answer = run_suite([str(word) for word in words], cwd=tmp_path, env={"PYTHONPATH": str(site)})
        if answer.status:
            failures.append(f"suite {words}: status {answer.status}\n{answer.stdout}\n{answer.stderr}")
        return answer

    (row,) = [line for line in suite("list").stdout.splitlines() if line.startswith(f"{name} ")]
    if not row.endswith(" ok"):
        failures.append(row)
    suite("info", name)
    suite("fit", "--plugin", name, "--recipe", "check", "--runs", "runs", "--trainer.accelerator", "cpu", "--quiet")
    (run,) = (tmp_path / "runs" / name).iterdir()
    suite("test", run)
    suite("predict", run, file, "--output", "predictions.csv")
    if len((tmp_path / "predictions.csv").read_text().splitlines()) != 4:
        failures.append((tmp_path / "predictions.csv").read_text())
    suite("fit", "--resume", run, "--trainer.max_epochs", 6)
    suite("rerun", run)
    for verb in OWN_VERBS[name]:
        suite(verb, run)
    if trust.size(small=0, full=1):
        suite("check", name)
    trust.outcome(
        "Frozen", f"{wheel.name}: the verbs", trials=tried, held=max(tried - len(failures), 0), failures=failures
    )

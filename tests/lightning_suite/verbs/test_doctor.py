"""``suite doctor``: the versions at once, then a cause and a repair for all that is broken."""

import os
import subprocess
import sys
import time
from typing import Any

import pytest


@pytest.fixture(scope="session")
def said(bad_house: Any, tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """``suite doctor`` where every bad plugin is installed."""
    environment = {**os.environ, **bad_house.env}
    environment.pop("COLUMNS", None)
    return subprocess.run(
        [sys.executable, "-m", "lightning_suite", "doctor", "--timeout", "5"],
        env=environment,
        cwd=tmp_path_factory.mktemp("elsewhere"),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def part_of(name: str, output: str) -> str:
    """The lines of one plugin."""
    lines = output.partition("\nplugins")[2].splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("  ") and line[2:3] != " "]
    start = next(i for i in starts if lines[i].split()[0] == name)
    return "\n".join(lines[start : next((i for i in starts if i > start), len(lines))])


def test_it_ends_with_1_where_something_is_broken(said: Any) -> None:
    assert said.returncode == 1
    assert "Traceback" not in said.stdout + said.stderr


def test_every_bad_plugin_is_explained(kind: str, said: Any, expected_of: Any) -> None:
    part = part_of(kind, said.stdout)
    assert part.split()[1] == "broken"
    assert f"bad-{kind.replace('_', '-')} 2.0" in part
    assert expected_of(kind).cause in part
    assert "repair:" in part
    assert expected_of(kind).repair in part


def test_both_distributions_of_one_name_are_told(said: Any) -> None:
    part = part_of("twin", said.stdout)
    assert "first-twin 2.0 and second-twin 2.0" in part
    assert "pip uninstall" in part


def test_a_good_plugin_among_bad_ones_is_fine(said: Any) -> None:
    assert part_of("good", said.stdout).split()[:4] == ["good", "ok", "good-plugin", "2.0"]


def test_a_plugin_that_changes_the_environment_is_fine_with_a_warning(said: Any) -> None:
    part = part_of("meddler", said.stdout)
    assert part.split()[1] == "ok"
    assert "warning: " in part
    assert "MEDDLER_WAS_HERE" in part


def test_versions_and_ops_are_told(said: Any) -> None:
    first, _, ops = said.stdout.partition("\nops")
    for package in ("python", "lightning-suite", "torch", "pytorch-lightning", "jsonargparse", "torchmetrics"):
        assert f"  {package} " in first
    assert "reference" in ops


def test_the_first_screen_does_not_wait_for_the_plugins(site: Any, tmp_path: Any) -> None:
    site.add_bad("hang")
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "lightning_suite", "doctor", "--timeout", "60"],
        env={**os.environ, **site.env},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        assert any("torch" in line for line in lines)
        assert time.monotonic() - started < 20
    finally:
        process.terminate()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()

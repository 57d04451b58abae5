"""``suite list``: every plugin is a row, whatever is wrong with it, and nothing heavy is imported."""

import json
import subprocess
import sys
from typing import Any

import pytest

from lightning_suite import cli


@pytest.fixture(scope="session")
def listed(in_bad_house: Any) -> subprocess.CompletedProcess[str]:
    """``suite list`` where every bad plugin is installed."""
    done: subprocess.CompletedProcess[str] = in_bad_house("list", LIGHTNING_SUITE_IMPORT_LIMIT="0.5")
    return done


def rows(output: str, name: str) -> list[str]:
    return [line for line in output.splitlines() if line.split()[:1] == [name]]


def test_bad_plugins_do_not_make_it_fail(listed: Any) -> None:
    assert listed.returncode == 0, listed.stderr
    assert "Traceback" not in listed.stderr


def test_a_bad_plugin_is_listed_with_its_cause_and_distribution(kind: str, listed: Any, expected_of: Any) -> None:
    (row,) = rows(listed.stdout, kind)
    assert f"bad-{kind.replace('_', '-')} 2.0" in row
    if kind == "missing_extra":
        assert row.endswith(f"needs: {expected_of(kind).repair}")
    else:
        assert "broken: " in row
        assert expected_of(kind).cause in row


def test_two_plugins_of_one_name_are_both_listed_as_broken(listed: Any) -> None:
    twins = rows(listed.stdout, "twin")
    assert len(twins) == 2
    assert all("first-twin 2.0 and second-twin 2.0" in row or "2 distributions" in row for row in twins)


def test_a_good_plugin_among_bad_ones_is_fine(listed: Any) -> None:
    (row,) = rows(listed.stdout, "good")
    assert row.split() == ["good", "The", "plugin", "good", "good-plugin", "2.0", "ok"]


def test_it_says_what_to_type_next(listed: Any) -> None:
    assert listed.stdout.splitlines()[-1].startswith("next: suite info ")


@pytest.mark.parametrize(
    "words", [[], ["--version"], ["list"], ["info", "good"], ["lits"], ["info", "goood"], ["fit", "--plugin", "goood"]]
)
def test_the_light_verbs_import_neither_torch_nor_lightning_nor_numpy(
    words: list[str], site: Any, tmp_path: Any
) -> None:
    site.add("good", "light_good", "light-good")
    probe = (
        "import sys, json; from lightning_suite.cli import main; main(sys.argv[1:]); "
        "print(json.dumps(sorted(sys.modules)))"
    )
    import os

    done = subprocess.run(
        [sys.executable, "-c", probe, *words],
        env={**os.environ, **site.env},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    modules = set(json.loads(done.stdout.splitlines()[-1]))
    assert not modules & {"torch", "lightning", "pytorch_lightning", "lightning_fabric", "numpy"}
    assert not modules & {"light_good.module", "light_good.data"}


def test_a_misspelt_option_is_refused(suite: Any) -> None:
    status, _, message = suite("list", "--hlep")
    assert status == 2
    assert "Did you mean '--help'?" in message


def test_what_a_plugin_prints_at_import_stays_out_of_the_table(site: Any, suite: Any) -> None:
    site.add("loud", "loud_plugin", "loud-plugin", code_before="print('HELLO FROM ME')")
    status, output, message = suite("list", env=site.env)
    assert (status, message) == (0, "")
    assert "HELLO FROM ME" not in output
    assert rows(output, "loud")[0].endswith(" ok")


def test_json_has_a_broken_plugin_with_its_faults(here: Any, capsys: pytest.CaptureFixture[str]) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    bad = here.add_bad("missing_extra")
    assert cli.main(["list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["calm"] == {
        "name": "calm",
        "summary": "The plugin calm",
        "distribution": "calm-plugin",
        "version": "2.0",
        "state": "ok",
        "faults": [],
    }
    assert rows["missing_extra"]["faults"] == [{"cause": bad.cause, "repair": bad.repair}]

"""``suite info NAME``: what a plugin is, and what is wrong with it, within eight lines."""

import json
from typing import Any

import pytest

from lightning_suite import cli

LIMIT = {"LIGHTNING_SUITE_IMPORT_LIMIT": "0.5"}


def test_a_bad_plugin_ends_it_with_3_within_eight_lines(
    kind: str, bad_house: Any, suite: Any, expected_of: Any
) -> None:
    status, _, message = suite("info", kind, env={**bad_house.env, **LIMIT})
    assert status == 3, message
    assert len(message.strip().splitlines()) <= 8
    assert "Traceback" not in message
    assert expected_of(kind).cause in message
    assert f"bad-{kind.replace('_', '-')} 2.0" in message
    assert expected_of(kind).repair in message


def test_a_traceback_is_shown_under_debug(bad_house: Any, suite: Any) -> None:
    status, _, message = suite("info", "exception", "--debug", env=bad_house.env)
    assert status == 3
    assert "Traceback" in message
    assert "raise RuntimeError" in message


def test_two_plugins_of_one_name_are_refused_with_both_distributions(bad_house: Any, suite: Any) -> None:
    status, _, message = suite("info", "twin", env=bad_house.env)
    assert status == 3
    assert "first-twin 2.0 and second-twin 2.0" in message


def test_a_misspelt_name_gets_the_nearest_and_nothing_of_broken_plugins(bad_house: Any, suite: Any) -> None:
    status, _, message = suite("info", "gppd", env=bad_house.env)
    assert status == 2
    assert len(message.strip().splitlines()) <= 6
    assert "'gppd'" in message
    assert "installed: " in message
    assert "broken" not in message
    assert "Traceback" not in message
    assert "nowhere_to_be_found" not in message


def test_it_shows_recipes_with_expected_numbers_and_commands_with_their_help(site: Any, suite: Any) -> None:
    site.add(
        "full",
        "full_plugin",
        "full-plugin",
        record={"commands": {"speak": "full_plugin.studies:speak"}},
        files={
            "studies.py": 'import torch\n\n\ndef speak(\n    run: str,\n) -> None:\n    """Says the run aloud."""\n',
            "recipes/big.yaml": "summary: A big one\n",
        },
    )
    status, output, _ = suite("info", "full", env=site.env)
    assert status == 0
    for part in (
        "The plugin full",
        "Nobody (1999)",
        "full-plugin 2.0",
        "full_plugin.module:Net",
        "full_plugin.data:Data",
        "A small one",
        "test_accuracy 0.75 (its paper)",
        "A big one",
        "Says the run aloud.",
        "next: suite fit --plugin full",
    ):
        assert part in output
    assert output.index("A small one") < output.index("A big one")


def test_a_plugin_in_a_single_file_is_described(tmp_path: Any, suite: Any) -> None:
    (tmp_path / "echo.py").write_text(
        "from lightning_suite.plugin import Plugin\n"
        "record = Plugin(name='echo', summary='Echoes', module='echo:Net', data='echo:Data')\n"
        "Net = Data = None\n"
    )
    status, output, message = suite("info", "echo.py:record")
    assert status == 0, message
    assert "echo: Echoes" in output
    assert str(tmp_path / "echo.py:record") in output


@pytest.mark.parametrize("words", [["info"], ["info", "dsa", "more"], ["info", "--nmae", "x"]])
def test_wrong_arguments_are_refused(words: list[str], suite: Any) -> None:
    status, _, message = suite(*words)
    assert status == 2
    assert len(message.strip().splitlines()) <= 6


def test_json_has_the_record_and_the_recipes(here: Any, capsys: pytest.CaptureFixture[str]) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    assert cli.main(["info", "calm", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["name"], record["version"], record["faults"]) == ("calm", "2.0", [])
    assert record["recipes"]["default"]["model"] == {"rate": 1e-5}


def test_json_of_a_bad_plugin_has_its_fault_and_status(here: Any, capsys: pytest.CaptureFixture[str]) -> None:
    bad = here.add_bad("bad_recipe")
    assert cli.main(["info", "bad_recipe", "--json"]) == 3
    record = json.loads(capsys.readouterr().out)
    assert bad.cause in record["faults"][0]["cause"]
    assert record["recipes"] is None

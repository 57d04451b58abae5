"""``suite info NAME``: what a plugin is, and what is wrong with it, within eight lines."""

from typing import Any

import pytest

LIMIT = {"LIGHTNING_SUITE_IMPORT_LIMIT": "0.5"}


def test_a_bad_plugin_ends_it_with_3_within_eight_lines(
    kind: str, bad_house: Any, suite: Any, expected_of: Any
) -> None:
    status, _, said = suite("info", kind, env={**bad_house.env, **LIMIT})
    assert status == 3, said
    assert len(said.strip().splitlines()) <= 8
    assert "Traceback" not in said
    assert expected_of(kind).cause in said
    assert f"bad-{kind.replace('_', '-')} 2.0" in said
    assert expected_of(kind).repair in said


def test_a_traceback_is_shown_under_debug(bad_house: Any, suite: Any) -> None:
    status, _, said = suite("info", "exception", "--debug", env=bad_house.env)
    assert status == 3
    assert "Traceback" in said
    assert "raise RuntimeError" in said


def test_two_plugins_of_one_name_cannot_be_told_apart(bad_house: Any, suite: Any) -> None:
    status, _, said = suite("info", "twin", env=bad_house.env)
    assert status == 3
    assert "first-twin 2.0 and second-twin 2.0" in said


def test_a_misspelt_name_is_told_the_nearest_and_nothing_of_broken_plugins(bad_house: Any, suite: Any) -> None:
    status, _, said = suite("info", "gppd", env=bad_house.env)
    assert status == 2
    assert len(said.strip().splitlines()) <= 6
    assert "'gppd'" in said
    assert "installed: " in said
    assert "broken" not in said
    assert "Traceback" not in said
    assert "nowhere_to_be_found" not in said


def test_it_tells_recipes_with_expected_numbers_and_commands_with_their_help(site: Any, suite: Any) -> None:
    site.add(
        "told",
        "told_plugin",
        "told-plugin",
        record={"commands": {"speak": "told_plugin.studies:speak"}},
        files={
            "studies.py": 'import torch\n\n\ndef speak(\n    run: str,\n) -> None:\n    """Says the run aloud."""\n',
            "recipes/big.yaml": "summary: A big one\n",
        },
    )
    status, output, _ = suite("info", "told", env=site.env)
    assert status == 0
    for part in (
        "The plugin told",
        "Nobody (1999)",
        "told-plugin 2.0",
        "told_plugin.module:Net",
        "told_plugin.data:Data",
        "A small one",
        "test_accuracy 0.75 (its paper)",
        "A big one",
        "Says the run aloud.",
        "next: suite fit --plugin told",
    ):
        assert part in output
    assert output.index("A small one") < output.index("A big one")


def test_a_plugin_in_a_single_file_is_described(tmp_path: Any, suite: Any) -> None:
    (tmp_path / "echo.py").write_text(
        "from lightning_suite.plugin import Plugin\n"
        "record = Plugin(name='echo', summary='Echoes', module='echo:Net', data='echo:Data')\n"
        "Net = Data = None\n"
    )
    status, output, said = suite("info", "echo.py:record")
    assert status == 0, said
    assert "echo: Echoes" in output
    assert str(tmp_path / "echo.py:record") in output


@pytest.mark.parametrize("words", [["info"], ["info", "dsa", "more"], ["info", "--nmae", "x"]])
def test_wrong_arguments_are_refused(words: list[str], suite: Any) -> None:
    status, _, said = suite(*words)
    assert status == 2
    assert len(said.strip().splitlines()) <= 6

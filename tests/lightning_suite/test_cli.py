"""The command: verbs and plugins' commands are found, mistakes are answered, and every ending has its status."""

import importlib
import itertools
import os
import re
import signal
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lightning_suite import cli, progress, verbs
from lightning_suite.plugins import find
from lightning_suite.spelling import did_you_mean

# Help and version


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_the_help_is_one_screen_with_every_verb(words: list[str], suite: Any) -> None:
    status, output, _ = suite(*words)
    assert status == 0
    assert len(output.splitlines()) <= 24
    assert all(len(line) <= 120 for line in output.splitlines())
    for verb in verbs.names():
        assert f"  {verb} " in output
        assert verbs.help_line(verb) in output


def test_the_help_names_the_verbs_of_plugins(site: Any, suite: Any) -> None:
    site.add_with_command("calm", "speak")
    _, output, _ = suite(env=site.env)
    assert re.search(r"^  calm +speak$", output, re.MULTILINE)


def test_with_many_plugins_the_help_still_is_one_screen(site: Any, suite: Any) -> None:
    for number in range(9):
        site.add_with_command(f"plugin{number}", "speak")
    _, output, _ = suite(env=site.env)
    assert len(output.splitlines()) <= 24
    assert re.search(r"and \d+ plugins more: suite list", output)


def test_the_version_is_that_of_the_distribution(suite: Any) -> None:
    from importlib.metadata import version

    status, output, _ = suite("--version")
    assert (status, output) == (0, f"lightning-suite {version('lightning-suite')}\n")


@pytest.mark.parametrize("verb", ["list", "info", "doctor"])
def test_a_light_verb_explains_itself(verb: str, suite: Any) -> None:
    status, output, _ = suite(verb, "--help")
    assert status == 0
    assert f"suite {verb}" in output


@pytest.mark.parametrize("verb", verbs.names())
@pytest.mark.parametrize("asked", ["-h", "--help"])
def test_every_verb_explains_itself(verb: str, asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([verb, asked]) == 0
    message = capsys.readouterr().out
    assert verbs.help_line(verb).split(",")[0] in " ".join(message.split())
    assert f"suite {verb}" in message


@pytest.mark.parametrize(("asked", "same"), [("help fit", "fit --help"), ("help dsa", "info dsa"), ("help", "")])
def test_help_of_a_word_is_what_explains_it(asked: str, same: str, capsys: pytest.CaptureFixture[str]) -> None:
    texts = [(cli.main(words.split()), capsys.readouterr().out) for words in (asked, same)]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(("word", "meant"), [("train", "fit"), ("evaluate", "test"), ("plugins", "list")])
def test_a_verb_by_another_name_gets_the_name(word: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([word]) == 2
    assert f"Did you mean '{meant}'?" in capsys.readouterr().err


def test_every_verb_has_a_help_line() -> None:
    assert all(verbs.help_line(verb) for verb in verbs.names())


# Mistakes


def single_edits(word: str) -> Iterator[str]:
    """Every deletion, substitution, insertion and swap of neighbours, over the small letters."""
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    yield from (left + right[1:] for left, right in cuts if right)
    yield from (left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1)
    for letter, (left, right) in itertools.product(string.ascii_lowercase, cuts):
        yield left + letter + right
        if right:
            yield left + letter + right[1:]


def test_every_single_typo_of_every_verb_gets_its_suggestion() -> None:
    plugins = find.readable()
    right = [*verbs.names(), *(command for plugin in plugins for command in plugin.commands)]
    assert len(right) >= 8
    silent = [
        f"{typo} for {word}"
        for word in right
        for typo in set(single_edits(word)) - set(right) - {""}
        if repr(word) not in cli.suggestion(typo, plugins)
    ]
    assert silent == []


def test_every_single_typo_of_every_plugin_name_gets_its_suggestion() -> None:
    right = [*find.names(), "recnn", "tweets", "spectral", "hello"]
    silent = [
        f"{typo} for {word}"
        for word in right
        for typo in set(single_edits(word)) - set(right) - {""}
        if repr(word) not in did_you_mean(typo, right)
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["lsit"], "'list'"),
        (["fti"], "'fit'"),
        (["speal"], "'speak'"),
        (["info", "calmm"], "'calm'"),
        (["fit", "--plugin", "cal"], "'calm'"),
        (["speak", "--plugin", "clam"], "'calm'"),
        (["--versoin"], "'--version'"),
    ],
)
def test_a_mistake_is_answered_in_six_lines_with_the_nearest(
    words: list[str], meant: str, site: Any, suite: Any
) -> None:
    site.add_with_command("calm", "speak")
    status, output, message = suite(*words, env=site.env)
    assert (status, output) == (2, "")
    assert len(message.strip().splitlines()) <= 6
    assert repr(words[-1]) in message
    assert meant in message
    assert "Traceback" not in message


def test_a_misspelt_verb_beside_a_plugin_gets_its_suggestion(site: Any, suite: Any) -> None:
    site.add_with_command("calm", "speak")
    status, _, message = suite("fti", "--plugin", "calm", env=site.env)
    assert status == 2
    assert "Did you mean 'fit'?" in message


def test_a_plugin_instead_of_a_verb_gets_a_hint(site: Any, suite: Any) -> None:
    site.add("calm", "calm_plugin", "calm-plugin")
    status, _, message = suite("calm", env=site.env)
    assert status == 2
    assert "suite fit --plugin calm" in message


def test_a_misspelt_verb_says_nothing_of_broken_plugins(bad_house: Any, suite: Any) -> None:
    status, _, message = suite("lsit", env={**bad_house.env, "LIGHTNING_SUITE_IMPORT_LIMIT": "0.3"})
    assert status == 2
    assert len(message.strip().splitlines()) <= 6
    assert "nms" not in message
    assert "broken" not in message


def test_broken_plugins_leave_the_help_whole(bad_house: Any, suite: Any) -> None:
    status, output, message = suite(env={**bad_house.env, "LIGHTNING_SUITE_IMPORT_LIMIT": "0.3"})
    assert (status, message) == (0, "")
    assert "  fit " in output


# A plugin's own verb


@pytest.fixture
def two_speakers(site: Any) -> Any:
    """Two plugins that both have the verb ``speak``; one alone has ``sing``."""
    site.add_with_command("calm", "speak")
    site.add_with_command("wild", "speak")
    site.add_with_command("bird", "sing")
    return site


@pytest.fixture
def run_of_wild(tmp_path: Path) -> Path:
    """What a run folder of the plugin ``wild`` tells."""
    folder = tmp_path / "runs" / "wild" / "one"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(
        "plugin: wild\nrecipe: default\nseed: 0\nmonitor: val_loss\nmode: min\nmodel: {}\ndata: {}\ntrainer: {}\n"
    )
    (folder / "run.json").write_text("{}")
    return folder


def test_an_own_verb_that_one_plugin_has_is_found_by_its_name(two_speakers: Any, suite: Any) -> None:
    status, output, message = suite("sing", "a song", "--times", "3", env=two_speakers.env)
    assert (status, output) == (0, "plugin_bird.studies a song 3\n"), message


def test_an_own_verb_finds_its_plugin_by_the_run(two_speakers: Any, run_of_wild: Path, suite: Any) -> None:
    status, output, message = suite("speak", run_of_wild, env=two_speakers.env)
    assert (status, output) == (0, f"plugin_wild.studies {run_of_wild} 1\n"), message


@pytest.mark.parametrize("typed", [["--plugin", "calm"], ["--plugin=calm"]])
def test_an_own_verb_finds_its_plugin_by_the_option(typed: list[str], two_speakers: Any, suite: Any) -> None:
    status, output, message = suite("speak", *typed, "x", env=two_speakers.env)
    assert (status, output) == (0, "plugin_calm.studies x 1\n"), message


def test_an_own_verb_that_two_plugins_have_asks_which(two_speakers: Any, suite: Any) -> None:
    status, _, message = suite("speak", "x", env=two_speakers.env)
    assert status == 2
    assert "calm, wild" in message
    assert "--plugin NAME" in message


def test_a_run_of_another_plugin_than_was_typed_is_refused(two_speakers: Any, run_of_wild: Path, suite: Any) -> None:
    status, _, message = suite("speak", "--plugin", "calm", run_of_wild, env=two_speakers.env)
    assert status == 2
    assert "'wild'" in message


def test_a_run_whose_plugin_has_no_such_verb_lists_its_verbs(two_speakers: Any, run_of_wild: Path, suite: Any) -> None:
    status, _, message = suite("sing", run_of_wild, env=two_speakers.env)
    assert status == 2
    assert "'wild'" in message
    assert "it has: speak" in message


def test_an_own_verb_explains_itself_without_a_run(two_speakers: Any, suite: Any) -> None:
    status, output, _ = suite("sing", "--help", env=two_speakers.env)
    assert status == 0
    assert "Says the run." in output
    assert "--times" in output


def test_a_misspelt_option_of_an_own_verb_is_refused(two_speakers: Any, suite: Any) -> None:
    status, _, message = suite("sing", "x", "--time", "3", env=two_speakers.env)
    assert status == 2
    assert "times" in message


def test_plugin_without_a_name_is_a_mistake(two_speakers: Any, suite: Any) -> None:
    status, _, message = suite("speak", "--plugin", env=two_speakers.env)
    assert status == 2
    assert "needs a name" in message


# Endings, in this process


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the verb ``list`` end by an exception."""

    def raise_in_verb(error: BaseException) -> None:
        from lightning_suite.verbs import list as verb

        def run(_arguments: list[str]) -> int:
            raise error

        monkeypatch.setattr(verb, "run", run)

    return raise_in_verb


def test_an_unexpected_exception_is_two_lines_and_1(ending: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ending(ValueError("deep inside"))
    assert cli.main(["list"]) == 1
    message = capsys.readouterr().err
    assert message == "unexpected ValueError: deep inside\nrun it again with --debug to see where\n"


@pytest.mark.parametrize("words", [["--debug", "list"], ["list", "--debug"]])
def test_debug_anywhere_shows_the_traceback(words: list[str], ending: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ending(ValueError("deep inside"))
    assert cli.main(words) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"), [(["--quiet", "list"], True), (["list", "--quiet"], True), (["list"], False)]
)
def test_quiet_anywhere_shows_no_progress(words: list[str], expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def run(words: list[str]) -> int:
        seen.append((words, progress.is_quiet()))
        return 0

    monkeypatch.setattr(importlib.import_module("lightning_suite.verbs.list"), "run", run)
    assert cli.main(words) == 0
    assert seen == [([], expected)]
    assert not progress.is_quiet()


def test_an_interruption_is_one_line_and_130(ending: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ending(KeyboardInterrupt())
    assert cli.main(["list"]) == 130
    assert capsys.readouterr().err == f"{cli.INTERRUPTED}\n"


def test_an_error_after_a_swallowed_interruption_is_the_interruption(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(words: list[str]) -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            raise RecursionError("maximum recursion depth exceeded") from None
        return 0

    monkeypatch.setattr(importlib.import_module("lightning_suite.verbs.list"), "run", run)
    assert cli.main(["list"]) == 143
    assert capsys.readouterr().err == f"{cli.INTERRUPTED}\n"


def test_an_exit_because_of_an_interruption_is_one(ending: Any, capsys: pytest.CaptureFixture[str]) -> None:
    error = SystemExit(1)
    error.__context__ = KeyboardInterrupt()
    ending(error)
    assert cli.main(["list"]) == 130
    assert capsys.readouterr().err == f"{cli.INTERRUPTED}\n"


def test_a_file_that_cannot_be_used_is_one_line(ending: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ending(PermissionError(13, "Permission denied", "/there/file"))
    assert cli.main(["list"]) == 1
    assert capsys.readouterr().err == "/there/file: Permission denied\n"


@pytest.mark.parametrize(("code", "status"), [(None, 0), (4, 4), ("why", 1)])
def test_an_exit_of_a_verb_keeps_its_status(code: Any, status: int, ending: Any) -> None:
    ending(SystemExit(code))
    assert cli.main(["list"]) == status


def test_a_terminal_without_unicode_shows_what_it_can(suite: Any) -> None:
    status, _, message = suite("größe", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert status == 2
    assert "there is no verb 'gr" in message
    assert "UnicodeEncodeError" not in message


def test_a_closed_output_is_no_error(tmp_path: Path) -> None:
    done = subprocess.run(["sh", "-c", '"$0" -m lightning_suite --version >&-', sys.executable], cwd=tmp_path)
    assert done.returncode == 0


def test_a_reader_that_goes_away_is_no_error_message(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time; time.sleep(0.5); from lightning_suite.cli import main; exit(main(['list']))",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=dict(os.environ),
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    message = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), message) == (141, "")


def test_in_a_deleted_folder_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    command = 'cd gone && rmdir ../gone && "$0" -m lightning_suite list'
    done = subprocess.run(["sh", "-c", command, sys.executable], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("the current folder cannot be used: No such file or directory")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full: needs Linux")
def test_an_output_that_is_full_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        words = [sys.executable, "-m", "lightning_suite", "list"]
        done = subprocess.run(words, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "standard output cannot be written: No space left on device\n")


# Using a bad plugin


def test_fitting_a_bad_plugin_ends_with_3_within_eight_lines(
    kind: str, here: Any, expected_of: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pytorch_lightning")
    if kind == "hang":
        monkeypatch.setenv("LIGHTNING_SUITE_IMPORT_LIMIT", "0.3")
    here.add_bad(kind)
    words = ["fit", "--plugin", kind]
    if "recipe" in kind and kind != "no_recipes":
        words += ["--recipe", "wide"]
    status = cli.main(words)
    message = capsys.readouterr().err
    assert status == 3, message
    assert len(message.strip().splitlines()) <= 8
    assert "Traceback" not in message
    assert f"bad-{kind.replace('_', '-')} 2.0" in message
    assert expected_of(kind).cause in message
    assert expected_of(kind).repair in message

"""``suite check``."""

from pathlib import Path

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.testing import CHECKS
from lightning_suite.verbs import check

TINY = f"{Path(__file__).parents[1] / 'tiny.py'}:plugin"


def test_a_passed_check_is_a_row_and_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.run([TINY, "--only", "record_is_complete"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("1 passed in ")


def test_a_failed_check_says_what_to_do_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.run([TINY, "--only", "options_are_documented"]) == 1  # tiny.py explains no parameter
    message = capsys.readouterr().out
    assert "to do:" in message
    assert message.splitlines()[-1].startswith("1 failed in ")


def test_an_expected_failure_that_fails_is_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    reason = "options_are_documented=it is a test's own"
    assert check.run([TINY, "--only", "options_are_documented", "--expect", reason]) == 0


def test_an_expected_failure_that_passes_is_status_1() -> None:
    reason = "record_is_complete=once upon a time"
    assert check.run([TINY, "--only", "record_is_complete", "--expect", reason]) == 1


def test_the_list_names_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.run(["--list"]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")} >= set(CHECKS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([TINY, "--only", "fit"], "Did you mean 'fits'"),
        ([TINY, "--expect", "fits"], "expected CHECK=REASON"),
        ([], "which"),
    ],
)
def test_a_mistake_is_a_usage_error(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check.run(words)

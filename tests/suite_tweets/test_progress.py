"""What is shown while tweets are collected."""

import io

import pytest
from rich.console import Console

from suite_tweets import progress
from suite_tweets.progress import amount, clock, progress_of


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.2, "0:01"), (59.5, "1:00"), (61, "1:01"), (899, "14:59"), (3723, "1:02:03")]
)
def test_a_countdown_reads_like_a_clock(seconds: float, expected: str) -> None:
    assert clock(seconds) == expected


def test_an_unknown_total_is_not_shown() -> None:
    assert (amount(1200, None), amount(1200, 3200)) == ("1,200 tweets", "1,200 of 3,200 tweets")


def test_without_a_terminal_a_countdown_is_a_line_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of("@kosmos_ru") as display:
        for left in range(150, -1, -1):
            display.wait("the rate limit is reached", left)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" in ")[2][:4] for line in lines] == ["2:30", "1:30", "0:30"]


def test_without_a_terminal_a_second_countdown_begins_anew(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of("@kosmos_ru") as display:
        for left in (30, 0, 40, 0):
            display.wait("the rate limit is reached", left)
    assert [line.split(" in ")[1][:4] for line in capsys.readouterr().err.splitlines()] == ["0:30", "0:40"]


def test_without_a_terminal_not_every_page_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of("@kosmos_ru") as display:
        display.expect(0, 300)
        for done in (100, 200, 300):
            display.count(done)
    expected = ["@kosmos_ru: 0 of 300 tweets", "@kosmos_ru: 300 of 300 tweets"]
    assert capsys.readouterr().err.splitlines() == expected


def test_without_a_terminal_a_search_for_newer_tweets_begins_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of("@kosmos_ru") as display:
        display.expect(0, None)
    assert capsys.readouterr().err == ""


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is written to a terminal in the place of standard error."""
    written = io.StringIO()

    def console(*, stderr: bool) -> Console:
        assert stderr
        return Console(file=written, force_terminal=True, width=80, color_system=None)

    monkeypatch.setattr(progress, "Console", console)
    return written


def test_on_a_terminal_the_countdown_stands_behind_the_bar(terminal: io.StringIO) -> None:
    with progress_of("@kosmos_ru") as display:
        display.expect(3100, 3200)
        display.wait("the rate limit is reached", 76)
        display.wait("the rate limit is reached", 75)
        display.say("a line [with brackets]")
    shown = terminal.getvalue()
    assert "3,100 of 3,200 tweets" in shown and "going on in 1:15" in shown
    assert shown.count("the rate limit is reached; Ctrl-C keeps what is there") == 1
    assert "a line [with brackets]" in shown


def test_on_a_terminal_there_is_no_bar_before_there_is_something_to_show(terminal: io.StringIO) -> None:
    with pytest.raises(ValueError, match="no token"), progress_of("@kosmos_ru"):
        raise ValueError("no token")
    assert terminal.getvalue() == ""

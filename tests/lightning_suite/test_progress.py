"""What a long call shows: bars on a terminal, lines elsewhere, nothing where it is short or shall be quiet."""

import io
import sys
import threading
import time
from collections.abc import Callable

import pytest

from lightning_suite import progress as shown
from lightning_suite.progress import duration, progress, track


class Terminal(io.StringIO):
    """Standard error, or output, as a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is shown at once, and again and again."""
    monkeypatch.setattr(shown, "PATIENCE", 0.01)
    monkeypatch.setattr(shown, "SELDOM", 0.0)


@pytest.fixture
def open_terminal(monkeypatch: pytest.MonkeyPatch, at_once: None) -> Callable[[], Terminal]:
    """Makes standard error a terminal; a fixture's own would be lost when pytest goes on to the test."""

    def opened() -> Terminal:
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "100")
        return terminal

    return opened


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it was never so"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.5, "1 min 00 s"),
        (61, "1 min 01 s"),
        (899, "14 min 59 s"),
        (3723, "1 h 02 min"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_a_short_call_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("reading", total=2) as advance:
        advance()
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("at_once")
def test_elsewhere_than_on_a_terminal_there_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ""
    with progress("making", total=5000, unit="jets") as advance:
        advance(1200)

        def said() -> bool:
            nonlocal lines
            lines += capsys.readouterr().err
            return "making: 1,200 of 5,000 jets, 0 s, " in lines

        wait_for(said)
    assert " jets/s, about " in lines
    assert " left\n" in lines
    assert capsys.readouterr().err.endswith("making: done, 1,200 jets, 0 s\n")


def test_lines_are_few(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "PATIENCE", 0.05)
    with progress("waiting"):
        time.sleep(0.5)
    assert len(capsys.readouterr().err.splitlines()) == 2  # that it is busy, and that it is done


@pytest.mark.usefixtures("at_once")
def test_a_line_names_the_stage(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("clustering") as advance:
        advance.stage("eigenvectors")
        wait_for(lambda: "clustering: eigenvectors, 0 s\n" in capsys.readouterr().err)


@pytest.mark.usefixtures("at_once")
def test_an_exception_ends_it_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="broken"), progress("reading"):
        raise RuntimeError("broken")
    assert "done" not in capsys.readouterr().err


@pytest.mark.usefixtures("at_once")
def test_quiet_shows_nothing_in_any_thread(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        with progress("working"):
            time.sleep(0.2)

    with shown.quiet():
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        shown.say("a line")
        for thread in threads:
            thread.join()
    assert capsys.readouterr().err == ""
    assert not shown.is_quiet()


def test_quiet_can_be_declined() -> None:
    with shown.quiet(False):
        assert not shown.is_quiet()


@pytest.mark.usefixtures("at_once")
def test_the_second_process_of_a_training_shows_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    with progress("reading"):
        time.sleep(0.2)
    assert capsys.readouterr().err == ""


def test_threads_count_together() -> None:
    with progress("counting") as advance:
        threads = [threading.Thread(target=lambda: [advance() for _ in range(5000)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert advance.done == 20_000


def test_steps_of_an_earlier_call_say_nothing_about_the_time_left() -> None:
    with progress("making", total=100, done=50) as advance:
        assert advance.state() == "50 of 100, 0 s"
        advance(25)
        time.sleep(0.01)
        assert "75 of 100, 0 s, about 0 s left" in advance.state()


def test_a_total_may_become_known_later() -> None:
    with progress("collecting") as advance:
        assert advance.state() == "0 s"
        advance.update(done=3, total=10)
        assert advance.state().startswith("3 of 10, 0 s")


def test_track_gives_the_items_and_counts_them() -> None:
    assert list(track(iter("abc"), "spelling", total=3)) == ["a", "b", "c"]


@pytest.mark.usefixtures("at_once")
def test_what_is_not_gone_through_to_its_end_is_not_called_done(capsys: pytest.CaptureFixture[str]) -> None:
    items = track("abc", "spelling")
    next(items)
    items.close()
    assert "done" not in capsys.readouterr().err


def test_a_terminal_shows_bars_of_calls_within_calls_and_takes_them_away(open_terminal: Callable[[], Terminal]) -> None:
    terminal = open_terminal()
    with progress("making [red]", total=10, unit="jets") as outer, progress("of top") as inner:
        outer(4)
        inner.stage("showers")
        wait_for(lambda: "4 of 10 jets" in terminal.getvalue() and "showers" in terminal.getvalue())
    assert "making [red]" in terminal.getvalue()
    assert "━" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K")  # the line is empty again
    assert sys.stderr is terminal


def test_a_line_that_stays_is_printed_above_the_bars(open_terminal: Callable[[], Terminal]) -> None:
    terminal = open_terminal()
    with progress("making"):
        wait_for(lambda: "making" in terminal.getvalue())
        shown.say("kept [bold] as it is")
    assert "kept [bold] as it is\n" in terminal.getvalue()


def test_a_bar_does_not_take_what_is_printed_into_a_pipe(
    open_terminal: Callable[[], Terminal], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = open_terminal()
    with progress("making"):
        wait_for(lambda: "making" in terminal.getvalue())
        print("a row")
    assert capsys.readouterr().out == "a row\n"


def test_while_another_bar_is_drawn_there_are_lines_above_it(open_terminal: Callable[[], Terminal]) -> None:
    terminal = open_terminal()
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=terminal), auto_refresh=False) as bar:  # as Lightning draws its own
        bar.add_task("Epoch 1")
        with progress("clustering") as advance:
            advance.stage("k-means")
            wait_for(lambda: "clustering: k-means, 0 s\n" in terminal.getvalue())
        assert type(sys.stderr).__name__ == "FileProxy"


def test_a_dumb_terminal_gets_lines(open_terminal: Callable[[], Terminal], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal()
    monkeypatch.setenv("TERM", "dumb")
    with progress("reading"):
        wait_for(lambda: "reading: 0 s\n" in terminal.getvalue())


@pytest.mark.usefixtures("at_once")
def test_standard_error_may_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with progress("reading") as advance:
        time.sleep(0.2)
        advance()


def test_a_terminal_that_goes_away_is_no_error(open_terminal: Callable[[], Terminal]) -> None:
    terminal = open_terminal()

    def write(text: str) -> int:
        raise BrokenPipeError

    with progress("reading") as advance:
        wait_for(lambda: "reading" in terminal.getvalue())
        terminal.write = write  # type: ignore[method-assign]
        time.sleep(0.3)
        advance()
    assert advance.done == 1


@pytest.mark.usefixtures("at_once")
def test_the_thread_ends_with_the_last_call() -> None:
    with progress("reading"):
        assert any(thread.name == "progress" for thread in threading.enumerate())
    wait_for(lambda: all(thread.name != "progress" for thread in threading.enumerate()))

"""Signals that end a program are answered as Ctrl-C is, once."""

import contextlib
import os
import signal
import threading

import pytest

from lightning_suite import signals

NUMBERS = [getattr(signal, name) for name in signals.NAMES]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_is_an_interruption_with_its_own_status(number: int) -> None:
    with signals.answered():
        with pytest.raises(KeyboardInterrupt, match=signal.Signals(number).name):
            os.kill(os.getpid(), number)
        assert signals.status() == 128 + number
    before = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    assert signal.getsignal(number) is before


def test_without_a_signal_the_status_is_that_of_ctrl_c() -> None:
    with signals.answered():
        pass
    assert signals.status() == 130


def test_what_follows_at_once_is_taken_for_the_same_signal() -> None:
    with signals.answered():
        with pytest.raises(signals.Signalled):
            os.kill(os.getpid(), signal.SIGHUP)
        for number in set(NUMBERS) - {signal.SIGINT}:
            os.kill(os.getpid(), number)
        assert signals.status() == 128 + signal.SIGHUP


def test_a_later_signal_is_another_one_and_ctrl_c_always(monkeypatch: pytest.MonkeyPatch) -> None:
    with signals.answered():
        with pytest.raises(signals.Signalled):
            os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(signals.Signalled):
            os.kill(os.getpid(), signal.SIGINT)
        monkeypatch.setattr(signals, "SAME", 0.0)
        with pytest.raises(signals.Signalled):
            os.kill(os.getpid(), signal.SIGTERM)
        assert signals.status() == 128 + signal.SIGTERM


def test_a_signal_whose_exception_was_swallowed_is_known() -> None:
    with signals.answered():
        assert not signals.received()
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGUSR1)
        assert signals.received()


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.answered():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGUSR1"])
def test_a_signal_that_is_put_aside_is_answered_when_the_block_ends(name: str) -> None:
    number, seen = getattr(signal, name), []
    with signals.answered():
        with pytest.raises(KeyboardInterrupt), signals.postponed([name]) as arrived:
            os.kill(os.getpid(), number)
            seen = [*arrived]
        assert seen == [number]
        assert signals.status() == 128 + number


def test_a_block_may_answer_a_signal_that_is_put_aside() -> None:
    with signals.answered(), signals.postponed(["SIGUSR1"]) as arrived:
        os.kill(os.getpid(), signal.SIGUSR1)
        with pytest.raises(signals.Signalled, match="SIGUSR1"):
            signals.answer(arrived.pop())
        assert signals.is_of_scheduler()


def test_another_thread_leaves_signals_as_they_are() -> None:
    seen = []

    def look() -> None:
        with signals.answered():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]

import time

import pytest

from suite_spectral.stages import Stages


def test_what_is_quick_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Stages("clustering") as stages:
        stages("graph")
    assert capsys.readouterr().err == ""


def test_what_takes_longer_says_which_stage_it_is_in(capsys: pytest.CaptureFixture[str]) -> None:
    with Stages("clustering", patience=0.01) as stages:
        stages("graph")
        time.sleep(0.2)
        stages("eigenvectors")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["graph", "eigenvectors"]


def test_nothing_is_said_after_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    with Stages("clustering", patience=0.05) as stages:
        stages("graph")
    time.sleep(0.2)
    assert capsys.readouterr().err == ""

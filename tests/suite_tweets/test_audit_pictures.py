"""Pictures of what a model remembers, and the numbers beside them."""

import csv
from pathlib import Path

import numpy as np
import pytest

from suite_tweets.audit import Audit, Copied, Exposed, Membership
from suite_tweets.audit_pictures import write_copies, write_exposure, write_membership


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_every_picture_has_its_numbers_beside_it(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    audit = Audit(
        bits={"trained on": np.array([2.0, 1.0]), "held out": np.array([3.0])},
        membership=[Membership("bits per character", 1.0, 0.9, 1.0)],
        copies={"trained on": [Copied("a b c", 1, 2, True)], "held out": [Copied("d e", 1, 0, False)]},
        canaries=[Exposed("x y", 4, 9.5)],
        most=10.0,
    )
    assert rows(write_membership(tmp_path / "membership.png", audit)) == [
        ["tweets", "bits_per_char"],
        ["trained on", "1.0"],
        ["trained on", "2.0"],
        ["held out", "3.0"],
    ]
    assert rows(write_copies(tmp_path / "copies.png", audit)) == [
        ["tweets", "text", "given", "copied", "whole"],
        ["trained on", "a b c", "1", "2", "True"],
        ["held out", "d e", "1", "0", "False"],
    ]
    assert rows(write_exposure(tmp_path / "exposure.png", audit)) == [
        ["text", "planted", "exposure"],
        ["x y", "4", "9.5"],
    ]
    assert len(list(tmp_path.glob("*.png"))) == 3

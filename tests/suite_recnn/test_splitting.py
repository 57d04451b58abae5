"""Jets of an event share its part, whatever file and order they come in."""

from pathlib import Path

import numpy as np
import pytest

from suite_recnn.splitting import event_shares


def test_jets_of_one_event_are_in_one_part() -> None:
    columns = {"event": np.repeat(np.arange(500), 3), "sample": np.full(1500, "w")}
    shares = event_shares(columns, 0, Path("w.parquet")).reshape(500, 3)
    assert (shares == shares[:, :1]).all()
    assert len(np.unique(shares[:, 0])) == 500
    assert shares[:, 0].mean() == pytest.approx(0.5, abs=0.05)


def test_the_same_event_number_of_another_seed_or_sample_is_another_event() -> None:
    def share(**columns) -> float:
        return event_shares({name: np.array([value]) for name, value in columns.items()}, 0, Path("a"))[0]

    assert len({share(event=3), share(event=3, seed=1), share(event=3, seed=2), share(event=3, sample="w")}) == 4


def test_another_split_seed_cuts_other_events() -> None:
    columns = {"event": np.arange(100)}
    assert (event_shares(columns, 0, Path("a")) != event_shares(columns, 1, Path("a"))).all()

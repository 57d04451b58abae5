"""What all studies refuse."""

from pathlib import Path

import pytest

from lightning_suite.errors import UsageError
from suite_dsa.studies.trained import chosen_heads, encoder_of


@pytest.mark.parametrize("heads", ["0", "4", "1,", "one", "", "-1", "1-3"])
def test_a_head_that_is_not_there_is_refused(heads: str) -> None:
    with pytest.raises(UsageError, match=f"--heads {heads}: expected numbers from 1 to 3, .*, or all"):
        chosen_heads(heads, there=3)


def test_a_head_is_chosen_once() -> None:
    assert chosen_heads("2, 1,2", there=3) == [1, 0]


def test_the_encoder_of_a_run_is_ready_to_encode(checkpoint: Path) -> None:
    assert not encoder_of(str(checkpoint)).training

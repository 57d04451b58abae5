"""The settings of a run: their ranges."""

from pathlib import Path

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.options import parse
from lightning_suite.plugins import find

NAME = f"{Path(__file__).parents[1] / 'tiny.py'}:plugin"
TINY = find.get(NAME)


@pytest.mark.parametrize("option", ["--seed=-1", "--seed=4294967296", "--checkpoint_every=-2"])
def test_a_number_out_of_range_is_refused(option: str) -> None:
    with pytest.raises(UsageError, match=option.partition("=")[0]):
        parse(TINY, [option], start={})

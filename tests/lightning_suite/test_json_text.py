"""Values as strict JSON."""

import json
from pathlib import Path

from lightning_suite.json_text import json_text


def test_plain_values_are_read_back() -> None:
    values = {"a": [1, 2.5, True, None, "ü"], "b": {"c": {}}}
    assert json.loads(json_text(values)) == values


def test_what_json_has_no_word_for_is_null_or_text() -> None:
    values = {1: float("nan"), "b": (float("-inf"), Path("x"))}
    assert json.loads(json_text(values)) == {"1": None, "b": [None, "x"]}

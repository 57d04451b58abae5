"""The help of options: the plugin's first, within the width of the terminal."""

from pathlib import Path

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.options import help_text
from lightning_suite.plugins import find

TINY = find.get(f"{Path(__file__).parents[1] / 'tiny.py'}:plugin")


def test_help_shows_the_plugin_first_and_the_trainer_only_when_asked() -> None:
    text = help_text(TINY, "suite fit")
    assert text.index("--model.hidden") < text.index("--data.points") < text.index("--seed")
    assert "--trainer.max_epochs" not in text
    assert "--trainer.max_epochs" in help_text(TINY, "suite fit", "trainer")


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_help_says_all_of_an_option_within_the_width_of_the_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    text = help_text(find.get("dsa"), "suite fit", "model")
    assert all(len(line) <= columns for line in text.splitlines() if line.startswith(" "))
    message = " ".join(text.split())
    assert "dynamic: weight vectors made from the sentence (Algorithm 1); static: learnt ones" in message
    assert "layers of each kernel size, L. --model.first_dim" in message
    assert ":paramref:" not in help_text(find.get("dsa"), "suite fit", "trainer")


def test_help_of_one_option_says_all_that_is_known_of_it() -> None:
    assert help_text(TINY, "suite fit", "model.hidden").startswith("--model.hidden int = 8")
    with pytest.raises(UsageError, match=r"Did you mean '--model\.hidden'"):
        help_text(TINY, "suite fit", "model.hiden")

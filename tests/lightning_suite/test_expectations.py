"""Which of the numbers of a recipe may stand beside those of a run."""

from collections.abc import Mapping

import pytest

from lightning_suite.expectations import Expectation


@pytest.mark.parametrize(
    ("others", "shown"),
    [
        ([], True),
        (["--seed", "--model.heads"], True),
        (["data.batch_size", "data.num_workers", "data.predict_path"], True),
        (["--data.path"], False),
        (["data.labels", "model.heads"], False),
        (["data.limit"], False),
    ],
)
def test_other_data_hide_the_numbers(others: list[str], shown: bool) -> None:
    expected = Expectation.of({"expected": {"test_auc": 0.9, "source": "seed 0"}})
    assert expected.beside(others) == ({"test_auc": 0.9} if shown else {})
    assert Expectation.of({"expected": {"test_auc": 0.9, "data": "SNLI"}}).beside(others) == {}


@pytest.mark.parametrize(
    ("recipe", "text"),
    [
        ({}, ""),
        ({"expected": None}, ""),
        ({"expected": "much"}, ""),
        ({"expected": {"source": "a paper"}}, "(a paper)"),
        ({"expected": {"auc": 0.5, "loss": 2, "source": "a\x1b[1m paper"}}, "auc 0.5, loss 2 (a\\x1b[1m paper)"),
    ],
)
def test_any_recipe_can_be_shown(recipe: Mapping[str, object], text: str) -> None:
    assert f"{Expectation.of(recipe)}" == text

"""Tokens drawn from distributions that are known."""

import math
from typing import Any

import pytest
import torch

from lightning_suite.errors import RunError, UsageError
from suite_tweets.writing import sampling
from suite_tweets.writing.sampling import Sampling, draw, filter_logits


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"temperature": -0.1}, "temperature: expected a number of 0 or more, got -0.1"),
        ({"temperature": math.nan}, "temperature.*nan"),
        ({"temperature": math.inf}, "temperature.*inf"),
        ({"top_k": -1}, "top_k: .* got -1"),
        ({"top_p": 0.0}, "top_p: .* got 0.0"),
        ({"top_p": 1.5}, "top_p: .* got 1.5"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        Sampling(**options)


def probabilities(logits: list[float], **options: Any) -> list[float]:
    """What is left of a distribution that is given by its logits."""
    left: list[float] = filter_logits(torch.tensor([logits]), Sampling(**options)).softmax(dim=1)[0].tolist()
    return left


def test_without_settings_a_distribution_stays() -> None:
    assert probabilities([1.0, 3.0, 2.0]) == pytest.approx(torch.tensor([1.0, 3.0, 2.0]).softmax(0).tolist())


def test_logits_are_divided_by_the_temperature() -> None:
    expected = torch.tensor([2.0, 6.0, 4.0]).softmax(0).tolist()
    assert probabilities([1.0, 3.0, 2.0], temperature=0.5) == pytest.approx(expected)


@pytest.mark.parametrize("temperature", [0.0, 1e-300, 1e-30])
def test_the_likeliest_token_is_all_that_no_temperature_leaves(temperature: float) -> None:
    assert probabilities([1.0, 3.0, 2.9], temperature=temperature) == [0.0, 1.0, 0.0]


def test_temperature_zero_chooses_one_of_equal_tokens() -> None:
    assert sorted(probabilities([5.0, 5.0, 5.0], temperature=0.0)) == [0.0, 0.0, 1.0]


def test_top_k_keeps_the_k_likeliest() -> None:
    assert probabilities([math.log(4), 0.0, math.log(2), math.log(3)], top_k=2) == pytest.approx([4 / 7, 0, 0, 3 / 7])


def test_top_k_keeps_k_of_equal_tokens() -> None:
    assert sum(share > 0 for share in probabilities([0.0] * 10, top_k=3)) == 3


def test_a_top_k_above_the_vocabulary_keeps_all() -> None:
    assert probabilities([0.0, 0.0], top_k=100) == [0.5, 0.5]


@pytest.mark.parametrize(
    ("top_p", "expected"),
    [(0.01, [0, 1, 0, 0]), (0.49, [0, 1, 0, 0]), (0.51, [0, 5 / 8, 3 / 8, 0]), (0.81, [0.15, 0.5, 0.3, 0.05])],
)
def test_top_p_keeps_the_fewest_that_reach_it(top_p: float, expected: list[float]) -> None:
    logits = [math.log(share) for share in (0.15, 0.5, 0.3, 0.05)]
    if top_p == 0.81:
        expected = [0.15 / 0.95, 0.5 / 0.95, 0.3 / 0.95, 0]
    assert probabilities(logits, top_p=top_p) == pytest.approx(expected, abs=1e-6)


def test_top_p_counts_only_what_top_k_leaves() -> None:
    logits = [math.log(share) for share in (0.4, 0.3, 0.3)]
    assert probabilities(logits, top_k=2, top_p=0.55) == pytest.approx([1, 0, 0])  # 4 / 7 is more than 0.55


def test_top_p_reaches_beyond_the_tokens_it_first_looks_at() -> None:
    tokens = 5 * sampling._LIKELIEST
    left = filter_logits(torch.zeros(2, tokens), Sampling(top_p=0.5)).isfinite().sum(dim=1)
    assert left.tolist() == [tokens // 2] * 2


def test_each_row_has_its_own_tokens_cut_off() -> None:
    logits = torch.tensor([[0.0, 9.0, 1.0], [9.0, 0.0, 1.0]])
    assert filter_logits(logits, Sampling(top_k=1)).isfinite().tolist() == [[False, True, False], [True, False, False]]


def test_tokens_are_drawn_as_often_as_they_are_probable() -> None:
    expected = torch.tensor([0.0, 0.5, 0.0, 0.3, 0.15, 0.05, 0.0])
    rows = 20_000
    drawn = draw(expected.log().expand(rows, -1), torch.Generator().manual_seed(0))
    counts = torch.bincount(drawn, minlength=len(expected)).double()
    possible = expected > 0
    chi_square = ((counts - rows * expected) ** 2 / (rows * expected))[possible].sum()
    assert counts[~possible].sum() == 0
    assert float(chi_square) < 11.34  # 1 % of all seeds are above, with 3 degrees of freedom


def test_a_network_of_nan_is_refused() -> None:
    with pytest.raises(RunError, match="nan"):
        draw(torch.full((1, 3), math.nan), torch.Generator())

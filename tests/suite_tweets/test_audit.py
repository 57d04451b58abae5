"""What a model remembers, with networks that remember all, or nothing."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from suite_tweets.audit import PREFIXES, Audit, auc, auc_interval, audit, copied, exposures
from suite_tweets.canaries import Canary, made_up
from suite_tweets.network import State
from suite_tweets.scoring import TextScores
from suite_tweets.tokens import END, Tokenizer, learn

WORDS = [f"w{number}" for number in range(100, 160)]
TRAINED = [" ".join(WORDS[begin : begin + 6]) for begin in range(0, 60, 6)]  # each word has one successor
HELD_OUT = [" ".join(WORDS[begin::10]) for begin in range(10)]
VALIDATION = [" ".join(reversed(WORDS))]


class Successors(nn.Module):
    """A stand-in that has learnt by heart which token follows which in some texts."""

    def __init__(self, tokenizer: Tokenizer, texts: Sequence[str], sure: float = 8.0) -> None:
        super().__init__()
        table = torch.zeros(tokenizer.size, tokenizer.size)
        for text in texts:
            for before, after in itertools.pairwise([END, *tokenizer.encode(text), END]):
                table[before, after] = sure
        self.table, self.tokenizer = table, tokenizer

    def initial_state(self, batch: int) -> State:
        return ((torch.zeros(1, batch, 1), torch.zeros(1, batch, 1)),)

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        return self.table[tokens], state

    def score(self, texts: Sequence[str]) -> TextScores:
        """As the module's: -ln p of each text and its end."""
        nats = []
        for text in texts:
            tokens = [END, *self.tokenizer.encode(text), END]
            chances = self.table[tokens[:-1]].log_softmax(dim=1)
            nats.append(-chances[range(len(tokens) - 1), tokens[1:]].double().sum())
        sizes = torch.tensor([len(text) + 1 for text in texts])
        return TextScores(torch.stack(nats), sizes, torch.zeros(len(texts)), sizes)


def nothing(texts: int) -> None:
    """Counts no progress."""


def audited(
    network: Any, trained_on: Sequence[str] = TRAINED, held_out: Sequence[str] = HELD_OUT, **options: Any
) -> Audit:
    return audit(network.score, network, network.tokenizer, trained_on, VALIDATION, held_out, **options)


@pytest.fixture
def tokenizer() -> Tokenizer:
    return learn(TRAINED, "words", None, "kept")


@pytest.mark.parametrize(
    ("lower", "higher", "expected"),
    [([1, 2], [3, 4], 1.0), ([3, 4], [1, 2], 0.0), ([1, 1], [1, 1], 0.5), ([1, 4], [2, 3], 0.5), ([1, 2], [2], 0.75)],
)
def test_the_auc_is_the_share_of_pairs_in_the_right_order(lower: list[int], higher: list[int], expected: float) -> None:
    assert auc(np.array(lower, float), np.array(higher, float)) == expected


def test_the_interval_holds_the_auc_and_narrows_with_more_tweets() -> None:
    generator = np.random.default_rng(0)
    intervals = []
    for count in (300, 10_000):
        lower, higher = generator.normal(0, 1, count), generator.normal(1, 1, count)
        middle, low, high = auc_interval(lower, higher, seed=0, draws=100)
        assert low < middle < high
        assert low < 0.7602 < high  # of two normal distributions one deviation apart
        intervals.append(high - low)
    assert intervals[1] < 0.2 * intervals[0]


def test_a_network_that_knows_its_tweets_by_heart_tells_them_apart(tokenizer: Tokenizer) -> None:
    result = audited(Successors(tokenizer, TRAINED))
    by_name = {each.name: each.auc for each in result.membership}
    assert by_name["bits per character"] == 1.0
    assert by_name["calibrated"] == 1.0
    assert 0.2 < by_name["without the model"] < 0.8
    assert {kind: len(bits) for kind, bits in result.bits.items()} == {"trained on": 10, "held out": 10}


def test_a_network_that_has_learnt_nothing_does_not(tokenizer: Tokenizer) -> None:
    result = audited(Successors(tokenizer, []))
    assert result.membership[0] == ("bits per character", 0.5, 0.5, 0.5)
    assert max(each.words for each in result.copies["trained on"]) == 0


def test_as_many_of_the_latest_training_tweets_count_as_are_held_out(tokenizer: Tokenizer) -> None:
    network: Any = Successors(tokenizer, [])
    result = audited(network, [*HELD_OUT, *TRAINED], HELD_OUT[:4])
    assert {each.text for each in result.copies["trained on"]} == set(TRAINED[-4:])


def test_words_whose_digits_became_zeros_are_copied_all_the_same() -> None:
    tokenizer = learn(["go 12 rockets flew"], "words", None, "zeros")
    network: Any = Successors(tokenizer, ["go 12 rockets flew"])
    assert copied(network, tokenizer, ["go 12 rockets flew"], nothing) == [
        ("go 12 rockets flew", 1, 3, True),
        ("go 12 rockets flew", 2, 2, True),
    ]


def test_copies_are_counted_after_each_prefix(tokenizer: Tokenizer) -> None:
    network: Any = Successors(tokenizer, TRAINED)
    found = copied(network, tokenizer, [TRAINED[3], "w103 w104 w105 w159"], nothing)
    assert [each for each in found if each.text == TRAINED[3]] == [
        (TRAINED[3], 1, 5, True),
        (TRAINED[3], 2, 4, True),
        (TRAINED[3], 4, 2, True),
    ]
    assert [each[1:] for each in found if each.text != TRAINED[3]] == [(1, 2, False), (2, 1, False)]
    assert PREFIXES == (1, 2, 4, 8)


def test_a_planted_canary_that_is_remembered_has_the_highest_exposure(tokenizer: Tokenizer) -> None:
    canary = Canary(made_up(TRAINED, 1, words=8, seed=5)[0], 4)
    network: Any = Successors(tokenizer, [*TRAINED, canary.text])
    (found,) = exposures(network.score, TRAINED, [canary], 255, 0, nothing)
    assert found == (canary.text, 4, 8.0)


def test_canaries_that_were_never_planted_have_little_exposure(tokenizer: Tokenizer) -> None:
    network: Any = Successors(tokenizer, TRAINED)
    network.table = torch.randn(network.table.shape, generator=torch.Generator().manual_seed(0))
    canaries = [Canary(text, 1) for text in made_up(TRAINED, 300, words=8, seed=5)]
    found = exposures(network.score, TRAINED, canaries, 999, 0, nothing)
    assert np.mean([each.exposure for each in found]) == pytest.approx(1 / math.log(2), abs=0.3)


def test_the_report_has_a_table_of_each_measure(tokenizer: Tokenizer) -> None:
    canaries = [
        Canary(text, times) for text, times in zip(made_up(TRAINED, 4, words=8, seed=5), [1, 9] * 2, strict=True)
    ]
    network: Any = Successors(tokenizer, TRAINED)
    result = audited(network, canaries=canaries, candidates=63)
    report = result.report()
    assert "bits per character  1.000  1.000      1.000" in report
    assert "1  trained on           10                5.00        5      100.0" in report
    assert [line.split()[:2] for line in report.splitlines()[-2:]] == [["1", "2"], ["9", "2"]]
    assert report.splitlines()[-1].endswith("6.0")

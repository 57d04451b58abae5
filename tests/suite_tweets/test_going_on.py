"""What goes on learning predicts by its cache, its n-grams or its steps, and nothing that comes later changes it."""

from collections.abc import Sequence

import pytest
import torch

from suite_tweets.account import Account
from suite_tweets.dynamic import Dynamic
from suite_tweets.going_on import GoingOn
from suite_tweets.memory import Cache
from suite_tweets.mixture import CountingOn
from suite_tweets.module import TweetModel
from suite_tweets.scoring import TokenScores, score_tokens
from suite_tweets.tokens import learn

TEXTS = ["the crew waits", "the rocket flies", "the rocket waits", "a crew flies to the station", "no crew", "a rocket"]
TRAIN, VALIDATION, TEST = TEXTS[:2], TEXTS[2:4], TEXTS[4:]


@pytest.fixture
def module() -> TweetModel:
    module = TweetModel(hidden_dim=8)
    module._build(learn(TEXTS, "words", None, "kept"), Account.of(TEXTS), (), False)
    torch.manual_seed(0)
    for weight in module.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    return module.eval()


def scores_of(module: TweetModel, texts: Sequence[str]) -> TokenScores:
    assert module.network is not None
    with torch.inference_mode():
        return score_tokens(module.network, module.tokenizer, texts, carries=False, sure=True)


def nothing(texts: Sequence[str]) -> None:
    return None


def test_a_network_alone_has_a_cache_of_what_it_read(module: TweetModel) -> None:
    def score(texts: Sequence[str]) -> TokenScores:
        return scores_of(module, texts)

    going = GoingOn(score, TRAIN, VALIDATION, window=6, dynamic=None, counting=None)
    latest = score(VALIDATION)
    cache = Cache(latest.nats, latest.memory, score(TRAIN).memory, window=6)
    for text in TEST:
        network = score([text])
        torch.testing.assert_close(going.nats([text], network), cache.nats(network.nats, network.memory))


def test_n_grams_alone_count_on(module: TweetModel) -> None:
    def counting() -> CountingOn:
        return CountingOn(TRAIN, module.tokenizer, 3, validation=VALIDATION, to_come=TEST)

    going = GoingOn(nothing, TRAIN, VALIDATION, window=0, dynamic=None, counting=counting())
    expected = counting()
    expected.begin(None, None, 0)
    for text in TEST:
        torch.testing.assert_close(going.nats([text], None), expected.nats([text], None))


def test_a_network_that_learns_takes_the_place_of_the_one_that_was_trained(module: TweetModel) -> None:
    def nats(rate: float, network: TokenScores) -> torch.Tensor:
        assert module.network is not None
        dynamic = Dynamic(module.network, module.tokenizer, rate, carries=False)
        counting = CountingOn(TRAIN, module.tokenizer, 3, validation=VALIDATION, to_come=TEST)
        going = GoingOn(
            lambda texts: scores_of(module, texts), TRAIN, VALIDATION, window=6, dynamic=dynamic, counting=counting
        )
        return going.nats(TEST, network)

    trained, other = scores_of(module, TEST), scores_of(module, TEST[::-1])
    torch.testing.assert_close(nats(0.5, trained), nats(0.5, other))  # the trained one's scores are not used
    assert not torch.allclose(nats(0.5, trained), nats(1e-30, trained))

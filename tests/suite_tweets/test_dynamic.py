"""A network that goes on learning: from what it has predicted, for what is next, and never itself."""

import pytest
import torch

from suite_tweets.account import Account
from suite_tweets.dynamic import Dynamic
from suite_tweets.module import TweetModel
from suite_tweets.scoring import score_tokens
from suite_tweets.tokens import END, learn

TEXTS = ["the crew waits", "the rocket flies", "the rocket waits", "a crew flies to the station", "no crew"]


def built(carries: bool = True) -> TweetModel:
    module = TweetModel(hidden_dim=8)
    module._build(learn(TEXTS, "words", None, "kept"), Account.of(TEXTS), (), carries)
    torch.manual_seed(0)
    for weight in module.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    return module.eval()


def dynamic(module: TweetModel, rate: float = 0.5) -> Dynamic:
    assert module.network is not None
    with torch.inference_mode():  # as in a test
        return Dynamic(module.network, module.tokenizer, rate, carries=module.carries)


@pytest.mark.parametrize("carries", [False, True])
def test_without_a_rate_texts_cost_what_they_always_do(carries: bool) -> None:
    module = built(carries)
    assert module.network is not None
    with torch.inference_mode():
        actual = dynamic(module, 1e-30).scores(TEXTS)
        expected = score_tokens(module.network, module.tokenizer, [TEXTS[0]], carries=carries, sure=True)
    assert actual.tokens.tolist() == [token for text in TEXTS for token in [*module.tokenizer.encode(text), END]]
    for name in expected._fields:
        torch.testing.assert_close(getattr(actual, name)[:4], getattr(expected, name))


def test_what_was_said_is_better_known_when_it_is_said_again() -> None:
    nats = dynamic(built(carries=False)).scores([TEXTS[1]] * 8).nats.view(8, -1).sum(dim=1)
    assert bool((nats[1:] < nats[:-1]).all())


def test_later_texts_change_no_earlier_probability() -> None:
    module = built()
    one, other = (dynamic(module).scores([*TEXTS[:2], last]).nats for last in ("no crew flies", "the moon"))
    torch.testing.assert_close(one[:8], other[:8])
    going = dynamic(module)
    torch.testing.assert_close(torch.cat([going.scores([text]).nats for text in TEXTS[:2]]), one[:8])


def test_the_network_itself_stays_as_it_is() -> None:
    module = built()
    before = {name: weight.clone() for name, weight in module.state_dict().items()}
    dynamic(module).scores(TEXTS)
    assert all(torch.equal(weight, before[name]) for name, weight in module.state_dict().items())
    assert all(weight.grad is None for weight in module.parameters())

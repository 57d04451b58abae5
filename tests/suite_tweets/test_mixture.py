"""Network and n-grams together: weights that help, distributions that add up to 1, and no look ahead."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from suite_tweets import characters
from suite_tweets.account import Account
from suite_tweets.counting import NGrams
from suite_tweets.mixture import CountingOn, Mixture, Predicted, combined, fitted_gate
from suite_tweets.module import TweetModel
from suite_tweets.scoring import TokenScores
from suite_tweets.tokens import END, learn

TEXTS = ["the crew waits", "the rocket flies", "the rocket waits", "a crew flies to the station", "no crew"]


def built(predictor: str = "mixture", kind: str = "words", texts: list[str] = TEXTS, **settings: Any) -> TweetModel:
    """A module whose network says something of every token, and whose predictors have uneven weights."""
    module = TweetModel(predictor=predictor, hidden_dim=8, **settings)  # type: ignore[arg-type]
    tokenizer = learn(texts, kind, 280 if kind == "bpe" else None, "kept", "kneser-ney")  # type: ignore[arg-type]
    module._build(tokenizer, Account.of(texts), (), carries=False, counted=texts)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_(std=0.5, generator=generator)
        module.gate.normal_(generator=generator)
    return module.eval()


def scores(module: TweetModel, texts: Sequence[str]) -> TokenScores | None:
    with torch.inference_mode():
        return module._score_tokens(texts)


@pytest.mark.parametrize("sure", [0.0, 1.0])
def test_the_weights_follow_what_is_known(sure: float) -> None:
    nats = torch.tensor([[0.5, 4.0], [4.0, 0.5]]).repeat(40, 1).double()
    context = torch.tensor([[1.0, sure], [1.0, 0.0]]).repeat(40, 1).double()
    predicted = Predicted(nats, context)
    gate = fitted_gate(predicted)
    either = float(predicted.mixed(torch.zeros(2, 2).double()).mean())
    expected = pytest.approx(0.5, abs=0.05) if sure else pytest.approx(either, abs=1e-3)
    assert float(predicted.mixed(gate).mean()) == expected


def test_a_predictor_that_is_never_right_does_no_harm() -> None:
    nats = torch.tensor([[1.0, torch.inf]]).repeat(40, 1).double()
    predicted = Predicted(nats, torch.ones(40, 1).double())
    assert float(predicted.mixed(fitted_gate(predicted)).mean()) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("predictor", "kind"), [("ngram", "words"), ("mixture", "words"), ("mixture", "bpe")])
def test_what_is_written_is_drawn_from_a_distribution_that_adds_up_to_one(predictor: str, kind: str) -> None:
    if kind == "bpe":
        pytest.importorskip("tokenizers")
    module = built(predictor, kind)
    tokens = torch.tensor([[END, END], [4, 5], [3, 2]])
    with torch.inference_mode():
        state = module.reader.initial_state(2)
        together, after = module.reader(tokens, state)
        for step in range(3):
            logits, state = module.reader(tokens[step : step + 1], state)
            torch.testing.assert_close(logits[0], together[step])
    assert all(torch.equal(*pair) for pair in zip(state[-1], after[-1], strict=True))
    torch.testing.assert_close(together.exp().sum(dim=2), torch.ones(3, 2))


def test_what_is_written_is_as_likely_as_it_is_scored() -> None:
    module = built()
    module.gate[2, 0] = -1e4  # characters, which write nothing
    text = "the rocket waits"
    tokens = torch.tensor([END, *module.tokenizer.encode(text), END])
    with torch.inference_mode():
        logits, _ = module.reader(tokens[:-1, None], module.reader.initial_state(1))
        expected = float(module.score([text]).nats)
    assert float(-logits[range(4), 0, tokens[1:]].sum()) == pytest.approx(expected, rel=1e-5)


def begun(module: TweetModel, texts: Sequence[str], validation: Sequence[str]) -> CountingOn:
    counting = CountingOn(TEXTS, module.tokenizer, 3, validation=validation, to_come=texts)
    older = scores(module, TEXTS)
    counting.begin(scores(module, validation), None if older is None else older.memory, window=20)
    return counting


@pytest.mark.parametrize("predictor", ["ngram", "mixture"])
def test_later_texts_change_no_earlier_probability(predictor: str) -> None:
    module = built(predictor)
    validation = ["the moon waits", "no rocket flies"]

    def nats(texts: list[str]) -> Tensor:
        counting = begun(module, texts, validation)
        return torch.cat([counting.nats([text], scores(module, [text])) for text in texts])

    same = ["a moon", "the moon flies to mars"]
    one, other = nats([*same, "the crew waits"]), nats([*same, "unheard 🚀 of"])
    count = sum(len(text.split()) + 1 for text in same)
    torch.testing.assert_close(one[:count], other[:count])
    assert not torch.allclose(one[count:], other[count:])
    together = begun(module, same, validation).nats(same, scores(module, same))
    torch.testing.assert_close(together, one[:count])


@pytest.mark.parametrize("predictor", ["ngram", "mixture"])
def test_later_words_change_no_earlier_probability(predictor: str) -> None:
    module = built(predictor)
    texts = ["the rocket flies to", "the rocket flies the station", "the rocket flies orbit"]
    each = [module._mixed([text], scores(module, [text]))[:3] for text in texts]
    torch.testing.assert_close(each[0], each[1])
    torch.testing.assert_close(each[0], each[2])


@pytest.mark.parametrize(("before", "counts_on"), [("", False), ("a ba ", False), ("bbbb ", True)])
def test_all_words_that_can_be_spelt_and_the_end_add_up_to_one(
    before: str, counts_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(characters, "UNICODE", 4)  # END, space, a and b
    texts = ["ab ba", "aab b", "b ab", "ba a", "a bb"]
    module = built(texts=texts)
    words = ["".join(letters) for length in range(1, 8) for letters in product("ab", repeat=length)]
    everything = [before + word for word in ["", *words]]
    place = len(before.split())
    tokenizer, ngrams = module.tokenizer, module.ngrams
    if counts_on:
        ngrams = NGrams(texts, tokenizer, 3, to_come=["a bbb ba", *everything])
        ngrams.counting_on(["a bbb ba", "bbb", "ab"])
    assert ngrams is not None
    mixed = combined(scores(module, everything), ngrams.scores(everything)).mixed(module.gate)
    lengths = [place + 1, *[place + 2] * len(words)]
    here = torch.stack([text[place] for text in torch.split(mixed, lengths)])
    spelling = [sum(map(tokenizer.spelling_nats, tokenizer.unknown(word))) for word in ["", *words]]
    assert 0.97 < float((-here - torch.tensor(spelling)).exp().sum()) < 1  # the rest is longer


def test_the_cache_and_counting_on_help_where_texts_come_again() -> None:
    module = built(cache=20)
    texts = ["unheard things fly"] * 4
    counting = begun(module, texts, ["the moon waits"] * 6)
    nats = torch.cat([counting.nats([text], scores(module, [text])) for text in texts]).view(4, -1).sum(dim=1)
    assert nats[3] < nats[1] < nats[0]


def test_words_that_are_new_are_not_written() -> None:
    module = built("ngram")
    reader = module.reader
    assert isinstance(reader, Mixture)
    logits, _ = reader(torch.tensor([[END]]), reader.initial_state(1))
    assert logits.shape[2] == module.tokenizer.size

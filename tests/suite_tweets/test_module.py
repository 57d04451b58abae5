"""The module learns tweets, measures what it knows in bits, and writes the same tweets from its checkpoint."""

import csv
import inspect
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml
from pytorch_lightning import LightningDataModule, Trainer, seed_everything
from pytorch_lightning.callbacks import Callback
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

from lightning_suite import load, training
from lightning_suite.errors import RunError, UsageError
from lightning_suite.options import Settings
from lightning_suite.run import Run
from lightning_suite.testing.trainers import quiet_trainer
from suite_tweets import module as module_file
from suite_tweets import plugin
from suite_tweets.account import Account
from suite_tweets.batches import NOTHING, Batch, Sharing, Stream, Windows, windows
from suite_tweets.canaries import made_up
from suite_tweets.data import Texts, TweetData
from suite_tweets.division import Parts
from suite_tweets.module import STATE, TweetModel
from suite_tweets.network import LanguageModel
from suite_tweets.scoring import READERS, STRETCH, TOGETHER, TextScores, nats_of
from suite_tweets.spelling import Spelling
from suite_tweets.state import detached
from suite_tweets.tokens import END, UNKNOWN, Tokenizer, Words, learn
from suite_tweets.tweets import Tweet, write_tweets
from suite_tweets.writing.sampling import Sampling

# After its first word a tweet is decided; what is left is ln 3 nats in three or four tokens.
TEXTS = ["ракета летит в космос", "the crew landed", "станция ждёт"]
SMALL: dict[str, Any] = {"hidden_dim": 12, "layers": 1, "learning_rate": 0.05, "generated": 4, "sample_every": 0}


class TinyTweets(LightningDataModule):
    """A few tweets again and again."""

    def __init__(self, training_set: str = "windows", kind: str = "words", texts: Sequence[str] = TEXTS) -> None:
        super().__init__()
        self.training_set, self.rules = training_set, ("lower-case",)
        self.parts = Parts([*texts] * 8, [*texts], [*texts, "the rocket 🚀 летит"])
        self.tokenizer = learn(self.parts.train, kind, 280 if kind == "bpe" else None, "kept")  # type: ignore[arg-type]
        self.account, self.learnt = Account.of(self.parts.train), self.parts.train

    def train_dataloader(self) -> DataLoader[Batch]:
        trainer = self.trainer
        assert trainer is not None
        tweets = [self.tokenizer.encode(text) for text in self.parts.train]
        sharing = Sharing(4, 0, lambda: trainer.current_epoch)
        cut = Windows(windows(tweets, 2), sharing) if self.training_set == "windows" else Stream(tweets, 5, sharing)
        return DataLoader(cut, batch_size=None)

    def val_dataloader(self) -> DataLoader[list[str]]:
        return DataLoader(Texts(self.parts.validation), batch_size=None)

    def test_dataloader(self) -> DataLoader[list[str]]:
        return DataLoader(Texts(self.parts.test), batch_size=None)

    def predict_dataloader(self) -> DataLoader[str]:
        return DataLoader(self.parts.test, batch_size=3, collate_fn=list)  # type: ignore[arg-type]


def fitted(folder: Path, data: TinyTweets, epochs: int = 1, **settings: Any) -> tuple[TweetModel, Trainer]:
    seed_everything(1, verbose=False)
    module = TweetModel(**SMALL | settings)
    fit = quiet_trainer(folder, max_epochs=epochs)
    fit.fit(module, data)
    return module.eval(), fit


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], TweetModel]:
    """Gives a module that knows the texts."""
    folder = tmp_path_factory.mktemp("learnt")
    fitted(folder, TinyTweets(), epochs=8)[1].save_checkpoint(folder / "a.ckpt")
    return lambda: TweetModel.load_from_checkpoint(folder / "a.ckpt", weights_only=True).eval()


def untrained(tokenizer: Tokenizer, *, carries: bool = False, **settings: Any) -> TweetModel:
    """A module as it comes from a checkpoint, with weights that say something of every token."""
    module = TweetModel(**SMALL | settings)
    module._build(tokenizer, Account.of(TEXTS), ("lower-case",), carries)
    for weight in module.network.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    return module.eval()


def whole() -> Words:
    return learn([*TEXTS, "the crew"], "words", None, "kept")  # type: ignore[return-value]


def some_texts(count: int) -> list[str]:
    words = [*" ".join(TEXTS).split(), "spaceship", "орбита"]
    return [" ".join(words[(i * 7 + j * j) % len(words)] for j in range(1 + i % 6)) for i in range(count)]


# Learning


# In three or four tokens ln 3 nats cannot be known; pieces are more, and 5.6 nats each before they are learnt.
@pytest.mark.parametrize(
    ("training_set", "kind", "bound"), [("windows", "words", 0.5), ("stream", "words", 0.5), ("stream", "bpe", 1.5)]
)
def test_it_learns_a_tiny_account(tmp_path: Path, training_set: str, kind: str, bound: float) -> None:
    if kind == "bpe":
        pytest.importorskip("tokenizers")
    _, fit = fitted(tmp_path, TinyTweets(training_set, kind), epochs=8)
    assert fit.callback_metrics["train_loss"] < bound
    assert fit.callback_metrics["val_loss"] < bound


@pytest.mark.parametrize("dropout", ["step", "sequence"])
def test_it_learns_with_every_kind_of_dropout(tmp_path: Path, dropout: str) -> None:
    rates = {f"{name}_dropout": 0.1 for name in ("token", "input", "hidden", "output", "weight")}
    settings = {"dropout": dropout, "tied": True, "layers": 2, "optimizer": "adamw", "schedule": "cosine"} | rates
    _, fit = fitted(tmp_path, TinyTweets("stream"), epochs=12, **settings)
    assert fit.callback_metrics["val_loss"] < 1.5  # 2.4 before anything is learnt


def test_an_epoch_logs_as_often_whatever_its_number_of_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning copies what is logged, so that nothing is logged in a step."""
    names: list[str] = []
    log = TweetModel.log
    monkeypatch.setattr(
        TweetModel, "log", lambda self, name, *rest, **more: (names.append(name), log(self, name, *rest, **more))
    )
    fitted(tmp_path, TinyTweets(), epochs=2)
    expected = ["train_loss", "val_bits_per_char", "val_loss", "val_perplexity"]
    assert sorted(names[-len(expected) :]) == expected
    assert names.count("train_loss") == 2


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    one, two = (fitted(tmp_path, TinyTweets("stream"))[0].state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_the_state_is_carried_along_a_stream(tmp_path: Path) -> None:
    starts: list[list[Tensor]] = []

    class Watch(TweetModel):
        def forward(self, tokens: Tensor, state: Any) -> Any:
            if self.training:
                starts.append([tensor for layer in state for tensor in layer])
            return super().forward(tokens, state)

    module = Watch(**SMALL)
    data = TinyTweets("stream")
    quiet_trainer(tmp_path, max_epochs=2, num_sanity_val_steps=0).fit(module, data)
    per_epoch = len(starts) // 2
    zero = [not any(tensor.any() for tensor in start) for start in starts]
    assert per_epoch > 2
    assert zero == [step % per_epoch == 0 for step in range(2 * per_epoch)]
    assert not any(tensor.requires_grad for start in starts for tensor in start)


def test_windows_are_each_read_from_zeros_on(tmp_path: Path) -> None:
    module, _ = fitted(tmp_path, TinyTweets("windows"))
    assert module._state is None


def test_the_training_loss_is_a_mean_over_tokens(tmp_path: Path) -> None:
    module = TweetModel(**SMALL | {"learning_rate": 1e-30})
    data = TinyTweets("stream")
    fit = quiet_trainer(tmp_path, limit_val_batches=0)
    fit.fit(module, data)
    assert len({len(batch.tokens) for batch in data.train_dataloader()}) == 2
    nats = count = 0.0
    state = module.network.initial_state(4)
    tweets = [data.tokenizer.encode(text) for text in data.parts.train]
    for batch in Stream(tweets, 5, Sharing(4, 0, lambda: 0)):  # the last one is shorter
        logits, state = module.network(batch.tokens, detached(state))
        nats += functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), reduction="sum").item()
        count += batch.targets.numel()
    assert float(fit.callback_metrics["train_loss"]) == pytest.approx(nats / count, rel=1e-5)


def test_the_cosine_schedule_ends_at_zero(tmp_path: Path) -> None:
    rates: list[float] = []

    class Watch(Callback):
        def on_train_batch_end(self, trainer: Any, *rest: Any) -> None:
            rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    module = TweetModel(**SMALL, schedule="cosine")
    quiet_trainer(tmp_path, max_epochs=2, callbacks=[Watch()]).fit(module, TinyTweets())
    assert rates == sorted(rates, reverse=True)
    assert rates[0] < 0.05
    assert rates[-1] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("name", "kind"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)])
def test_the_optimizer_is_the_one_asked_for(name: Any, kind: type) -> None:
    module = untrained(whole(), optimizer=name, weight_decay=0.25)
    optimizer = module.configure_optimizers()
    assert type(optimizer) is kind
    assert optimizer.defaults["weight_decay"] == 0.25
    assert optimizer.defaults["lr"] == 0.05


# What it says of a text


def test_bits_per_character_are_those_that_a_hand_computes() -> None:
    tokenizer = whole()
    module = untrained(tokenizer)
    text = "the орбита crew"
    first, last = tokenizer.encode("the crew")
    logits, _ = module.network(torch.tensor([[END], [first], [UNKNOWN], [last]]), module.network.initial_state(1))
    logits = logits.detach().index_fill(2, torch.tensor(UNKNOWN), -math.inf)
    known = logits[:, 0].log_softmax(dim=1)
    escape = tokenizer.escape
    nats = -float(known[0, first] + known[2, last] + known[3, END]) - 3 * math.log(1 - escape) - math.log(escape)
    bits = nats / math.log(2) + Spelling(tokenizer.words).bits("орбита")
    scores = module.score([text])
    assert scores.nats.item() == pytest.approx(nats, rel=1e-5)
    assert scores.tokens.tolist() == [4]
    assert scores.characters.tolist() == [len(text) + 1]
    assert scores.bits_per_char.item() == pytest.approx(bits / (len(text) + 1), rel=1e-5)
    assert scores.perplexity.item() == pytest.approx(math.exp(nats / 4), rel=1e-5)


@pytest.mark.parametrize("kind", ["whole", "no word once", "cut", "bpe"])
def test_probabilities_of_all_tokens_add_up_to_one(kind: str) -> None:
    if kind == "bpe":
        pytest.importorskip("tokenizers")
    tokenizer = {
        "whole": lambda: whole(),
        "no word once": lambda: learn(TEXTS * 2, "words", None, "kept"),
        "cut": lambda: learn([*TEXTS, "the crew"], "words", 5, "kept"),
        "bpe": lambda: learn(TEXTS * 2, "bpe", 270, "kept"),
    }[kind]()
    assert (tokenizer.escape > 0) == (kind in ("whole", "no word once"))
    logits = torch.randn(3, 1, tokenizer.size, generator=torch.Generator().manual_seed(0)) * 3
    targets = torch.arange(tokenizer.size).expand(3, -1)
    nats = nats_of(logits.expand(3, tokenizer.size, -1), targets, tokenizer.escape)
    assert nats.double().neg().exp().sum(dim=1).tolist() == pytest.approx([1, 1, 1], abs=1e-6)


def test_the_unknown_word_has_the_probability_set_apart_for_it() -> None:
    tokenizer = whole()
    nats = nats_of(torch.randn(2, 1, tokenizer.size), torch.full((2, 1), UNKNOWN), tokenizer.escape)
    torch.testing.assert_close(nats, torch.full((2, 1), -math.log(tokenizer.escape), dtype=torch.float64))


@pytest.mark.parametrize("size", [None, 5])
def test_nothing_costs_nothing(size: int | None) -> None:
    tokenizer = learn([*TEXTS, "the crew"], "words", size, "kept")
    nats = nats_of(torch.randn(2, 1, tokenizer.size), torch.full((2, 1), NOTHING), tokenizer.escape)
    assert not nats.any()


def test_what_is_said_of_a_text_does_not_depend_on_the_others() -> None:
    module = untrained(whole())
    texts = some_texts(TOGETHER + 6)
    together = module.score(texts)
    alone = [module.score([text]) for text in texts]
    for name in together._fields:
        torch.testing.assert_close(getattr(together, name), torch.cat([getattr(each, name) for each in alone]))


def test_a_text_without_words_has_its_end_to_tell() -> None:
    scores = untrained(whole()).score([""])
    assert scores.tokens.tolist() == scores.characters.tolist() == [1]
    assert scores.oov_bits.tolist() == [0]
    assert 0 < scores.nats.item() < math.inf


def test_nothing_is_said_of_no_texts() -> None:
    assert [len(each) for each in untrained(whole()).score([])] == [0, 0, 0, 0]


def counted(module: TweetModel, texts: list[str]) -> list[float]:
    """What the sums over held-out texts are."""
    with torch.inference_mode():
        module.sums.add(texts, module._mixed(texts, module._score_tokens(texts)), module.tokenizer)
    sums = [float(module.sums[name].compute()) for name in TextScores._fields]
    for name in TextScores._fields:
        module.sums[name].reset()
    return sums


@pytest.mark.parametrize("carries", [False, True])
def test_texts_are_scored_in_their_order_with_the_end_of_each(carries: bool) -> None:
    module = untrained(whole(), carries=carries)
    texts = some_texts(3 * READERS * STRETCH // 4)
    with torch.inference_mode():
        scores = module._score_tokens(texts)
    assert scores is not None
    expected = [token for text in texts for token in [*module.tokenizer.encode(text), END]]
    assert scores.tokens.tolist() == expected
    assert scores.nats.shape == (len(expected),)
    assert scores.hidden.shape == (len(expected), 12)


def test_tweets_read_on_and_tweets_read_one_by_one_are_counted_alike() -> None:
    module = untrained(whole())
    texts = some_texts(3 * READERS * STRETCH // 4)  # more tokens than the readers read at a time
    scores = module.score(texts)
    assert scores.tokens.sum() > READERS * STRETCH
    assert counted(module, texts) == pytest.approx([float(each.sum()) for each in scores], rel=1e-6)
    module.carries = True
    sums = counted(module, texts)
    assert sums[1:] == pytest.approx([float(each.sum()) for each in scores[1:]])
    assert sums[0] != pytest.approx(float(scores.nats.sum()), rel=1e-6)


def test_tweets_read_on_cost_the_same_where_the_state_does_not_matter() -> None:
    module = untrained(whole(), carries=True)
    with torch.no_grad():
        for lstm in module.network.lstms:
            assert isinstance(lstm, torch.nn.LSTM)
            lstm.weight_hh_l0.zero_()
            lstm.bias_ih_l0[12:24] = -1e4  # the forget gates: nothing is kept
    texts = some_texts(3 * READERS * STRETCH // 4)
    assert counted(module, texts) == pytest.approx([float(each.sum()) for each in module.score(texts)], rel=1e-6)


def test_what_is_logged_of_tests_is_the_sum_of_the_scores(tmp_path: Path) -> None:
    module, _ = fitted(tmp_path, TinyTweets())
    data = TinyTweets()
    (results,) = quiet_trainer(tmp_path).test(module, data, verbose=False)
    scores = module.eval().score(data.parts.test)
    nats = float(scores.nats.sum() / scores.tokens.sum())
    assert results["test_loss"] == pytest.approx(nats, rel=1e-5)
    assert results["test_perplexity"] == pytest.approx(math.exp(nats), rel=1e-5)
    bits = (scores.nats / math.log(2) + scores.oov_bits).sum() / scores.characters.sum()
    assert results["test_bits_per_char"] == pytest.approx(float(bits), rel=1e-5)


def test_a_test_measures_what_the_module_writes(tmp_path: Path, learnt: Callable[[], TweetModel]) -> None:
    module = learnt()
    (results,) = quiet_trainer(tmp_path).test(module, TinyTweets(), verbose=False)
    measured = {f"test_{name}" for name in ("distinct_1", "distinct_2", "distinct_3", "copied_4", "copied_8")}
    assert {*results} == measured | {
        f"test_{name}"
        for name in ("loss", "perplexity", "bits_per_char", "length_distance", "new_words", "new_words_held_out")
    }
    assert 0 <= results["test_distinct_1"] <= 1


def test_copies_and_new_words_are_measured_with_the_digits_that_the_model_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["in 2024 the rocket flies", "in 1999 the crew landed"]
    module = untrained(learn(texts, "words", None, "zeros"))
    monkeypatch.setattr(module_file, "generate", lambda *args, **options: ["in 0000 the rocket flies"] * 4)
    (results,) = quiet_trainer(tmp_path).test(module, TinyTweets(texts=texts), verbose=False)
    assert results["test_copied_4"] == 1
    assert results["test_new_words"] == 0


def test_a_test_leaves_the_lengths_as_a_picture_and_as_numbers(
    tmp_path: Path, learnt: Callable[[], TweetModel]
) -> None:
    (tmp_path / "figures").mkdir()
    quiet_trainer(tmp_path).test(learnt(), TinyTweets(), verbose=False)
    assert (tmp_path / "figures" / "lengths.png").stat().st_size > 0
    with (tmp_path / "figures" / "lengths.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for name in ("written", "the account's"):
        assert sum(int(row[name]) for row in rows) == SMALL["generated"]


def test_a_network_that_writes_nothing_of_use_is_measured_all_the_same(
    tmp_path: Path, learnt: Callable[[], TweetModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*args: Any, **options: Any) -> list[str]:
        raise UsageError("got only 0 of 4 tweets")

    module = learnt()
    monkeypatch.setattr(module_file, "generate", refuses)
    with pytest.warns(UserWarning, match="not measured: got only 0 of 4"):
        (results,) = quiet_trainer(tmp_path).test(module, TinyTweets(), verbose=False)
    assert {*results} == {"test_loss", "test_perplexity", "test_bits_per_char"}


def test_samples_that_could_not_be_written_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*args: Any, **options: Any) -> list[str]:
        raise UsageError("got only 0 of 4 tweets")

    (tmp_path / "figures").mkdir()
    monkeypatch.setattr(TweetModel, "write", refuses)
    fitted(tmp_path, TinyTweets(), epochs=1, sample_every=1)
    assert "(none: got only 0 of 4" in (tmp_path / "samples.txt").read_text(encoding="utf-8")


def test_tested_tweets_that_were_trained_on_are_said(tmp_path: Path, learnt: Callable[[], TweetModel]) -> None:
    with pytest.warns(UserWarning, match="3 of 4 tested tweets were trained on"):
        quiet_trainer(tmp_path).test(learnt(), TinyTweets(), verbose=False)


def test_a_cache_is_measured_beside_what_is_measured_without(tmp_path: Path) -> None:
    _, fit = fitted(tmp_path, TinyTweets("stream"), epochs=3)
    fit.save_checkpoint(tmp_path / "a.ckpt")

    def tested(**settings: Any) -> dict[str, float]:
        module = TweetModel.load_from_checkpoint(tmp_path / "a.ckpt", weights_only=True, **settings)
        (results,) = quiet_trainer(tmp_path).test(module, TinyTweets("stream"), verbose=False)
        return dict(results)

    without, with_cache = tested(), tested(cache=30)
    assert "test_bits_per_char_cached" not in without
    assert with_cache.pop("test_bits_per_char_cached") != pytest.approx(without["test_bits_per_char"], rel=1e-4)
    assert without == with_cache


def test_validating_twice_gives_the_same(tmp_path: Path) -> None:
    module, _ = fitted(tmp_path, TinyTweets("stream"))
    one, two = (quiet_trainer(tmp_path).validate(module, TinyTweets("stream"), verbose=False) for _ in range(2))
    assert one == two


def test_predictions_are_a_row_a_text_in_their_order(tmp_path: Path) -> None:
    data = TinyTweets()
    module, _ = fitted(tmp_path, data)
    batches: Any = quiet_trainer(tmp_path).predict(module, data)
    assert [list(batch) for batch in batches] == [["text", "tokens", "perplexity", "bits_per_char"]] * 2
    assert [text for batch in batches for text in batch["text"]] == data.parts.test
    assert torch.cat([batch["tokens"] for batch in batches]).tolist() == [4, 3, 2, 4]
    scores = module.score(data.parts.test)
    torch.testing.assert_close(torch.cat([batch["perplexity"] for batch in batches]), scores.perplexity)
    torch.testing.assert_close(torch.cat([batch["bits_per_char"] for batch in batches]), scores.bits_per_char)


def test_a_text_is_cleaned_before_it_is_scored_and_shown_as_it_came() -> None:
    module = untrained(whole())  # its rule is lower-case
    rows = module.predict_step(["THE Crew landed", ""], 0)
    assert rows["text"] == ["THE Crew landed", ""]
    assert rows["tokens"].tolist() == [3, 0]  # type: ignore[union-attr]
    torch.testing.assert_close(rows["perplexity"][:1], module.score(["the crew landed"]).perplexity)  # type: ignore[arg-type]


def test_what_was_trained_on_is_known_better_than_what_was_not(learnt: Callable[[], TweetModel]) -> None:
    module = learnt()
    scores = module.score(["the crew landed", "landed crew the", "the crew орбита"]).bits_per_char
    assert scores[0] < scores[1]
    assert scores[0] < scores[2]


# Writing


def test_it_writes_the_tweets_it_has_learnt(learnt: Callable[[], TweetModel]) -> None:
    module = learnt()
    tweets = module.write(6, Sampling(temperature=0.3), seed=0)
    assert len(tweets) == 6
    assert {*tweets} <= {*TEXTS}


def test_a_prompt_is_cleaned_as_the_training_tweets_were(learnt: Callable[[], TweetModel]) -> None:
    module = learnt()
    assert all(tweet.startswith("the crew") for tweet in module.write(3, Sampling(), seed=0, prompt="The CREW"))


def test_the_same_seed_writes_the_same_tweets_and_another_one_others() -> None:
    module = untrained(whole())
    one, two, other = (module.write(5, Sampling(), seed=seed) for seed in (0, 0, 1))
    assert one == two
    assert one != other


def test_samples_are_written_every_so_many_epochs_and_after_the_last(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    fitted(tmp_path, TinyTweets(), epochs=5, sample_every=2, samples=3)
    lines = (tmp_path / "samples.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("  ")] == [f"after epoch {epoch}" for epoch in (2, 4, 5)]
    assert len(lines) == 3 * (1 + 3)


@pytest.mark.parametrize("figures", [False, True])
def test_no_samples_are_written_where_none_are_asked_for_or_there_is_no_run(tmp_path: Path, figures: bool) -> None:
    if figures:
        (tmp_path / "figures").mkdir()
    fitted(tmp_path, TinyTweets(), epochs=1, sample_every=0 if figures else 1)
    assert not (tmp_path / "samples.txt").exists()


@pytest.mark.parametrize("training_set", ["windows", "stream"])
def test_writing_samples_does_not_change_training(tmp_path: Path, training_set: str) -> None:
    (tmp_path / "figures").mkdir()
    rates = {"hidden_dropout": 0.2, "weight_dropout": 0.2}
    never, always = (
        fitted(tmp_path, TinyTweets(training_set), epochs=3, sample_every=every, **rates)[0].state_dict()
        for every in (0, 1)
    )
    assert (tmp_path / "samples.txt").is_file()
    assert all(torch.equal(never[name], always[name]) for name in never)


# N-grams and mixtures


@pytest.mark.parametrize("predictor", ["ngram", "mixture"])
def test_an_account_is_learnt_by_counting(tmp_path: Path, predictor: str) -> None:
    data = TinyTweets("stream")
    module, fit = fitted(tmp_path, data, predictor=predictor, cache=30, dynamic=0.1)
    assert fit.callback_metrics["val_loss"] < 0.7
    (results,) = quiet_trainer(tmp_path).test(module, data, verbose=False)
    assert results["test_bits_per_char_cached"] < results["test_bits_per_char"] + 0.1
    assert {*module.write(6, Sampling(temperature=0.3), seed=0)} <= {*TEXTS}
    fit.save_checkpoint(tmp_path / "a.ckpt")
    loaded = TweetModel.load_from_checkpoint(tmp_path / "a.ckpt", weights_only=True).eval()
    assert loaded.write(5, Sampling(), seed=3) == module.write(5, Sampling(), seed=3)
    assert torch.equal(loaded.score(some_texts(9)).bits_per_char, module.score(some_texts(9)).bits_per_char)
    assert torch.equal(loaded.gate, module.gate)
    assert bool(module.gate.any())


def test_a_mixture_predicts_better_than_its_network(tmp_path: Path) -> None:
    alone, mixed = (
        fitted(tmp_path, TinyTweets("stream"), predictor=predictor)[1].callback_metrics["val_loss"]
        for predictor in ("network", "mixture")
    )
    assert mixed < alone


def test_the_network_of_a_mixture_learns_as_it_does_alone(tmp_path: Path) -> None:
    alone, mixed = (
        fitted(tmp_path, TinyTweets("stream"), epochs=2, predictor=predictor)[0].state_dict()
        for predictor in ("network", "mixture")
    )
    assert all(torch.equal(mixed[name], each) for name, each in alone.items())


def test_weights_chosen_in_training_stay_when_other_texts_are_validated(tmp_path: Path) -> None:
    module, _ = fitted(tmp_path, TinyTweets(), predictor="mixture")
    before = module.gate.clone()
    quiet_trainer(tmp_path).validate(module, TinyTweets(texts=["station landed", *TEXTS]), verbose=False)
    assert torch.equal(module.gate, before)


# Checkpoints


def test_a_checkpoint_is_enough_to_write_and_to_score(tmp_path: Path) -> None:
    module, fit = fitted(tmp_path, TinyTweets("stream"), epochs=3)
    fit.save_checkpoint(tmp_path / "a.ckpt")
    loaded = TweetModel.load_from_checkpoint(tmp_path / "a.ckpt", weights_only=True).eval()
    assert loaded.write(5, Sampling(), seed=3) == module.write(5, Sampling(), seed=3)
    assert torch.equal(loaded.score(some_texts(9)).bits_per_char, module.score(some_texts(9)).bits_per_char)
    assert loaded.rules == ("lower-case",)
    assert loaded.carries


@pytest.mark.parametrize(("kind", "texts"), [("words", [*TEXTS, "one more"]), ("bpe", TEXTS)])
def test_a_checkpoint_of_other_tokens_is_refused(tmp_path: Path, kind: str, texts: list[str]) -> None:
    if kind == "bpe":
        pytest.importorskip("tokenizers")
    data = TinyTweets()
    _, fit = fitted(tmp_path, data)
    fit.save_checkpoint(tmp_path / "a.ckpt")
    other = TinyTweets("windows", kind, texts)
    said = f"trained on {data.tokenizer.size} tokens, the data give {other.tokenizer.size}"
    with pytest.raises(RunError, match=said):
        quiet_trainer(tmp_path, max_epochs=2).fit(
            TweetModel(**SMALL), other, ckpt_path=tmp_path / "a.ckpt", weights_only=True
        )


def test_as_many_tokens_of_other_words_are_refused(tmp_path: Path) -> None:
    _, fit = fitted(tmp_path, TinyTweets())
    fit.save_checkpoint(tmp_path / "a.ckpt")
    other = TinyTweets(texts=[text.replace("crew", "team") for text in TEXTS])
    with pytest.raises(RunError, match="or others"):
        quiet_trainer(tmp_path, max_epochs=2).fit(
            TweetModel(**SMALL), other, ckpt_path=tmp_path / "a.ckpt", weights_only=True
        )


def of_process(rank: int, processes: int, module: TweetModel) -> TweetModel:
    """The module, as one of several processes has it."""
    module._trainer = SimpleNamespace(global_rank=rank, world_size=processes, state=None)  # type: ignore[assignment]
    module._fabric = None
    return module


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_the_state_of_all_readers_comes_back_to_its_processes(processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    readers, layers = 2, 2
    module = untrained(whole(), layers=layers, carries=True)
    # Reader i of all has the number i in its hidden states, 100 + i in its cell states, 1000 more in layer 1.
    own = [torch.arange(rank, readers * processes, processes).float() for rank in range(processes)]
    states = [
        tuple(
            tuple((number + 100 * cell + 1000 * layer)[None, :, None].expand(1, readers, 12) for cell in range(2))
            for layer in range(layers)
        )
        for number in own
    ]
    asked = iter([(layer, cell) for layer in range(layers) for cell in range(2)])

    def all_gather(tensor: Tensor) -> Tensor:
        layer, cell = next(asked)
        assert torch.equal(tensor, states[0][layer][cell])
        return torch.stack([state[layer][cell] for state in states])

    of_process(0, processes, module)
    monkeypatch.setattr(module, "all_gather", all_gather)
    module._state = states[0]  # type: ignore[assignment]
    gathered = module._gathered()
    assert [[tensor.shape for tensor in layer] for layer in gathered] == [[(1, readers * processes, 12)] * 2] * layers
    assert gathered[1][1][0, :, 0].tolist() == [1100.0 + reader for reader in range(readers * processes)]
    for rank, state in enumerate(states):
        back = of_process(rank, processes, module)._own(gathered)
        assert back is not None
        for layer, expected in zip(back, state, strict=True):
            assert all(torch.equal(one, other) for one, other in zip(layer, expected, strict=True))
            assert all(tensor.is_contiguous() for tensor in layer)


def test_without_a_carried_state_none_is_saved() -> None:
    module = of_process(0, 1, untrained(whole()))
    assert module._gathered() == []
    assert module._own([]) is None


def test_what_a_run_of_release_0_1_had_counted_when_it_was_interrupted_is_put_back() -> None:
    module = untrained(whole())
    checkpoint: dict[str, Any] = {"processes": [{"metrics": {"sums.untold": {"sum_value": 1.0}}}]}
    module.on_save_checkpoint(checkpoint)
    module.on_load_checkpoint(checkpoint)
    assert checkpoint["processes"] == [{"metrics": {"sums.oov_bits": {"sum_value": 1.0}}}]
    assert module.get_submodule("sums.oov_bits") is module.sums["oov_bits"]


def files(folder: Path) -> Path:
    """60 made-up tweets."""
    texts = [" ".join([f"t{i % 9}", *some_texts(60)[i].split()]) for i in range(60)]
    write_tweets(folder / "tweets.csv", [Tweet(str(i), None, text + f" n{i}") for i, text in enumerate(texts)])
    return folder / "tweets.csv"


def run_settings(file: Path, **model: Any) -> Settings:
    quiet = {"max_epochs": 3, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    chosen = {"hidden_dim": 6, "layers": 2, "generated": 3, "samples": 2, "sample_every": 1, "weight_dropout": 0.3}
    data = {"path": str(file), "training_set": "stream", "seq_length": 4, "batch_size": 5}
    return Settings(plugin="tweets", model=chosen | model, data=data, trainer=quiet, checkpoint_every=1)


def test_a_stream_goes_on_in_the_middle_of_an_epoch_with_its_carried_state(tmp_path: Path) -> None:
    settings = run_settings(files(tmp_path), predictor="mixture")  # a network, and weights that validation chooses

    class Keep(Callback):
        def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
            if trainer.current_epoch == 1 and batch_idx == 4:
                shutil.copy(Path(trainer.log_dir) / "checkpoints" / "last.ckpt", tmp_path / "middle.ckpt")

    run, _ = training.fit(plugin, settings, root=tmp_path, callbacks=[Keep()])
    expected = torch.load(run.last, weights_only=True)
    samples = (run.folder / "samples.txt").read_text(encoding="utf-8")
    middle = torch.load(tmp_path / "middle.ckpt", weights_only=True)
    assert middle["processes"][0]["taken"] > 0
    carried = middle[STATE]["carried"]
    assert [[tensor.shape for tensor in layer] for layer in carried] == [[(1, 5, 6)] * 2] * 2
    assert all(tensor.any() for layer in carried for tensor in layer)

    shutil.copy(tmp_path / "middle.ckpt", run.last)
    resumed, _ = training.fit(plugin, settings, run=Run.at(run.folder))
    actual = torch.load(resumed.last, weights_only=True)
    assert all(torch.equal(actual["state_dict"][name], each) for name, each in expected["state_dict"].items())
    assert (run.folder / "samples.txt").read_text(encoding="utf-8") == samples

    for layer in carried:
        for tensor in layer:
            tensor.zero_()
    torch.save(middle, run.last)
    forgetful, _ = training.fit(plugin, settings, run=Run.at(run.folder))
    others = torch.load(forgetful.last, weights_only=True)["state_dict"]
    assert not all(torch.equal(others[name], each) for name, each in expected["state_dict"].items())

    one, two = (load(run.folder) for _ in range(2))
    assert isinstance(one, TweetModel)
    assert isinstance(two, TweetModel)
    assert not one.training
    assert one.write(4, Sampling(), seed=7) == two.write(4, Sampling(), seed=7)


@pytest.mark.parametrize(("training_set", "predictor"), [("windows", "network"), ("stream", "ngram")])
def test_a_fit_is_not_warned_of_what_asks_nothing_of_a_user(
    tmp_path: Path, recwarn: pytest.WarningsRecorder, training_set: str, predictor: str
) -> None:
    settings = run_settings(files(tmp_path), hidden_dim=2, predictor=predictor)
    settings.data["training_set"] = training_set
    settings.trainer["max_epochs"] = 1
    training.fit(plugin, settings, root=tmp_path)
    assert not [each for each in recwarn if "IterableDataset" in str(each.message) or "compute" in str(each.message)]


# Options


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("predictor", "unigram"),
        ("ngram_order", 1),
        ("hidden_dim", 0),
        ("layers", 0),
        ("samples", 0),
        ("generated", 0),
        ("embedding_dim", 0),
        ("token_dropout", 1.0),
        ("input_dropout", -0.1),
        ("hidden_dropout", math.nan),
        ("output_dropout", 1.5),
        ("weight_dropout", 1.0),
        ("learning_rate", 0.0),
        ("learning_rate", math.inf),
        ("learning_rate", math.nan),
        ("weight_decay", -1.0),
        ("sample_every", -1),
        ("cache", -1),
        ("dynamic", -1.0),
        ("temperature", -1.0),
        ("temperature", math.nan),
        ("top_p", 0.0),
        ("top_p", 1.5),
    ],
)
def test_an_option_out_of_range_is_refused_by_name(option: str, value: Any) -> None:
    with pytest.raises(UsageError, match=rf"(?s){option}.*{value}"):
        TweetModel(**{option: value})


def test_the_embedding_is_as_wide_as_the_layers_by_default() -> None:
    def widths(**settings: Any) -> tuple[int, int]:
        network = untrained(whole(), **settings).network
        assert isinstance(network, LanguageModel)
        return network.embedding.weight.shape[1], network.softmax.weight.shape[1]

    assert widths() == (12, 12)
    assert widths(embedding_dim=5) == (5, 12)
    assert widths(embedding_dim=5, tied=True) == (5, 5)


def test_every_option_is_described() -> None:
    described = inspect.getdoc(TweetModel) or ""
    assert all(f"{name}: " in described for name in inspect.signature(TweetModel).parameters)


def test_a_recipe_of_a_best_epoch_ends_when_the_validation_tweets_gain_nothing(tmp_path: Path) -> None:
    recipes = Path(module_file.__file__).parent / "recipes"
    for number in range(1, 5):
        best, paper = (yaml.safe_load((recipes / f"model-{number}{end}.yaml").read_text()) for end in ("-best", ""))
        assert {key: best.get(key) for key in ("monitor", "model", "data")} == {
            key: paper.get(key) for key in ("monitor", "model", "data")
        }
        assert best["trainer"]["max_epochs"] == paper["trainer"]["max_epochs"]
    (tmp_path / "a.txt").write_text("".join(f"{text}\n" for text in some_texts(40)), encoding="utf-8")
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    settings = Settings(
        plugin="tweets",
        model=SMALL,
        data={"path": str(tmp_path / "a.txt"), "training_set": "stream", "batch_size": 2},
        trainer=best["trainer"] | quiet,
        monitor="val_bits_per_char",
    )
    run, _ = training.fit(plugin, settings, root=tmp_path / "runs")
    assert run.record["epochs"] < 60
    assert run.record["epochs"] >= run.record["best"]["epoch"] + 5


def test_n_grams_are_counted_in_canaries_too(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(f"{text}\n" for text in some_texts(40)), encoding="utf-8")
    data = TweetData(str(tmp_path / "a.txt"), training_set="stream", batch_size=1, canaries=2, canary_times=[3])
    module = TweetModel(**SMALL, predictor="ngram")
    quiet_trainer(tmp_path, max_epochs=1).fit(module, data)
    texts = [canary.text for canary in data.planted()]
    others = made_up(data.parts.train, 20, words=8, seed=77)
    assert module.score(texts).nats.max() < 0.7 * module.score(others).nats.min()


def test_a_network_that_goes_on_learning_needs_a_second_measure() -> None:
    with pytest.raises(UsageError, match=r"--model\.cache"):
        TweetModel(dynamic=1.0)
    TweetModel(dynamic=1.0, cache=4)

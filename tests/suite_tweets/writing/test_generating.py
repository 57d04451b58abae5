"""Tweets drawn from small chains of words whose probabilities are known."""

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from lightning_suite.errors import UsageError
from suite_tweets.account import Account, weighted_length
from suite_tweets.network import LanguageModel, State
from suite_tweets.quality import length_distance, ngrams
from suite_tweets.tokens import END, Tokenizer
from suite_tweets.writing import generating
from suite_tweets.writing.generating import LIMIT, generate
from suite_tweets.writing.sampling import Sampling

NOTHING = Account()
ENDLESS = {None: {"гол": 1.0}, "гол": {"гол": 1.0}}
"""A chain that never ends: гол гол гол ..."""


class Vocabulary:
    """Words with a token each, in the order in which they are given; what it does not know is banned."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = ["", "<?>", *words]
        self.size = len(self.words)
        self.banned: tuple[int, ...] = (1,)
        self.within: tuple[int, ...] = ()

    def encode(self, text: str) -> list[int]:
        return [self.words.index(word) if word in self.words else 1 for word in text.split()]

    def decode(self, tokens: Sequence[int]) -> str:
        return " ".join("\ufffd" if token == 1 else self.words[token] for token in tokens)


class Chain(nn.Module):
    """A stand-in for the network: the next word depends on the last one, and on how many were read if asked for."""

    def __init__(self, logits: Tensor, last_step: int = 10**6) -> None:
        super().__init__()
        self.logits = logits
        self.last_step = last_step
        self.calls: list[tuple[int, int]] = []
        self.modes: list[bool] = []

    def initial_state(self, batch: int) -> State:
        return ((torch.zeros(1, batch, 1), torch.zeros(1, batch, 1)),)

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        self.calls.append((tokens.shape[0], tokens.shape[1]))
        self.modes.append(self.training)
        steps = state[0][0] + 1
        ends = torch.full_like(self.logits[0], -math.inf)
        ends[END] = 0.0
        return torch.where(steps[0] > self.last_step, ends, self.logits[tokens[0]])[None], ((steps, state[0][1]),)


class Remembering(nn.Module):
    """A stand-in whose logits depend on all that was read, in order."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.tokens = tokens

    def initial_state(self, batch: int) -> State:
        return ((torch.zeros(1, batch, 1, dtype=torch.float64), torch.zeros(1, batch, 1)),)

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        read = (state[0][0] * 31 + tokens[..., None] + 7) % 10_007
        logits = torch.sin(read * torch.arange(1, self.tokens + 1, dtype=torch.float64))
        return logits.float(), ((read, state[0][1]),)


def chain(probabilities: Mapping[str | None, Mapping[str | None, float]], **options: int) -> tuple[Any, Any]:
    """A network and its vocabulary, from the probabilities of the words after each word; None stands for END."""
    words = sorted({word for row in probabilities.values() for word in row if word} | {w for w in probabilities if w})
    vocabulary = Vocabulary(words)
    logits = torch.full((vocabulary.size, vocabulary.size), -math.inf)
    logits[:, END] = 0.0
    for before, after in probabilities.items():
        row = END if before is None else vocabulary.words.index(before)
        logits[row] = -math.inf
        for word, probability in after.items():
            logits[row, END if word is None else vocabulary.words.index(word)] = math.log(probability)
    return Chain(logits, **options), vocabulary


def write(network: Any, vocabulary: Any, count: int, account: Account = NOTHING, **options: Any) -> list[str]:
    """Calls `generate` with seed 0 unless another is given."""
    generator = torch.Generator().manual_seed(options.pop("seed", 0))
    chosen = Sampling(
        **{name: options.pop(name) for name in ("temperature", "top_k", "top_p", "no_repeat") if name in options}
    )
    model, tokenizer = cast(LanguageModel, network), cast(Tokenizer, vocabulary)
    return generate(model, tokenizer, account, count, chosen, generator=generator, **options)


def even(*words: str, end: float = 0.2) -> dict[str | None, dict[str | None, float]]:
    """Every word is followed by any of them with equal probability, or by the end."""
    after: dict[str | None, float] = {word: (1 - end) / len(words) for word in words}
    return {None: {word: 1 / len(words) for word in words}, **{word: {**after, None: end} for word in words}}


# Whole tweets


def test_words_follow_each_other_as_in_the_model() -> None:
    model = chain({None: {"да": 0.5, "нет": 0.5}, "да": {"нет": 0.25, None: 0.75}, "нет": {None: 1.0}})
    counts = Counter(write(*model, 2000))
    expected = {"нет": 1000, "да": 750, "да нет": 250}
    assert set(counts) == set(expected)
    assert sum((counts[text] - number) ** 2 / number for text, number in expected.items()) < 9.21  # 1 %, 2 degrees


def test_temperature_zero_writes_the_likeliest_words() -> None:
    model = chain({None: {"go": 0.6, "no": 0.4}, "go": {"up": 0.9, None: 0.1}, "up": {None: 0.8, "go": 0.2}})
    assert write(*model, 5, temperature=0.0) == ["go up"] * 5


def test_a_loop_is_left_after_its_first_turn() -> None:
    turning = {"a": {"b": 0.9, None: 0.1}, "b": {"c": 0.9, None: 0.1}, "c": {"a": 0.9, None: 0.1}}
    model = chain({None: {"a": 1.0}, **turning})
    assert write(*model, 3, temperature=0.0, no_repeat=3) == ["a b c a b"] * 3
    assert write(*model, 1, temperature=0.0, limit=20) == ["a b c a b c a b c a"]  # cut where the limit is


@pytest.mark.parametrize("no_repeat", [1, 2, 3, 4])
def test_no_run_of_words_comes_twice_in_a_tweet(no_repeat: int) -> None:
    tweets = write(*chain(even("a", "b", "c", end=0.02)), 200, no_repeat=no_repeat)
    for tweet in tweets:
        runs = list(ngrams(tweet.split(), no_repeat))
        assert len(runs) == len(set(runs))
    assert len(set(tweets)) > 5


@pytest.mark.parametrize("blank", [" ", "\u200b", "\u200d\ufe0f", "\x07", "\u00ad\u3000"])
def test_a_tweet_that_looks_empty_is_not_written(blank: str) -> None:
    vocabulary = Vocabulary([blank, "да"])
    logits = torch.full((4, 4), -math.inf)
    logits[END, 2:] = 0.0  # either of the two, and then the end
    logits[2:, END] = 0.0
    assert set(write(Chain(logits), vocabulary, 50)) == {"да"}


def test_equal_seeds_write_equal_tweets() -> None:
    model = chain(even("a", "bb", "ccc"))
    assert write(*model, 20, seed=7) == write(*model, 20, seed=7)


def test_other_seeds_write_other_tweets() -> None:
    model = chain(even("a", "bb", "ccc"))
    assert write(*model, 20, seed=7) != write(*model, 20, seed=8)


def test_the_number_of_threads_changes_no_tweet() -> None:
    model = chain(even(*(f"word{number}" for number in range(300)), end=0.3))
    account = Account([20], {"word3": 1, "word5": 2})
    before = torch.get_num_threads()
    written = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            written.append(write(*model, 5, account, top_p=0.9, top_k=200))
    finally:
        torch.set_num_threads(before)
    assert written[0] == written[1]


def test_a_batch_writes_what_one_row_alone_would() -> None:
    words = [f"w{number}" for number in range(30)]
    network, vocabulary = Remembering(len(words) + 2), Vocabulary(words)
    alone = {word: write(network, vocabulary, 1, Account((), {word: 1}), temperature=0.0)[0] for word in words}
    together = write(network, vocabulary, 100, Account((), dict.fromkeys(words, 1)), temperature=0.0)
    assert len(set(together)) > 20
    assert all(text == alone[text.split()[0]] for text in together)


def test_the_rows_of_a_batch_share_each_step_and_leave_it_when_they_end() -> None:
    network, vocabulary = chain(even("a", "b", end=0.5))
    write(network, vocabulary, 10)
    lengths, rows = zip(*network.calls, strict=True)
    assert set(lengths) == {1}
    assert rows[:2] == (1, 10)  # they all begin alike
    assert all(before >= after for before, after in itertools.pairwise(rows[1:]))
    assert rows[-1] < 10


def test_many_tweets_are_written_in_several_batches() -> None:
    network, vocabulary = chain(even("a", "b"))
    counts: list[int] = []
    assert len(write(network, vocabulary, 700, progress=counts.append)) == 700
    assert sum(counts) == 700
    assert len(counts) == 2
    assert max(rows for _, rows in network.calls) == generating._TOGETHER


def test_the_network_is_evaluated_and_afterwards_as_before() -> None:
    network, vocabulary = chain(even("a"))
    network.train()
    write(network, vocabulary, 2)
    assert not any(network.modes)
    assert network.training


def test_a_banned_token_is_never_drawn() -> None:
    vocabulary = Vocabulary(["привет", "мир"])
    logits = torch.zeros(vocabulary.size, vocabulary.size)
    logits[:, 1] = 50.0
    tweets = write(Chain(logits), vocabulary, 100)
    assert {word for tweet in tweets for word in tweet.split()} == {"привет", "мир"}


def test_the_logits_of_the_network_are_left_as_they_are() -> None:
    network, vocabulary = chain(even("a", "b"))
    before = network.logits.clone()
    write(network, vocabulary, 3, temperature=0.7, top_k=2)
    assert torch.equal(network.logits, before)


# Beginnings


def test_tweets_begin_as_often_with_a_word_as_the_account() -> None:
    model = chain(even("раз", "два", "три"))
    tweets = write(*model, 1000, Account((), {"раз": 30, "три": 10}))
    counts = Counter(tweet.split()[0] for tweet in tweets)
    assert set(counts) == {"раз", "три"}
    assert (counts["раз"] - 750) ** 2 / 750 + (counts["три"] - 250) ** 2 / 250 < 6.63  # 1 %, 1 degree of freedom


def test_a_first_word_that_the_tokenizer_does_not_know_is_left_to_the_model() -> None:
    model = chain(even("раз", "два"))
    tweets = write(*model, 50, Account((), {"неведомо": 1}))
    assert {tweet.split()[0] for tweet in tweets} == {"раз", "два"}


def test_an_account_of_which_nothing_is_known_leaves_all_to_the_model() -> None:
    model = chain({None: {"один": 1.0}, "один": {None: 1.0}})
    assert write(*model, 3, NOTHING) == ["один"] * 3


@pytest.mark.parametrize("prompt", ["a", "a b c", "c c c c c c c"])
def test_a_prompt_of_any_length_stands_at_the_start(prompt: str) -> None:
    model = chain(even("a", "b", "c"))
    tweets = write(*model, 20, Account([12], {"b": 1}), prompt=prompt)
    assert all(tweet == prompt or tweet.startswith(f"{prompt} ") for tweet in tweets)
    assert any(tweet != prompt for tweet in tweets)


def test_the_network_reads_the_prompt_from_end_on() -> None:
    words = [f"w{number}" for number in range(30)]
    network, vocabulary = Remembering(len(words) + 2), Vocabulary(words)
    account = Account((), dict.fromkeys(words, 1))
    free = max(write(network, vocabulary, 30, account, temperature=0.0), key=len)
    prompt = " ".join(free.split()[:3])
    assert len(free.split()) > 3
    assert write(network, vocabulary, 1, temperature=0.0, prompt=prompt) == [free]


def test_a_prompt_is_printed_as_it_was_typed() -> None:
    model = chain(even("a", "b"))
    assert all(tweet.startswith("Zoë  a") for tweet in write(*model, 5, prompt="Zoë  a"))


def test_a_prompt_longer_than_the_limit_is_refused() -> None:
    with pytest.raises(UsageError, match="the prompt has 11 characters, and a tweet may have 10"):
        write(*chain(even("a")), 1, prompt="a a a a a a", limit=10)


def test_a_prompt_as_long_as_the_limit_is_all_there_is() -> None:
    assert write(*chain(even("a")), 2, prompt="a a a a a a", limit=11) == ["a a a a a a"] * 2


@pytest.mark.parametrize("prompt", ["", "  \n"])
def test_a_prompt_without_a_word_is_refused(prompt: str) -> None:
    with pytest.raises(UsageError, match="holds no word"):
        write(*chain(even("a")), 1, prompt=prompt)


# Lengths


@pytest.mark.parametrize("words", [("ракета", "летит"), ("🚀🚀", "🛰"), ("שלום", "על"), ("火", "月面着陸")])
@pytest.mark.parametrize("limit", [7, 30, LIMIT])
def test_no_tweet_is_longer_than_the_limit(words: tuple[str, ...], limit: int) -> None:
    tweets = write(*chain(even(*words, end=0.02)), 30, Account([250, 20, 300], {words[0]: 1}), limit=limit)
    assert all(0 < weighted_length(tweet) <= limit for tweet in tweets)
    assert max(map(weighted_length, tweets)) > 0.6 * limit


def test_a_limit_above_that_of_x_is_refused() -> None:
    with pytest.raises(UsageError, match=r"limit: expected a whole number from 1 to 280, got 281"):
        write(*chain(even("a")), 1, limit=281)


def test_no_tweets_at_all_are_refused() -> None:
    with pytest.raises(UsageError, match="count: expected a whole number of 1 or more, got 0"):
        write(*chain(even("a")), 0)


def test_lengths_follow_the_account_and_not_the_model() -> None:
    model = chain(even("a", "b", "c", end=0.05))  # geometric, 39 characters in the mean
    generator = torch.Generator().manual_seed(1)
    lengths = (20 + 8 * torch.randn(500, generator=generator)).long().clamp(1, 100).tolist()
    distance = length_distance(write(*model, 500, Account(lengths, {})), lengths)
    assert length_distance(write(*model, 500, NOTHING), lengths) > 15
    assert distance < generating.NEAR


def test_a_drawn_length_takes_a_tweet_that_the_model_seldom_writes() -> None:
    long = "b" * 40
    model = chain({None: {"aa": 0.8, "bb": 0.2}, "aa": {None: 1.0}, "bb": {long: 1.0}, long: {None: 1.0}})
    tweets = write(*model, 200, Account([2, 43], {}))
    assert Counter(tweets)[f"bb {long}"] == pytest.approx(100, abs=25)  # the model alone: 40


def test_no_more_tweets_are_written_when_the_lengths_are_near() -> None:
    network, vocabulary = chain({None: {"aa": 1.0}, "aa": {None: 1.0}})
    write(network, vocabulary, 20, Account([4], {}))
    assert [rows for _, rows in network.calls] == [1, 20]


def test_not_more_than_so_many_tweets_are_written_for_one() -> None:
    network, vocabulary = chain({None: {"aa": 1.0}, "aa": {None: 1.0}})
    write(network, vocabulary, 400, Account([100], {}))
    rounds = [rows for _, rows in network.calls][1::2]  # each has a step for the word and one for its end
    assert rounds == [400, *[400 // generating._PART] * 12]
    assert sum(rounds) == 400 * generating.CANDIDATES


def test_a_model_that_never_ends_is_cut_at_the_lengths_of_the_account() -> None:
    tweets = write(*chain(ENDLESS), 100, Account([15, 43, 7], {"гол": 1}))
    assert {weighted_length(tweet) for tweet in tweets} == {15, 43, 7}
    assert all(set(tweet.split()) == {"гол"} for tweet in tweets)


def test_tweets_that_end_are_preferred_to_those_that_are_cut() -> None:
    after_a: dict[str | None, float] = {None: 0.5, "гол": 0.5}
    tweets = write(*chain({None: {"a": 1.0}, "a": after_a, "гол": {"гол": 1.0}}), 50, Account([100], {}))
    assert tweets == ["a"] * 50


def test_a_model_that_neither_ends_nor_has_a_place_to_cut_at_is_an_error() -> None:
    class Joined(Vocabulary):
        def decode(self, tokens: Sequence[int]) -> str:
            return "".join(self.words[token] for token in tokens)

    with pytest.raises(UsageError, match=r"only 0 of 2 tweets: .* cannot be cut between words within 280 characters"):
        write(chain(ENDLESS)[0], Joined(["гол"]), 2)


def test_a_long_row_is_not_written_on_beyond_the_limit() -> None:
    network, vocabulary = chain(ENDLESS)
    write(network, vocabulary, 1, limit=30)
    assert len(network.calls) <= 16


def test_lengths_beyond_the_limit_are_not_drawn() -> None:
    tweets = write(*chain(ENDLESS), 50, Account([19, 200], {}), limit=100)
    assert {weighted_length(tweet) for tweet in tweets} == {19}


def test_lengths_that_all_are_beyond_the_limit_become_the_limit() -> None:
    tweets = write(*chain(ENDLESS), 5, Account([200], {}), limit=31)
    assert {weighted_length(tweet) for tweet in tweets} == {31}


# What is refused


def test_what_is_refused_is_not_handed_out() -> None:
    model = chain(even("да", "нет", "может"))
    tweets = write(*model, 40, refused=lambda tweet: "нет" in tweet)
    assert len(tweets) == 40
    assert not any("нет" in tweet for tweet in tweets)


def test_a_single_tweet_gets_a_second_chance() -> None:
    model = chain({None: {"редко": 0.05, "часто": 0.95}, "редко": {None: 1.0}, "часто": {None: 1.0}})
    assert write(*model, 1, refused=lambda tweet: tweet == "часто") == ["редко"]


def test_all_refused_is_an_error_that_says_how_many() -> None:
    with pytest.raises(UsageError, match=r"only 0 of 3 tweets: of 804 candidates 804 are refused.*--avoid_copies"):
        write(*chain(even("a", "b")), 3, refused=lambda _: True)


def test_empty_tweets_are_not_handed_out() -> None:
    tweets = write(*chain({None: {None: 0.7, "да": 0.3}, "да": {None: 1.0}}), 20)
    assert tweets == ["да"] * 20


def test_only_empty_tweets_are_an_error() -> None:
    with pytest.raises(UsageError, match="are empty"):
        write(*chain({None: {None: 1.0}}), 1)


def test_bytes_that_are_no_text_are_not_handed_out() -> None:
    model = chain({None: {"\ufffd": 0.5, "да": 0.5}, "да": {None: 1.0}, "\ufffd": {None: 1.0}})
    assert write(*model, 20) == ["да"] * 20


def test_what_a_tweet_begins_with_ends_with_a_whole_word() -> None:
    network, vocabulary = chain(
        {None: {"раз": 1.0}, "раз": {"два": 0.9, "три": 0.1}, "два": {None: 1.0}, "три": {None: 1.0}}
    )
    vocabulary.within = tuple(vocabulary.encode("два"))
    assert write(network, vocabulary, 9, Account((), {"раз": 1})) == ["раз три"] * 9
    assert write(network, vocabulary, 9, prompt="раз") == ["раз три"] * 9

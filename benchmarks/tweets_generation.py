"""Tweets a CPU second: many written together with the state carried along, against one after the other.

    python -m benchmarks.tweets_generation

The other form is the paper's loop (section 5): a length is drawn, and while the tweet is shorter, all of it goes
through the network for its next token. Both use the same networks, of the sizes of the recipes ``default`` and
``model-4``, and take turns in one process. The weights are random but for the bias, which lets a tweet end with the
same probability after every word, as those of the made-up account do: about 100 characters in the mean. Our form may
write several candidates for a tweet, which are in its time. Prints one table and writes
benchmarks/results/tweets_generation.json.
"""

import inspect
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml

import suite_tweets
from benchmarks._record import record
from suite_tweets.account import Account, weighted_length
from suite_tweets.module import TweetModel
from suite_tweets.network import LanguageModel
from suite_tweets.quality import length_distance
from suite_tweets.sampling import Sampling, generate
from suite_tweets.tokens import END, Tokenizer, learn

TWEETS = 100
TURNS = 7
RECIPES = ("default", "model-4")
WORDS = 5600  # different words of one company's 3,148 tweets
WORDS_A_TWEET = 14


class Writer(NamedTuple):
    """What writes tweets of an account."""

    network: LanguageModel
    tokenizer: Tokenizer
    account: Account


def account_texts() -> list[str]:
    """2,000 made-up tweets of about 100 characters, the words of six letters and as frequent as Zipf's law says."""
    generator = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(generator.choice(letters, length)) for length in generator.integers(4, 9, WORDS)]
    chances = 1 / np.arange(1, WORDS + 1)
    counts = np.minimum(generator.geometric(1 / WORDS_A_TWEET, 2000), 35)
    drawn = [generator.choice(WORDS, count, p=chances / chances.sum()) for count in counts]
    return [" ".join(words[place] for place in places) for places in drawn]


def writer(recipe: str) -> Writer:
    """An untrained network of the sizes of a recipe, which ends its tweets as often as the account."""
    values = yaml.safe_load((Path(suite_tweets.__file__).parent / "recipes" / f"{recipe}.yaml").read_text())
    defaults = {name: option.default for name, option in inspect.signature(TweetModel).parameters.items()}
    model: dict[str, Any] = {**defaults, **values["model"]}
    texts = account_texts()
    tokenizer = learn(texts, values["data"].get("tokens", "words"), values["data"].get("vocabulary_size"), "kept")
    torch.manual_seed(0)
    network = LanguageModel(
        tokenizer.size,
        tokenizer.once,
        embedding_dim=model["embedding_dim"] or model["hidden_dim"],
        hidden_dim=model["hidden_dim"],
        layers=model["layers"],
        tied=model["tied"],
        dropout=model["dropout"],
        token_rate=0.0,
        input_rate=0.0,
        hidden_rate=0.0,
        output_rate=0.0,
        weight_rate=0.0,
    ).eval()
    whole = [token for token in range(tokenizer.size) if "\ufffd" not in tokenizer.decode([token])]
    tokens_a_tweet = statistics.mean(len(tokenizer.encode(text)) for text in texts)
    with torch.no_grad():
        network.softmax.bias.fill_(-30.0)  # bytes that are no text by themselves
        network.softmax.bias[whole] = 0.0
        network.softmax.bias[END] = math.log(len(whole) / tokens_a_tweet)
    return Writer(network, tokenizer, Account.of(texts))


def together(chosen: Writer, seed: int) -> list[str]:
    """Our form."""
    return generate(*chosen, TWEETS, Sampling(), generator=torch.Generator().manual_seed(seed))


def one_after_the_other(chosen: Writer, seed: int) -> list[str]:
    """The paper's loop."""
    network, tokenizer, account = chosen
    generator = torch.Generator().manual_seed(seed)
    words = list(account.first_words)
    tweets = []
    with torch.inference_mode():
        for _ in range(TWEETS):
            length = account.lengths[int(torch.randint(len(account.lengths), (), generator=generator))]
            first = words[int(torch.randint(len(words), (), generator=generator))]
            tokens = [END, *tokenizer.encode(first)]
            while weighted_length(text := tokenizer.decode(tokens)) < length:
                logits = network(torch.tensor(tokens)[:, None], network.initial_state(1))[0][-1, 0]
                logits[[END, *tokenizer.banned]] = -math.inf  # it is the drawn length that ends a tweet
                tokens.append(int(torch.multinomial(logits.softmax(0), 1, generator=generator)))
            tweets.append(text)
    return tweets


def seconds_of(form: Callable[[Writer, int], list[str]], chosen: Writer, seed: int) -> float:
    """CPU seconds of a hundred tweets."""
    begin = time.process_time()
    form(chosen, seed)
    return time.process_time() - begin


def main() -> None:
    """Measures, prints, writes."""
    torch.set_num_threads(1)
    forms = {"together": together, "one after the other": one_after_the_other}
    results: dict[str, Any] = {
        "what": f"tweets a CPU second, 1 thread, {TWEETS} tweets of about 100 characters, float32",
        "turns": TURNS,
        "recipes": {},
    }
    for recipe in RECIPES:
        chosen = writer(recipe)
        found: dict[str, list[float]] = {name: [] for name in forms}
        for turn in range(TURNS + 1):
            for name, form in forms.items():
                seconds = seconds_of(form, chosen, turn)
                if turn:  # the first warms up
                    found[name].append(TWEETS / seconds)
        medians = {name: statistics.median(values) for name, values in found.items()}
        results["recipes"][recipe] = {
            "tokens": chosen.tokenizer.size,
            "tweets_per_second": medians,
            "times_as_many": medians["together"] / medians["one after the other"],
            "length_distance": {
                name: length_distance(form(chosen, 0), chosen.account.lengths) for name, form in forms.items()
            },
        }
        print(recipe, results["recipes"][recipe])
    print(record("tweets_generation", results))


if __name__ == "__main__":
    main()

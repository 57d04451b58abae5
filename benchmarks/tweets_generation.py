"""Tweets a CPU second, many written together against one after the other, and how many of 10,000 are copies.

    python -m benchmarks.tweets_generation RUN [RUN ...]

10,000 tweets are then looked through, by searching the training tweets for each of their runs of words: how many share
more than 15 words in a row, or more than 70 % of their words, with a training tweet, and how many have a run of three
words twice.

RUN is a run of `suite fit --plugin tweets`. The other forms are the paper's loop (section 5): a length is drawn, and
while the tweet is shorter, all of it goes through the network for its next token, one tweet after the other. As the
paper has it, the softmax is computed for every token of the prefix; the second of them spares that and computes it
for the last token alone. Ours refuses copies and circles, as ``suite generate`` does by default; "whatever comes" does
not. All take turns in one process, one thread; the median counts. Our form may write several candidates for a tweet,
which are in its time. Prints one table and writes benchmarks/results/tweets_generation.json; without RUN it prints what
was measured.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks._markdown import markdown
from benchmarks._record import record, recorded
from lightning_suite import load
from lightning_suite.run import Run
from suite_tweets.account import weighted_length
from suite_tweets.data import training_texts
from suite_tweets.module import TweetModel
from suite_tweets.quality import Copies, length_distance, ngrams, words
from suite_tweets.tokens import END
from suite_tweets.writing.sampling import Sampling

TWEETS = {"together": 500, "whatever comes": 500, "whole prefix": 25, "last of the prefix": 25}
TURNS = 5
MANY = 10_000
DEFAULT = Sampling(no_repeat=3)
"""What `suite generate` draws by."""


def together(model: TweetModel, seed: int, copies: Copies) -> list[str]:
    """Return tweets that are generated together, none of which is a copy."""
    return model.write(TWEETS["together"], DEFAULT, seed=seed, refused=copies.overlaps)


def shared(texts: list[str], training: list[str]) -> list[bool]:
    """Return whether each text has a forbidden run of words in common with a training text, by plain search."""
    lines = "\n".join(f" {' '.join(words(text))} " for text in training)
    found = []
    for text in texts:
        own = words(text)
        least = min(15, len(own) * 7 // 10) + 1
        runs = (f" {' '.join(own[begin : begin + least])} " for begin in range(len(own) - least + 1))
        found.append(any(run in lines for run in runs))
    return found


def turns(text: str) -> bool:
    """Return whether a run of three words, as they stand between spaces, comes twice in a text."""
    runs = list(ngrams(text.split(), 3))
    return len(runs) != len(set(runs))


def looked_through(model: TweetModel, copies: Copies, training: list[str]) -> dict[str, Any]:
    """Return how many of many tweets are copies or go in circles, as they come and as `suite generate` lets them."""
    result = {}
    for name, sampling, refused in (("default", DEFAULT, copies.overlaps), ("whatever comes", Sampling(), None)):
        tweets = model.write(MANY, sampling, seed=1, refused=refused)
        found = {"copies": sum(shared(tweets, training)), "circles": sum(map(turns, tweets))}
        result[name] = {**found, "empty": sum(not tweet.strip() for tweet in tweets), "different": len(set(tweets))}
    return result


def whole_prefix(model: TweetModel, tokens: Tensor) -> Tensor:
    """Return logits (token,) after a prefix, computed for all of its tokens."""
    assert model.network is not None
    logits, _ = model.network(tokens[:, None], model.network.initial_state(1))
    last: Tensor = logits[-1, 0]
    return last


def last_of_prefix(model: TweetModel, tokens: Tensor) -> Tensor:
    """Return the logits (token,) after a prefix, computed for its last token alone."""
    assert model.network is not None
    hidden, _ = model.network.read(tokens[:, None], model.network.initial_state(1))
    logits: Tensor = model.network.softmax(hidden[-1, 0])
    return logits


def one_by_one(
    model: TweetModel, seed: int, count: int, logits_of: Callable[[TweetModel, Tensor], Tensor]
) -> list[str]:
    """Return tweets of the paper's loop."""
    generator = torch.Generator().manual_seed(seed)
    lengths, words = model.account.lengths, list(model.account.first_words)
    tweets = []
    with torch.inference_mode():
        for _ in range(count):
            length = lengths[int(torch.randint(len(lengths), (), generator=generator))]
            first = words[int(torch.randint(len(words), (), generator=generator))]
            tokens = [END, *model.tokenizer.encode(first)]
            while weighted_length(text := model.tokenizer.decode(tokens)) < length:
                logits = logits_of(model, torch.tensor(tokens))
                logits[[END, *model.tokenizer.banned]] = -math.inf  # it is the drawn length that ends a tweet
                tokens.append(int(torch.multinomial(logits.softmax(0), 1, generator=generator)))
            tweets.append(text)
    return tweets


FORMS: dict[str, Callable[[TweetModel, int, Copies], list[str]]] = {
    "together": together,
    "whatever comes": lambda model, seed, copies: model.write(TWEETS["whatever comes"], Sampling(), seed=seed),
    "whole prefix": lambda model, seed, copies: one_by_one(model, seed, TWEETS["whole prefix"], whole_prefix),
    "last of the prefix": lambda model, seed, copies: one_by_one(
        model, seed, TWEETS["last of the prefix"], last_of_prefix
    ),
}


def measured(model: TweetModel, training: list[str]) -> dict[str, Any]:
    """Return tweets a CPU second of every form, how far the lengths of ours are from the account's, and copies."""
    copies = Copies(training)
    loops = FORMS if model.network is not None else dict(list(FORMS.items())[:2])  # the paper's loop is of networks
    rates: dict[str, list[float]] = {name: [] for name in loops}
    for turn in range(TURNS + 1):
        for name, form in loops.items():
            begin = time.process_time()
            tweets = form(model, turn, copies)
            if turn:  # the first warms up
                rates[name].append(len(tweets) / (time.process_time() - begin))
    results = {name: {"tweets_a_second": statistics.median(values)} for name, values in rates.items()}
    results["together"]["length_distance"] = length_distance(together(model, 0, copies), model.account.lengths)
    results["many"] = looked_through(model, copies, training)
    return results


def table(results: dict[str, Any]) -> str:
    """Return tweets a CPU second, and how far the lengths are from the account's, in characters."""
    rows = []
    for name, forms in results["runs"].items():
        ours, many = forms["together"]["tweets_a_second"], forms.get("many")
        others = [forms[form]["tweets_a_second"] if form in forms else None for form in list(FORMS)[1:]]
        rates = ["" if rate is None else f"{rate:.0f} ({ours / rate:.2g}x)" for rate in others]
        apart = f"{forms['together']['length_distance']:.1f}"
        both = [f"{many['default'][it]} / {many['whatever comes'][it]}" if many else "" for it in ("copies", "circles")]
        rows.append([name, f"{ours:.0f}", *rates, apart, *both])
    columns = [
        "tweets a CPU second",
        "together",
        "whatever comes",
        "one by one, whole prefix",
        "one by one, its last softmax alone",
    ]
    return markdown([*columns, "lengths apart, together", "copies in 10,000", "circles in 10,000"], rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("runs", nargs="*")
    arguments = parser.parse_args()
    results = {"runs": recorded("tweets_generation").get("runs", {})}
    torch.set_num_threads(1)
    for run in arguments.runs:
        model = load(run)
        assert isinstance(model, TweetModel)
        settings = Run.at(run).settings()
        name = f"{settings['recipe']}, {model.hparams['predictor']}, {model.tokenizer.size:,} tokens"
        results["runs"][name] = measured(model, training_texts(run, model.account))
    if arguments.runs:
        record("tweets_generation", results | {"tweets": TWEETS, "turns": TURNS, "threads": 1})
    print(table(results))


if __name__ == "__main__":
    main()

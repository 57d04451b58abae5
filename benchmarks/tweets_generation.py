"""Tweets a CPU second: many written together with the state carried along, against one after the other.

    python -m benchmarks.tweets_generation RUN [RUN ...]

RUN is a run of `suite fit --plugin tweets`. The other forms are the paper's loop (section 5): a length is drawn, and
while the tweet is shorter, all of it goes through the network for its next token, one tweet after the other. As the
paper has it, the softmax is computed for every token of the prefix; the second of them spares that and computes it
for the last token alone. All take turns in one process, one thread; the median counts. Our form may write several
candidates for a tweet, which are in its time. Prints one table and writes benchmarks/results/tweets_generation.json;
without RUN it prints what was measured.
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
from suite_tweets.module import TweetModel
from suite_tweets.quality import length_distance
from suite_tweets.tokens import END
from suite_tweets.writing.sampling import Sampling

TWEETS = {"together": 500, "whole prefix": 25, "last of the prefix": 25}
TURNS = 7


def together(model: TweetModel, seed: int) -> list[str]:
    """Return tweets that are generated together."""
    return model.write(TWEETS["together"], Sampling(), seed=seed)


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


FORMS: dict[str, Callable[[TweetModel, int], list[str]]] = {
    "together": together,
    "whole prefix": lambda model, seed: one_by_one(model, seed, TWEETS["whole prefix"], whole_prefix),
    "last of the prefix": lambda model, seed: one_by_one(model, seed, TWEETS["last of the prefix"], last_of_prefix),
}
LOOPS = [form for form in FORMS if form != "together"]


def measured(model: TweetModel) -> dict[str, Any]:
    """Return tweets a CPU second of every form, and how far the lengths of ours are from the account's."""
    forms = FORMS if model.network is not None else {"together": together}  # the paper's loop is one of networks
    rates: dict[str, list[float]] = {name: [] for name in forms}
    for turn in range(TURNS + 1):
        for name, form in forms.items():
            begin = time.process_time()
            tweets = form(model, turn)
            if turn:  # the first warms up
                rates[name].append(len(tweets) / (time.process_time() - begin))
    results = {name: {"tweets_a_second": statistics.median(values)} for name, values in rates.items()}
    results["together"]["length_distance"] = length_distance(together(model, 0), model.account.lengths)
    return results


def table(results: dict[str, Any]) -> str:
    """Return tweets a CPU second, and how far the lengths are from the account's, in characters."""
    rows = []
    for name, forms in results["runs"].items():
        rates = {form: each["tweets_a_second"] for form, each in forms.items()}
        slower = [
            f"{rates[form]:.0f} ({rates['together'] / rates[form]:.0f}x)" if form in rates else "" for form in LOOPS
        ]
        rows.append([name, f"{rates['together']:.0f}", *slower, f"{forms['together']['length_distance']:.1f}"])
    columns = ["tweets a CPU second", "together", "one by one, whole prefix", "one by one, its last softmax alone"]
    return markdown([*columns, "lengths apart, together"], rows)


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
        name = f"{settings['recipe']}, {model.tokenizer.size:,} tokens"
        results["runs"][name] = measured(model)
    if arguments.runs:
        record("tweets_generation", results | {"tweets": TWEETS, "turns": TURNS, "threads": 1})
    print(table(results))


if __name__ == "__main__":
    main()

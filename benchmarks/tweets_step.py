"""Tokens a CPU second in training: `suite fit`'s loop, a loop written by hand, and the same network in Keras.

    python -m benchmarks.tweets_step [--data FILE] [--only ours,hand,keras]

The network is that of the recipes model-2 and model-4 (one LSTM layer of 256, without and with dropout), and the stream
is the same for all: 64 readers, 8 tokens at a time, state carried. `ours` is Lightning's Trainer with the callbacks,
metrics and checkpoints of `suite fit`; `hand` is nn.Embedding, nn.LSTM, nn.Linear, cross_entropy and Adam in a for
loop; `keras` is Keras on its torch backend (KERAS_BACKEND=torch), trained by `train_on_batch`, its layers beginning
from zeros every time (with `stateful=True` its torch backend cannot go backward). Every form runs in a process of its
own, in turns, one thread; the median over the turns counts. FILE has tweets; without it those of the default recipe.
Prints one table and writes benchmarks/results/tweets_step.json. Keras is not among the project's requirements: without
it, it is left out. pip install keras brings it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from benchmarks._markdown import markdown
from benchmarks._record import record

RATES = {"model-2": 0.0, "model-4": 0.2}
HIDDEN, LAYERS, LENGTH, READERS = 256, 1, 8, 64
WARM, STEPS = 20, 150
TURNS = 5


def stream(data: str | None) -> tuple[Any, int]:
    """Return the batches of one epoch after another, and the size of their vocabulary."""
    from suite_tweets.batches import Sharing, Stream
    from suite_tweets.data import TweetData

    source = TweetData(path=data, training_set="stream", seq_length=LENGTH, batch_size=READERS)
    source.prepare_data()
    source.setup("fit")
    tweets = [source.tokenizer.encode(text) for text in source.parts.train]
    cut = Stream(tweets, LENGTH, Sharing(READERS, 0, lambda: 0))

    def endless() -> Any:
        while True:
            yield from (batch for batch in cut if len(batch.tokens) == LENGTH)

    return endless(), source.tokenizer.size


def hand(data: str | None, rate: float) -> float:
    """Return tokens a CPU second of a loop written by hand."""
    batches, vocabulary = stream(data)
    embedding = torch.nn.Embedding(vocabulary, HIDDEN)
    lstms = torch.nn.ModuleList(torch.nn.LSTM(HIDDEN, HIDDEN) for _ in range(LAYERS))
    softmax = torch.nn.Linear(HIDDEN, vocabulary)
    drop = torch.nn.Dropout(rate)
    optimizer = torch.optim.Adam([*embedding.parameters(), *lstms.parameters(), *softmax.parameters()], lr=0.001)
    states: list[Any] = [None] * LAYERS

    def step() -> None:
        batch = next(batches)
        hidden = embedding(batch.tokens)
        for layer, lstm in enumerate(lstms):
            hidden, after = lstm(hidden, states[layer] if batch.goes_on else None)
            states[layer] = tuple(each.detach() for each in after)
            hidden = drop(hidden)
        loss = torch.nn.functional.cross_entropy(softmax(hidden).flatten(0, 1), batch.targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return timed(step)


def keras(data: str | None, rate: float) -> float:
    """Return tokens a CPU second of the same network in Keras."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras as k

    batches, vocabulary = stream(data)
    layers: list[Any] = [k.layers.Input(batch_shape=(READERS, LENGTH)), k.layers.Embedding(vocabulary, HIDDEN)]
    for _ in range(LAYERS):
        layers += [k.layers.LSTM(HIDDEN, return_sequences=True), k.layers.Dropout(rate)]
    layers.append(k.layers.Dense(vocabulary))
    network = k.Sequential(layers)
    network.compile(optimizer=k.optimizers.Adam(0.001), loss=k.losses.SparseCategoricalCrossentropy(from_logits=True))

    def step() -> None:
        batch = next(batches)
        network.train_on_batch(batch.tokens.T.contiguous(), batch.targets.T.contiguous())

    return timed(step)


def timed(step: Callable[[], None]) -> float:
    """Return tokens a CPU second of a step, after some for warm-up."""
    for _ in range(WARM):
        step()
    begin = time.process_time()
    for _ in range(STEPS):
        step()
    return STEPS * READERS * LENGTH / (time.process_time() - begin)


def ours(data: str | None, rate: float) -> float:
    """Return tokens a CPU second within `suite fit`, between two of its training steps."""
    from pytorch_lightning import Callback

    from lightning_suite.options import Settings
    from lightning_suite.plugins import find
    from lightning_suite.training import fit

    times: list[tuple[int, float]] = []

    class Clock(Callback):
        def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
            times.append((batch_idx, time.process_time()))

    settings = Settings(
        plugin="tweets",
        monitor="val_bits_per_char",
        model={"hidden_dropout": rate, "output_dropout": rate, "sample_every": 0, "generated": 1},
        data={"path": data, "training_set": "stream", "seq_length": LENGTH, "batch_size": READERS},
        trainer={"max_epochs": -1, "max_steps": WARM + STEPS + 1, "enable_progress_bar": False, "accelerator": "cpu"},
    )
    with tempfile.TemporaryDirectory() as folder:
        fit(find.get("tweets"), settings, root=folder, callbacks=[Clock()])
    # What falls between two epochs, validation and checkpoints, is no part of a step.
    steps = [now - before for (_, before), (place, now) in pairwise(times[WARM:]) if place > 0]
    return READERS * LENGTH / statistics.mean(steps)


FORMS = {"ours": ours, "hand": hand, "keras": keras}


def table(results: dict[str, Any]) -> str:
    """Return tokens a CPU second in training, of three loops."""
    rows = [
        [name, *(f"{rate:,} ({rate / rates['hand']:.2f}x)" for rate in rates.values())]
        for name, rates in results["tokens_per_cpu_second"].items()
    ]
    forms = next(iter(results["tokens_per_cpu_second"].values()))
    names = {"ours": "`suite fit`", "hand": "by hand", "keras": "Keras on torch"}
    return markdown(["tokens a CPU second", *(names[form] for form in forms)], rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", default=None)
    parser.add_argument("--only", default=",".join(FORMS))
    parser.add_argument("--form", help="measure this one, here")
    parser.add_argument("--rate", type=float, default=0.0)
    chosen = parser.parse_args()
    if chosen.form:
        torch.set_num_threads(1)
        torch.manual_seed(0)
        print(json.dumps(FORMS[chosen.form](chosen.data, chosen.rate)))
        return
    rates_of: dict[str, dict[str, list[float]]] = {}
    for _ in range(TURNS):
        for name, rate in RATES.items():
            for form in (form for form in chosen.only.split(",") if form != "keras" or find_spec("keras")):
                command = [sys.executable, "-m", "benchmarks.tweets_step", "--form", form, "--rate", str(rate)]
                command += ["--data", chosen.data] if chosen.data else []
                output = subprocess.run(
                    command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
                ).stdout
                rates_of.setdefault(name, {}).setdefault(form, []).append(float(output.splitlines()[-1]))
    medians = {
        name: {form: round(statistics.median(values)) for form, values in forms.items()}
        for name, forms in rates_of.items()
    }
    results = {"tokens_per_cpu_second": medians, "turns": TURNS, "data": Path(chosen.data or "default").name}
    record("tweets_step", results)
    print(table(results))


if __name__ == "__main__":
    main()

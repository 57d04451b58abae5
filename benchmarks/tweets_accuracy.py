"""How well tweets are predicted, and the variety of those that are generated: six recipes, three sets, three seeds.

    python -m benchmarks.tweets_accuracy --data FOLDER [--runs runs] [--only PATTERN] [--seeds 3]

FOLDER holds spacex.csv.xz, 3,148 tweets of one company, and fortunes_ru_le280.csv.xz, 19,895 short Russian texts. Each
figure is one ``suite fit``; a run that is already in the folder of runs is not made again, so that an interrupted
measurement goes on. The paper's models are measured twice: by the checkpoint that is best on the validation tweets,
which the paper has not, and at the end of their training. Prints a table and writes
benchmarks/results/tweets_accuracy.json. Without ``--data`` it prints what was measured. N-grams do not depend on the
seed and are measured once; "pieces" is the network of modern alone, over word pieces.
"""

import json
import re
from pathlib import Path
from typing import Any

from benchmarks._fits import figures, fitted, mean_and_scatter, options_of
from benchmarks._markdown import markdown
from benchmarks._papers import printed
from benchmarks._record import record, recorded
from lightning_suite import load
from lightning_suite.evaluation import evaluate
from lightning_suite.run import Run
from suite_tweets.writing.sampling import Sampling

SETS = {
    "spacex": ["--data.path", "{data}/spacex.csv.xz"],
    "fortunes_ru, 3,186": ["--data.path", "{data}/fortunes_ru_le280.csv.xz", "--data.limit", "3186"],
    "fortunes_ru": ["--data.path", "{data}/fortunes_ru_le280.csv.xz"],
}
# The epochs after which nothing more is learnt that helps on the validation tweets; the paper has 100 and 120.
EPOCHS = {"model-1": 6, "model-2": 14, "model-3": 6, "model-4": 14}
PIECES = ["--model.predictor", "network", "--data.tokens", "bpe", "--data.vocabulary_size", "{size}"]
LISTED = ["--data.word_list", "auto"]
MODELS = {
    **{name: ["--recipe", name, "--trainer.max_epochs", str(epochs)] for name, epochs in EPOCHS.items()},
    "pieces": ["--recipe", "modern", *PIECES, "--data.cleaning", "paper"],
    "pieces, its own cleaning": ["--recipe", "modern", *PIECES],
    "ngram": ["--recipe", "ngram"],
    "ngram with a list of words": ["--recipe", "ngram", *LISTED],
    "ngram with a list of words, modern cleaning": ["--recipe", "ngram", "--data.cleaning", "modern", *LISTED],
    "ngram, modern cleaning": ["--recipe", "ngram", "--data.cleaning", "modern"],
    "modern": ["--recipe", "modern", "--data.cleaning", "paper", *LISTED],
    "modern, its own cleaning": ["--recipe", "modern", *LISTED],
}
# Few Russian words come twice in so few texts: shorter pieces are better on the validation texts (2.38 against 2.43).
SIZES = {"fortunes_ru, 3,186": "2000"}
FEWER = {"fortunes_ru": {"model-1": 2, "model-2": 5, "model-3": 2, "model-4": 5, "pieces": 6, "modern": 6}}
LONG = {  # as long as in the paper; seed 0 alone
    f"spacex, {name}, {epochs} epochs": ["--recipe", name, "--trainer.max_epochs", str(epochs), *SETS["spacex"]]
    for name, epochs in {"model-1": 100, "model-2": 120, "model-3": 100, "model-4": 120}.items()
}
SAME = ["--trainer.precision", "bf16-mixed", "--model.sample_every", "0"]
METRICS = [
    "train_loss",
    *(f"test_{name}" for name in ("bits_per_char", "bits_per_char_cached", "perplexity")),
    *(f"test_{name}" for name in ("distinct_1", "distinct_2", "distinct_3", "copied_4", "copied_8", "length_distance")),
    *(f"test_{name}" for name in ("new_words", "new_words_held_out")),
]


def cases(seeds: int) -> dict[str, tuple[list[str], int]]:
    """Return the name of every case, its options, and the number of its seeds."""
    measured = {}
    for name, path in SETS.items():
        for model, options in MODELS.items():
            epochs = FEWER.get(name, {}).get(model.removesuffix(", its own cleaning"))
            shorter = ["--trainer.max_epochs", str(epochs)] if epochs else []
            kept = options[: options.index("--trainer.max_epochs")] if shorter and model in EPOCHS else options
            for_set = [word.format(size=SIZES.get(name, "6000")) for word in kept]
            once = model.startswith("ngram")
            measured[f"{name}, {model}"] = ([*for_set, *shorter, *path, *SAME], 1 if once else seeds)
    return measured | {name: ([*options, *SAME], 1) for name, options in LONG.items()}


def at_the_end(root: Path, case: str, seed: int) -> dict[str, Any]:
    """Return the metrics of the last checkpoint of a run, and ten tweets of its best."""
    stem = f"{re.sub(r'[^A-Za-z0-9]+', '-', case)}-{seed}"
    marker = root / f"{stem}.end.json"
    if not marker.is_file():
        (folder,) = (root / stem / "tweets").iterdir()
        best = Run.at(folder)
        ending = evaluate(Run(folder, best.last), "test")
        result = {"last": ending, "samples": load(best).write(10, Sampling(), seed=1)}  # type: ignore[operator]
        marker.write_text(json.dumps(result, ensure_ascii=False), encoding="utf-8")
    kept: dict[str, Any] = json.loads(marker.read_text(encoding="utf-8"))
    return kept


def table(results: dict[str, Any]) -> str:
    """Return training loss at the end; held-out bits per character, variety and copying by the best checkpoint."""
    losses = printed("tweets", "figures-5-12")
    paper = {f"model-{i}": f"{losses[f'Model {i}', 'the end']:.3g}" for i in (1, 2, 3, 4)}
    rows = []
    for case, values in results["cases"].items():
        runs = values["runs"]

        def mean(name: str, digits: int, runs: Any = runs) -> str:
            values = [run[name] for run in runs if name in run]
            if not values:
                return ""
            average, spread = mean_and_scatter(values)
            return f"{average:.{digits}f}" + (f" ± {spread:.{digits}f}" if len(values) > 1 else "")

        def percentage(*names: str, runs: Any = runs) -> str:
            averages = [mean_and_scatter([run[f"test_{name}"] for run in runs])[0] for name in names if known(name)]
            return " / ".join(f"{100 * average:.1f} %" for average in averages)

        def known(name: str, runs: Any = runs) -> bool:
            return all(f"test_{name}" in run for run in runs)

        as_long = case.endswith(" epochs")  # as in the paper
        published = next((loss for name, loss in paper.items() if as_long and f", {name}," in case), "")
        ended = mean_and_scatter([run["last"]["test_bits_per_char"] for run in runs])[0]
        copied = mean_and_scatter([run["last"]["test_copied_4"] for run in runs])[0]
        rows.append(
            [
                case,
                f"{runs[0]['epochs']}",
                mean("train_loss", 2),
                published,
                mean("test_bits_per_char", 3),
                mean("test_bits_per_char_cached", 3),
                f"{ended:.3f}",
                *(mean(f"test_distinct_{n}", 2) for n in (1, 2, 3)),
                f"{100 * mean_and_scatter([run['test_copied_4'] for run in runs])[0]:.1f} % / {100 * copied:.1f} %",
                f"{100 * mean_and_scatter([run['test_copied_8'] for run in runs])[0]:.2f} %",
                mean("test_length_distance", 1),
                percentage("new_words", "new_words_held_out"),
            ]
        )
    columns = ["", "epochs", "training loss", "paper's", "bits per character", "counting on", "at the end"]
    columns += ["distinct-1", "distinct-2", "distinct-3", "copied 4-grams / at the end", "copied 8-grams", "lengths"]
    columns += ["new words / of held-out tweets"]
    return markdown(columns, rows)


def table_samples(results: dict[str, Any]) -> str:
    """Return ten generated tweets of each case."""
    parts = []
    for case, values in results["cases"].items():
        tweets = [
            " ".join(tweet.split()).replace("|", "\\|").replace("<", "&lt;") for tweet in values["runs"][0]["samples"]
        ]
        parts.append("\n".join([f"**{case}**\n", *(f"{i}. {tweet}" for i, tweet in enumerate(tweets, start=1))]))
    return "\n\n".join(parts)


def main() -> None:
    """Measure what is missing, print it and write it."""
    arguments = options_of(__doc__, "tweets_accuracy").parse_args()
    results = {"cases": recorded("tweets_accuracy").get("cases", {})}
    if arguments.data is not None:
        for case, (options, seeds) in cases(arguments.seeds).items():
            if not re.search(arguments.only, case):
                continue
            typed = [word.format(data=arguments.data) for word in options]
            runs = []
            for seed in range(seeds):
                run = figures(fitted("tweets", typed, arguments.runs, case, seed), seed, METRICS)
                end = at_the_end(arguments.runs, case, seed)
                run["last"] = {name: end["last"][name] for name in METRICS if name in end["last"]}
                runs.append(run | ({"samples": end["samples"]} if seed == 0 else {}))
            results["cases"][case] = {"options": options, "runs": runs}
        results["cases"] = {case: results["cases"][case] for case in cases(1) if case in results["cases"]}
        record("tweets_accuracy", results)
    print(table(results))


if __name__ == "__main__":
    main()

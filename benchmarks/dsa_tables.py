"""Tables 1 and 2 of the paper with every row that is ours: the baselines beside dynamic self-attention.

    python -m benchmarks.dsa_tables --data FOLDER [--runs runs] [--only "sst2 BiLSTM"] [--seeds 3] [-- OPTIONS]
    python -m benchmarks.dsa_tables --seconds

FOLDER holds the folders sst/, snli/ and nli_extra/ (text files, see plugins/suite_dsa/README.md). The rows of a task
are trained alike, by its recipe, and differ in nothing but the network; the checkpoint is chosen on validation data.
Each figure is one ``suite fit``, recorded when it is there, so that an interrupted measurement goes on, seed by seed.
``--seconds`` measures forward, backward and optimizer step of all rows, taking turns, one thread. Prints two tables
and writes benchmarks/results/dsa_tables.json; without options it prints the recorded results.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from benchmarks._fits import figures, fitted, mean_and_scatter, options_of
from benchmarks._markdown import markdown
from benchmarks._papers import printed
from benchmarks._record import record, recorded
from benchmarks._timing import median_seconds
from benchmarks.dsa_accuracy import METRICS, STAND_IN
from benchmarks.dsa_network import batches, lognormal, phrase_lengths
from lightning_suite.recipes import recipe_of
from suite_dsa import plugin
from suite_dsa.module import SentenceClassifier
from suite_dsa.network import number_of_parameters
from suite_dsa.vocabulary import Vocabulary

STATIC = "dense CNN with self-attention"
NETWORKS: dict[str, dict[str, Any]] = {
    "BiLSTM": {"encoder": "bilstm", "attention": "max"},
    "BiLSTM, last states": {"encoder": "bilstm", "attention": "last"},
    "BiLSTM with self-attention": {"encoder": "bilstm", "attention": "static"},
    "CNN-non-static": {"encoder": "kim-cnn", "attention": "max"},
    "dense CNN, maximum": {"attention": "max"},
    STATIC: {"attention": "static"},
    "single DSA": {},
    "single DSA, first layers of kernel k": {"first_kernel": "same"},
    "multiple DSA": {},
}
RECIPES = {"snli": "snli-single", "sst2": "sst2", "sst5": "sst5"}
OWN_RECIPES = {"CNN-non-static": "sst2-kim", "multiple DSA": "snli-multiple"}

IN_TABLE_1 = {
    "BiLSTM with self-attention": "600D BiLSTM with self-attention",
    STATIC: "600D CNN (Dense) with self-attention",
    "single DSA": "ours (600D Single DSA)",
    "multiple DSA": "ours (2400D Multiple DSA)",
}
IN_TABLE_2 = {
    **{row: row for row in ("BiLSTM", "CNN-non-static", "BiLSTM with self-attention")},
    STATIC: "CNN (Dense) with self-attention",
    "single DSA": "Single DSA",
}
"""How the paper calls the rows that it has."""

CASES = {
    f"{task} {row}": (task, row)
    for task in RECIPES
    for row in NETWORKS
    if row != ("CNN-non-static" if task == "snli" else "multiple DSA")
}
"""What --only names."""

SENTENCES = {"snli": 2 * 19_158, "sst2": 84_536}
"""Sentences of an epoch: of the stand-in for SNLI (benchmarks/snli_stand_in.yaml), and SST-2's with phrases."""


def options(task: str, row: str, data: Path) -> list[str]:
    """Return the options of `suite fit` for a row of a table."""
    words = ["--recipe", OWN_RECIPES.get(row, RECIPES[task])]
    words += ["--config", STAND_IN, "--data.path", str(data)] if task == "snli" else ["--data.path", str(data / "sst")]
    if row == "CNN-non-static" and task == "sst5":
        words += ["--data.classes", "5"]
    for name, value in NETWORKS[row].items():
        words += [f"--model.{name}", str(value)]
    return words


def network(task: str, row: str) -> SentenceClassifier:
    """Return the network of a row, with new weights, for word vectors of 300 dimensions."""
    model = dict(recipe_of(plugin, OWN_RECIPES.get(row, RECIPES[task])).get("model", {}))
    module = SentenceClassifier(**model | NETWORKS[row] | {"average": 0})  # so that the parts themselves learn
    labels = list("cen" if task == "snli" else "01234"[: int(task[-1])])
    state = {"labels": labels, "columns": 1 + (task == "snli"), "tokenizer": "ptb"}
    vectors = {"vectors": torch.zeros(1, 300)}
    module.on_load_checkpoint({"sentences": state | {"vocabulary": Vocabulary([], []).state()}, "state_dict": vectors})
    return module


def parameters(task: str, row: str) -> int:
    """Return the number of parameters as the paper counts them: without word vectors."""
    module = network(task, row)
    return number_of_parameters(module.encoder, module.classifier)


def step(task: str, row: str, data: list[tuple[torch.Tensor, torch.Tensor]]) -> Callable[[], None]:
    """Return a function that trains the network of a row on batches of words and offsets."""
    module = network(task, row).train()
    learning = [*module.encoder.parameters(), *module.classifier.parameters()]
    optimizer = torch.optim.Adam(learning) if task == "snli" else torch.optim.Adadelta(learning)

    def train() -> None:
        for words, offsets in data:
            optimizer.zero_grad()
            sentences = module.encoder(words, offsets)
            pairs = torch.cat(4 * [sentences[::2]], dim=1) if task == "snli" else sentences
            logits = module.classifier(pairs)
            functional.cross_entropy(logits, torch.arange(len(logits)) % 2).backward()
            optimizer.step()

    return train


def measured_seconds(turns: int = 3) -> dict[str, dict[str, float]]:
    """Return CPU seconds of an epoch by task and row, without reading, validation and what word vectors learn."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    seconds: dict[str, dict[str, float]] = {}
    # A batch of SNLI has 256 pairs, premises of 14 words and hypotheses of 8.
    for task, lengths, size in (("sst2", phrase_lengths(512)[1], 128), ("snli", lognormal(11.0, 60, 1024), 512)):
        data = batches(lengths, size)
        rows = [row for of, row in CASES.values() if of == task]
        each = median_seconds({row: step(task, row, data) for row in rows}, turns)
        seconds[task] = {row: round(SENTENCES[task] / len(lengths) * value, 1) for row, value in each.items()}
    return seconds


def table_1(results: dict[str, Any]) -> str:
    """Return Table 1: parameters, test accuracy on SNLI and seconds an epoch, beside the paper's."""
    columns = [
        "SNLI",
        "million parameters",
        "paper",
        "test accuracy",
        "seeds",
        "paper",
        "CPU s an epoch",
        "paper's GPU",
    ]
    seconds, rows = results.get("seconds", {}).get("snli", {}), []
    of_gpu = {row: printed("dsa", "table-1")[name, "T(s)/epoch"] for row, name in IN_TABLE_1.items()}
    for row in [row for task, row in CASES.values() if task == "snli"]:
        shown = [f"{results['parameters'][row] / 1e6:.1f}", _paper(1, row, "Parameters (m)")]
        shown += [*_accuracy(results, "snli", row), _paper(1, row, "Test (%)"), _beside(seconds, row)]
        rows.append([row, *shown, _beside(of_gpu, row)])
    return markdown(columns, rows)


def table_2(results: dict[str, Any]) -> str:
    """Return Table 2: test accuracy on SST-2 and SST-5, and seconds an epoch of SST-2, beside the paper's."""
    columns = ["SST", "SST-2", "seeds", "paper", "SST-5", "seeds", "paper", "CPU s an epoch of SST-2"]
    seconds, rows = results.get("seconds", {}).get("sst2", {}), []
    for row in [row for task, row in CASES.values() if task == "sst2"]:
        two, five = (
            [*_accuracy(results, task, row), _paper(2, row, column)]
            for task, column in (("sst2", "SST-2"), ("sst5", "SST-5"))
        )
        rows.append([row, *two, *five, _beside(seconds, row)])
    return markdown(columns, rows)


def _accuracy(results: dict[str, Any], task: str, row: str) -> list[str]:
    """Return mean and scatter of the test accuracy, and the seeds' own."""
    accuracies = [100 * run["test_accuracy"] for run in results["cases"].get(f"{task} {row}", {}).get("runs", [])]
    if not accuracies:
        return ["–", "–"]
    average, spread = mean_and_scatter(accuracies)
    shown = f"**{average:.1f}**" + (f" ± {spread:.1f}" if len(accuracies) > 1 else "")
    return [shown, ", ".join(f"{accuracy:.1f}" for accuracy in accuracies)]


def _paper(table: int, row: str, column: str) -> str:
    """Return the paper's number."""
    name = (IN_TABLE_1, IN_TABLE_2)[table - 1].get(row, "")
    value = printed("dsa", f"table-{table}").get((name, column))
    return "–" if value is None else f"{value:.1f}"


def _beside(seconds: dict[str, Any], row: str) -> str:
    """Return seconds an epoch, and their ratio to static attention's."""
    return f"{seconds[row]:.0f} ({seconds[row] / seconds[STATIC]:.2f}x)" if seconds.get(row) is not None else "–"


def main() -> None:
    """Measure what is missing, write it case by case, and print the tables."""
    parser = options_of(__doc__, "tables", further=True)
    parser.add_argument("--seconds", action="store_true")
    chosen = parser.parse_args()
    results = {"cases": {}, "seconds": {}} | recorded("dsa_tables")
    results["parameters"] = {row: parameters("snli", row) for task, row in CASES.values() if task == "snli"}
    if chosen.seconds:
        results["seconds"] = measured_seconds()
        record("dsa_tables", results)
    for seed in range(chosen.seeds if chosen.data is not None else 0):
        for case in CASES:
            if not re.search(chosen.only, case):
                continue
            words = [*options(*CASES[case], chosen.data), *chosen.options]
            run = figures(fitted("dsa", words, chosen.runs, case, seed), seed, METRICS) | {"options": chosen.options}
            others = [other for other in results["cases"].get(case, {}).get("runs", []) if other["seed"] != seed]
            runs = sorted([*others, run], key=lambda run: run["seed"])
            results["cases"][case] = {"options": [w.replace(str(chosen.data), "{data}") for w in words], "runs": runs}
            record("dsa_tables", results)
    print(table_1(results), table_2(results), sep="\n\n")


if __name__ == "__main__":
    main()

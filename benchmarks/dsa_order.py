"""Order and negation: accuracy on twins, of networks and of simple classifiers trained on the same data.

    python -m benchmarks.dsa_order --data FOLDER [--runs runs] [--only "sst"] [--run "sst dynamic=RUN"]

Twins are examples whose words are the same, or up to two more, and whose classes differ (``suite_dsa.twins``): phrases
of SST's test trees; and pairs of SICK's test and of the counterfactually revised SNLI, after training on SNLI's
development pairs, a piece of its training set and SICK. None of them is trained on, and nothing is chosen on them.
FOLDER holds the folders sst/, snli/ and nli_extra/. Each figure is one ``suite fit``, or of a run that is named.
Prints one table and writes benchmarks/results/dsa_order.json; without ``--data`` it prints the recorded results.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from benchmarks._fits import fitted, folder_of, options_of
from benchmarks._markdown import markdown
from benchmarks._record import record, recorded

SST = ["--recipe", "sst2", "--data.path", "{data}/sst"]
NLI = ["--recipe", "snli-single", "--config", "benchmarks/dsa_order.yaml", "--data.path", "{data}"]
STATIC = ["--model.attention", "static"]
SST_TWINS = ["sst/trees.test.txt.xz"]
NLI_TWINS = ["nli_extra/cad_revised_combined.train.tsv.xz", "nli_extra/sick.test.tsv.xz"]

HOW = ("model.average", "model.dropout_gain", "data.vectors", "trainer.limit_train_batches", "trainer.precision")
"""Options that are recorded where a run has others than its recipe."""

# name: the command, and the files in which twins are looked for
CASES = {
    "sst dynamic": (SST, SST_TWINS),
    "sst static": ([*SST, *STATIC], SST_TWINS),
    "nli dynamic": (NLI, NLI_TWINS),
    "nli static": ([*NLI, *STATIC], NLI_TWINS),
}


def table(results: dict[str, Any]) -> str:
    """Return the accuracies on twins, and how far the averaged vectors are behind the network."""
    rows = []
    for case, values in results["cases"].items():
        gain, error = values["before_averaged_vectors"]
        cells = [f"{100 * values[name]:.1f}" for name in ("tf-idf", "averaged vectors", "network")]
        rows.append([case, f"{values['twins']:,}", *cells, f"**{100 * gain:+.1f}** ± {100 * error:.1f}"])
    head = ["accuracy on twins", "examples", "tf-idf", "averaged vectors", "network", "network - averaged"]
    return markdown(head, rows)


def measured(run: Path, files: list[Path]) -> dict[str, Any]:
    """Return the accuracies on the twins in files: of a run's network, and of simple classifiers on its data."""
    from suite_dsa.studies.comparison import classified, labelled, opened, paired, simple, twins_in

    module, selection, parts = opened(run)
    found = [example for file in files for example in twins_in(module, selection, file, parts["train"].examples)]
    train, validation, test = (
        labelled(module, examples) for examples in (parts["train"].examples, parts["validation"].examples, found)
    )
    network = classified(module, test.texts) == test.labels
    values: dict[str, Any] = {"twins": len(found), "network": round(float(network.mean()), 4)}
    for baseline in simple(module):
        right = baseline.fit(train, validation).predict(test.texts) == test.labels
        values[baseline.name] = round(float(right.mean()), 4)
        values[f"before_{baseline.name.replace(' ', '_')}"] = [round(number, 4) for number in paired(network, right)]
    return values


def main() -> None:
    """Measure what is missing, record each case as it ends, and print the table."""
    parser = options_of(__doc__, "order", seeds=1, further=True)
    parser.add_argument(
        "--run", action="append", default=[], help="CASE=RUN, a run to measure in place of training one"
    )
    chosen = parser.parse_args()
    named = dict(text.split("=", 1) for text in chosen.run)
    results: dict[str, Any] = {"cases": recorded("dsa_order").get("cases", {})}
    for case, (words, files) in CASES.items() if chosen.data is not None else ():
        if not re.search(chosen.only, case) or (named and case not in named):
            continue
        if case not in named:
            options = [*(word.format(data=chosen.data) for word in words), *chosen.options]
            fitted("dsa", options, chosen.runs, case, 0)
        run = Path(named[case]) if case in named else folder_of(chosen.runs, case, 0)
        values = measured(run, [chosen.data / file for file in files])
        results["cases"][case] = values | origin(run)
        results["cases"] = {name: results["cases"][name] for name in CASES if name in results["cases"]}
        record("dsa_order", results)
    print(table(results))


def origin(run: Path) -> dict[str, Any]:
    """Return where a figure comes from: seed, commit, epochs, validation accuracy, and what else differs in the run."""
    from lightning_suite.options import flat
    from lightning_suite.recipes import recipe_of
    from lightning_suite.run import Run
    from suite_dsa import plugin

    values = Run.at(run).record
    config = yaml.safe_load((run / "config.yaml").read_text())
    recipe = flat(recipe_of(plugin, config["recipe"]))
    own = {name: value for name, value in flat(config).items() if name in HOW and recipe.get(name) != value}
    best = values.get("best", {}).get("value")
    return {
        "seed": values["seed"],
        "epochs": values["epochs"],
        "best_val": best,
        "git_commit": values["git_commit"],
        **own,
    }


if __name__ == "__main__":
    main()

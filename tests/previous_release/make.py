"""Write the runs that later releases must still load, test, predict with and resume: one archive for each plugin.

    python tests/previous_release/make.py FOLDER

runs the `suite` of the release that is installed. An archive holds

    data/           what the runs were trained on
    <case>/         a run folder; its checkpoint best.ckpt alone, unless it is there to be resumed
    expected.json   for each case, its test metrics, the rows it predicts of its predict_path, and, of a run that was
                    stopped in the middle, the metrics that the same run ended with when it was not
"""

import csv
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent

# Ends the process at the start of an epoch, as a power failure would.
STOP = """
import os, sys
from pytorch_lightning import Callback, Trainer
class Stop(Callback):
    def on_train_epoch_start(self, trainer, module):
        if trainer.current_epoch == {epoch}:
            os._exit(9)
fit = Trainer.fit
def stopping(self, *arguments, **named):
    self.callbacks.append(Stop())
    return fit(self, *arguments, **named)
Trainer.fit = stopping
sys.argv = ["suite", *{words!r}]
from lightning_suite.cli import main
main()
"""

SMALL_DSA = {
    "model.head_dim": 4,
    "model.first_dim": 4,
    "model.layer_dim": 2,
    "model.compressed_dim": 4,
    "model.hidden_dim": 4,
    "data.word_dim": 8,
    "trainer.max_epochs": 3,
}
POINTS = {"data.path": "data/points.csv", "data.predict_path": "data/new.csv", "data.label_column": "label"}

CASES: dict[str, dict[str, dict[str, Any]]] = {
    "dsa": {"stopped": SMALL_DSA | {"data.path": "data/check.tsv", "data.predict_path": "data/new.txt"}},
    "recnn": {
        "stopped": {
            "model.hidden_dim": 4,
            "data.path": "data/jets",
            "data.predict_path": "data/jets/w_check.parquet",
            "trainer.max_epochs": 3,
        }
    },
    "tweets": {
        "stopped": {
            "model.embedding_dim": 4,
            "model.hidden_dim": 6,
            "data.path": "data/tweets.csv",
            "data.predict_path": "data/new.csv",
            "trainer.max_epochs": 3,
        }
    },
    "spectral": {
        "stopped": POINTS | {"trainer.max_epochs": 3},
        "nearest_neighbors": POINTS | {"model.weights": "gaussian", "model.regularisation": 0.01},
        "rbf": POINTS | {"model.affinity": "rbf", "model.rows": "njw"},
        "self-tuning": POINTS | {"model.affinity": "self-tuning"},
        "chosen": POINTS | {"model.n_clusters": None, "model.largest": 6, "model.route": "better"},
        "landmarks": POINTS | {"model.route": "landmarks", "model.landmarks": 40, "model.memory": 1.0},
        "landmarks-rbf": POINTS | {"model.route": "landmarks", "model.affinity": "rbf", "model.landmarks": 40},
        "cosine": {
            "data.path": "data/texts.tsv",
            "data.predict_path": "data/new.tsv",
            "data.text_column": "text",
            "data.label_column": "kind",
        },
        "graph": {"data.path": "data/graph.mtx", "data.predict_path": None},
    },
}


def suite(*words: str, cwd: Path, status: int = 0) -> None:
    """Run the command.

    Raises:
        SystemExit: it ended with another status.
    """
    run = subprocess.run([sys.executable, "-m", "lightning_suite", *words], cwd=cwd, capture_output=True, text=True)
    if run.returncode != status:
        raise SystemExit(f"suite {' '.join(words)}\n{run.stdout}\n{run.stderr}")


def fit(plugin: str, options: dict[str, Any], folder: Path, case: str, stop: int | None) -> Path:
    """Train, and end the process at the start of epoch ``stop`` if there is one; return the run folder."""
    words = ["fit", "--plugin", plugin, "--recipe", "check", "--runs", "runs"]
    words += [
        word for name, value in options.items() for word in (f"--{name}", "null" if value is None else f"{value}")
    ]
    if stop is None:
        suite(*words, cwd=folder)
    else:
        subprocess.run([sys.executable, "-c", STOP.format(epoch=stop, words=words)], cwd=folder, capture_output=True)
    (run,) = (folder / "runs" / plugin).iterdir()
    run.rename(folder / case)
    shutil.rmtree(folder / "runs")
    return folder / case


def rows_of(path: Path) -> list[list[str]]:
    """Return the rows of a CSV file, its header first."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def data_of(plugin: str, folder: Path) -> None:
    """Write the training data of a plugin, and a few inputs more, into a folder."""
    recipes = ROOT / "plugins" / f"suite_{plugin}" / "recipes"
    folder.mkdir()
    if plugin == "dsa":
        shutil.copy(recipes / "check.tsv", folder)
        shutil.copy(recipes / "check.txt", folder / "new.txt")
    elif plugin == "recnn":
        from pyarrow import parquet

        (folder / "jets").mkdir()
        for name in ("qcd_check.parquet", "w_check.parquet"):
            parquet.write_table(parquet.read_table(recipes / "check" / name)[:60], folder / "jets" / name)
    elif plugin == "tweets":
        shutil.copy(recipes / "check.csv", folder / "tweets.csv")
        lines = (recipes / "check.csv").read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / "new.csv").write_text("".join(lines[:12]), encoding="utf-8")
    else:
        spectral_data(folder)


def spectral_data(folder: Path) -> None:
    """Write two moons, made-up texts of two kinds, and a graph of two groups."""
    import numpy

    random = numpy.random.default_rng(0)

    def moons(count: int) -> str:
        angle = random.uniform(0, numpy.pi, count)
        upper = numpy.arange(count) % 2 == 0
        x = numpy.where(upper, numpy.cos(angle), 1 - numpy.cos(angle)) + 0.08 * random.standard_normal(count)
        y = numpy.where(upper, numpy.sin(angle), 0.5 - numpy.sin(angle)) + 0.08 * random.standard_normal(count)
        rows = [f"{a:.4f},{b:.4f},{int(c)}" for a, b, c in zip(x, y, upper, strict=True)]
        return "\n".join(["x,y,label", *rows, ""])

    (folder / "points.csv").write_text(moons(160), encoding="utf-8")
    (folder / "new.csv").write_text(moons(40), encoding="utf-8")
    sport = ["ball", "goal", "team", "match", "score", "player", "coach"]
    biology = ["cell", "gene", "protein", "tissue", "enzyme", "blood", "dna"]
    texts = [(i % 2, " ".join(random.choice(biology if i % 2 else sport, 6))) for i in range(60)]
    for name, part in (("texts.tsv", texts[:50]), ("new.tsv", texts[50:])):
        lines = ["kind\ttext", *(f"{kind}\t{text}" for kind, text in part), ""]
        (folder / name).write_text("\n".join(lines), encoding="utf-8")
    near = random.random((40, 40)) < numpy.where(
        numpy.equal.outer(numpy.arange(40) % 2, numpy.arange(40) % 2), 0.4, 0.03
    )
    edges = [(i + 1, j + 1) for i in range(40) for j in range(i) if near[i, j]]
    body = "".join(f"{i} {j}\n" for i, j in edges)
    header = f"%%MatrixMarket matrix coordinate pattern symmetric\n40 40 {len(edges)}\n"
    (folder / "graph.mtx").write_text(header + body, encoding="utf-8")


def make(plugin: str, folder: Path) -> dict[str, Any]:
    """Make all runs of a plugin in an empty folder; return what is expected of them."""
    data_of(plugin, folder / "data")
    expected: dict[str, Any] = {}
    for case, options in CASES[plugin].items():
        whole = fit(plugin, options, folder, case, None)
        record = json.loads((whole / "run.json").read_text(encoding="utf-8"))
        expected[case] = {"final": record["metrics"], "test": record["evaluations"]["test"]}
        if new := options["data.predict_path"]:
            suite("predict", case, new, "--output", "predicted.csv", cwd=folder)
            expected[case]["predictions"] = rows_of(folder / "predicted.csv")
            (folder / "predicted.csv").unlink()
        if case == "stopped":
            whole.rename(folder / "finished")
            whole = folder / "finished"
            fit(plugin, options, folder, case, 1)
            shutil.rmtree(folder / "stopped" / "figures")
            expected["finished"] = expected[case]
        shutil.rmtree(whole / "figures", ignore_errors=True)
        (whole / "checkpoints" / "last.ckpt").unlink()
    return expected


def main(target: Sequence[str]) -> None:
    """Write ``<plugin>.tar.xz`` of every plugin into a folder."""
    (place,) = map(Path, target)
    for plugin in CASES:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            expected = make(plugin, folder)
            (folder / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False), encoding="utf-8")
            with tarfile.open(place / f"{plugin}.tar.xz", "w:xz") as archive:
                for entry in sorted(folder.iterdir()):
                    archive.add(entry, arcname=entry.name)
        print(place / f"{plugin}.tar.xz")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Writes what a run says of new inputs.

    suite predict RUN INPUT [--output FILE] [--embed] [--data.x 1 --trainer.y 2]

One row an input, in the order of the inputs. The suffix of FILE chooses the format: .csv, .tsv, .jsonl or .parquet;
with --embed, which asks for embeddings, .npy or .parquet. RUN is a run folder or a checkpoint.
"""

from pathlib import Path

from lightning_suite import registry
from lightning_suite.errors import UsageError
from lightning_suite.options import take_one
from lightning_suite.verbs.test import changed_settings, run_and_options


def run(arguments: list[str]) -> int:
    """Predicts, writes a file and says where."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    chosen, rest = take_one(list(arguments), "--output")
    embed = "--embed" in rest
    done, typed = run_and_options("predict", [word for word in rest if word != "--embed"])
    source = typed.pop(0) if typed and not typed[0].startswith("-") else None
    if source is not None and not Path(source).expanduser().exists():
        raise UsageError(f"suite predict RUN INPUT: there is no file {source}")
    data = registry.resolve(registry.get(done.settings()["plugin"]), "data")
    suffix = getattr(data, "predictions_suffix", ".csv")
    default = done.folder / ("embeddings.npy" if embed else f"predictions{suffix}")
    from lightning_suite.predictions import Predictions
    from lightning_suite.training import predict

    output = Predictions(Path(chosen).expanduser() if chosen else default, "embed_step" if embed else "predict_step")
    rows = predict(done, source, output, changed_settings(done, typed, "suite predict", ("--output", "--embed")))
    print(f"{rows} {'embeddings' if embed else 'predictions'}: {output.path}")
    return 0

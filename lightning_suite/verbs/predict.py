"""Predicts with a run, and writes a row for each input.

The rows are in the order of the inputs. RUN is a run folder or a checkpoint.
"""

from pathlib import Path

from lightning_suite.arguments import LightParser
from lightning_suite.errors import UsageError
from lightning_suite.options import changed_settings
from lightning_suite.plugins import find
from lightning_suite.plugins.resolve import resolve
from lightning_suite.verbs.test import run_and_options


def run(arguments: list[str]) -> int:
    """Write the predictions and print the path of the file; return 0."""
    parser = LightParser("predict", __doc__, "RUN INPUT [--output FILE] [--embed] [--data.x 1 --trainer.y 2]")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help=".csv, .tsv, .jsonl, .parquet or a format that the plugin adds; with --embed .npy or .parquet",
    )
    parser.add_argument("--embed", action="store_true", help="write embeddings in place of predictions")
    values, rest = parser.parse_known_args(arguments)
    done, typed = run_and_options("predict", rest)
    source = typed.pop(0) if typed and not typed[0].startswith("-") else None
    if source is not None and not Path(source).expanduser().exists():
        raise UsageError(f"suite predict RUN INPUT: there is no file {source}")
    settings = changed_settings(done, typed, "suite predict", parser.options())
    data = resolve(find.get(settings.plugin), "data")
    suffix = getattr(data, "predictions_suffix", ".csv")
    file = values.output or done.folder / ("embeddings.npy" if values.embed else f"predictions{suffix}")
    from lightning_suite.evaluation import predict
    from lightning_suite.predictions import Predictions

    writers = getattr(data, "predictions_writers", None)
    output = Predictions(file.expanduser(), "embed_step" if values.embed else "predict_step", writers)
    rows = predict(done, source, output, settings)
    print(f"{rows} {'embeddings' if values.embed else 'predictions'}: {output.path}")
    return 0

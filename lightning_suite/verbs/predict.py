"""Predicts with a run, and writes a row for each input.

The rows are in the order of the inputs. RUN is a run folder or a checkpoint; INPUT a file, or - for standard input.
What comes from standard input or from --text is answered on standard output, unless --output names a file; so is a file
with --output -.
"""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lightning_suite.arguments import LightParser
from lightning_suite.errors import SuiteError, UsageError
from lightning_suite.files import free_path
from lightning_suite.options import changed_settings
from lightning_suite.plugins import find
from lightning_suite.plugins.resolve import resolve
from lightning_suite.verbs.test import run_and_options

USAGE = """RUN INPUT [--output FILE] [--embed] [--data.x 1 --trainer.y 2]
       suite predict RUN - [--as .csv] [--json] < INPUT
       suite predict RUN --text "..." [--text "..."] [--json]"""


def run(arguments: list[str]) -> int:
    """Write the predictions and print the path of the file, or print them; return 0."""
    parser = LightParser("predict", __doc__, USAGE)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help=".csv, .tsv, .jsonl, .parquet or a format that the plugin adds; with --embed .npy or .parquet; - for "
        "standard output",
    )
    parser.add_argument("--embed", action="store_true", help="write embeddings in place of predictions")
    parser.add_argument("--text", action="append", metavar="TEXT", help="an input, where the plugin takes texts")
    parser.add_argument(
        "--as", dest="suffix", metavar="SUFFIX", help="format of standard input (default: .txt or .jsonl)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, a line for each input, in place of CSV")
    values, rest = parser.parse_known_args(arguments)
    done, typed = run_and_options("predict", rest)
    source = typed.pop(0) if typed and (typed[0] == "-" or not typed[0].startswith("-")) else None
    asked = values.text is not None or source == "-"
    prints = values.output == Path("-") or (asked and values.output is None)
    if values.text is not None and source is not None:
        raise UsageError(f"suite predict RUN: give --text or INPUT, {source}; not both")
    if values.json and not prints:
        raise UsageError("--json prints what --text or - asks, or --output -; for a file, give --output FILE.jsonl")
    if values.embed and prints:
        raise UsageError("embeddings are no text to print; give --output FILE.npy")
    if source not in (None, "-") and not Path(source).expanduser().exists():
        raise UsageError(f"suite predict RUN INPUT: there is no file {source}")
    settings = changed_settings(done, typed, "suite predict", parser.options())
    data = resolve(find.get(settings.plugin), "data")
    from lightning_suite.evaluation import predict
    from lightning_suite.predictions import Predictions

    writers = getattr(data, "predictions_writers", None)
    suffix = ".npy" if values.embed else getattr(data, "predictions_suffix", ".csv")
    with _input(source, values.text, values.suffix) as path, tempfile.TemporaryDirectory() as folder:
        if prints:
            file = Path(folder, "answer.jsonl" if values.json else "answer.csv")
        else:
            file = values.output or free_path(
                done.folder / f"{'embeddings' if values.embed else 'predictions'}{suffix}"
            )
        output = Predictions(file.expanduser(), "embed_step" if values.embed else "predict_step", writers)
        replaces = output.path.exists()
        rows = predict(done, path, output, settings)
        if prints:
            with file.open(encoding="utf-8", newline="") as answer:
                shutil.copyfileobj(answer, sys.stdout)
            return 0
    what = "embedding" if values.embed else "prediction"
    replaced = ", in place of what was there" if replaces else ""
    print(f"{rows} {what}{'' if rows == 1 else 's'}: {output.path}{replaced}")
    return 0


@contextlib.contextmanager
def _input(source: str | None, texts: list[str] | None, suffix: str | None) -> Iterator[str | None]:
    """Yield the path of the inputs; texts and standard input become a file, whose suffix tells the format."""
    if texts is not None:
        content = "".join(f"{' '.join(text.split())}\n" for text in texts).encode()
    elif source == "-":
        content = sys.stdin.buffer.read()
    else:
        yield source
        return
    if not content.strip():
        raise UsageError("suite predict: the input is empty")
    with tempfile.TemporaryDirectory() as folder:
        is_json = texts is None and content.lstrip()[:1] == b"{"
        path = Path(folder, f"input{suffix or ('.jsonl' if is_json else '.txt')}")
        path.write_bytes(content)
        try:
            yield str(path)
        except SuiteError as error:  # it names the file, which is not what was typed
            name = "--text" if texts is not None else "standard input"
            error.args = tuple(str(each).replace(str(path), name) for each in error.args)
            raise

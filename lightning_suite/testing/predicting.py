"""Checks of predictions and embeddings: one for every input, in the order of the inputs, each on its own."""

import json
from pathlib import Path
from typing import Any

from lightning_suite.testing.outcome import ContractFailure, NotApplicable, NotRun
from lightning_suite.testing.subject import Subject
from lightning_suite.testing.using import EVALUATION_MODE, are_close

CLOSE = 1e-4
"""Relative difference that the order of summation alone may cause between two predictions."""


def predicts(subject: Subject) -> str:
    """``suite predict`` writes a row for every input, all with the same columns."""
    rows = _rows(subject.predicted("plain"))
    if not rows or not rows[0]:
        raise ContractFailure(
            "rows with at least one column",
            f"{len(rows)} rows",
            "return dict[str, list | Tensor] from predict_step, one entry an input in every column",
        )
    return f"{len(rows)} rows: {', '.join(rows[0])}"


def predict_keeps_order_and_number(subject: Subject) -> str:
    """There is one prediction an input, in the order of the inputs, whatever the generators' state."""
    from lightning_suite.testing.callbacks import Reseed

    settings = subject.predict_settings()
    rows = _plain_rows(subject)
    _keeps_the_order_of_the_dataset(subject, len(rows))
    again = _rows(subject.predicted("reseeded", "predict_step", Reseed()))
    if len(again) != len(rows) or not all(map(_same_row, rows, again)):
        raise ContractFailure(
            "the same rows in the same order, twice",
            f"{sum(not _same_row(*pair) for pair in zip(rows, again, strict=False))} of {len(rows)} differ",
            f"do not shuffle in predict_dataloader; {EVALUATION_MODE}",
        )
    path = settings.data.get("predict_path")
    if path is None or not Path(path).is_file():
        return f"{len(rows)} rows"
    _follows_its_file(subject, Path(path), rows)
    return f"{len(rows)} rows, as in {Path(path).name}"


def predictions_do_not_depend_on_the_batch(subject: Subject) -> str:
    """An input alone in its batch is predicted as it is among others: nothing leaks from its neighbours."""
    settings = subject.predict_settings()
    if "batch_size" not in settings.data:
        raise NotApplicable("the data module has no parameter batch_size")
    together, alone = _plain_rows(subject), _rows(subject.predicted("alone", batch_size=1))
    if len(together) != len(alone):
        raise NotRun("predict_keeps_order_and_number")
    for i, (left, right) in enumerate(zip(together, alone, strict=True)):
        if not _same_row(left, right):
            name = next(name for name in left if not _same(left[name], right.get(name)))
            raise ContractFailure(
                "the same prediction for an input alone and among others",
                f"input {i}: {name} is {_short(left[name])} among others, {_short(right.get(name))} alone",
                "mask padding, and use running statistics of the batch in evaluation",
            )
    return f"{len(alone)} rows"


def embeds(subject: Subject) -> str:
    """``suite predict --embed`` gives a finite vector for every input."""
    import numpy

    module, _ = subject.classes()
    if not callable(getattr(module, "embed_step", None)):
        raise NotApplicable("the module defines no embed_step")
    vectors = numpy.load(subject.predicted("embedded", "embed_step"), allow_pickle=False)  # input embedding_dim
    number = len(_plain_rows(subject))
    if vectors.ndim != 2 or len(vectors) != number or not numpy.isfinite(vectors).all():
        raise ContractFailure(
            f"finite numbers of shape ({number}, embedding_dim), one row an input",
            f"shape {vectors.shape}, {int((~numpy.isfinite(vectors)).sum())} of them not finite",
            "return a tensor (batch, embedding_dim) from embed_step",
        )
    return f"{vectors.shape[0]} vectors of {vectors.shape[1]}"


def predicts_the_same_from_memory(subject: Subject) -> str:
    """``Run.predict`` and ``Run.embed`` give for inputs in memory what ``suite predict`` writes for their file."""
    import numpy

    from lightning_suite.from_memory import embedded, predicted
    from lightning_suite.inputs import TakesInputs
    from lightning_suite.loading import load

    _, data_class = subject.classes()
    if not issubclass(data_class, TakesInputs):
        raise NotApplicable("the data module is no lightning_suite.TakesInputs")
    path = subject.predict_settings().data.get("predict_path")
    if path is None:
        raise NotApplicable("no recipe called check says what to predict: data.predict_path in check.yaml")
    expected = _plain_rows(subject)
    module, data = load(subject.trained()), subject.untouched_data()
    given = data.read_inputs(path, module)  # type: ignore[attr-defined]
    columns = {
        name: values.tolist() if isinstance(values, numpy.ndarray) else values
        for name, values in predicted(module, data, given).items()
    }
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if len(rows) != len(expected) or not all(map(_same_row, expected, rows)):
        first = next((i for i, pair in enumerate(zip(expected, rows, strict=False)) if not _same_row(*pair)), None)
        problem = f"{len(rows)}" if first is None else f"input {first}: {_short(rows[first])}"
        wanted = f"{len(expected)} predictions" if first is None else f"input {first}: {_short(expected[first])}"
        advice = "let inputs() make of what read_inputs() returns the batches that predict_dataloader yields"
        raise ContractFailure(wanted, problem, advice)
    if callable(getattr(module, "embed_step", None)):
        vectors = numpy.load(subject.predicted("embedded", "embed_step"), allow_pickle=False)
        if not numpy.allclose(embedded(module, data, given), vectors, CLOSE, CLOSE, equal_nan=True):
            raise ContractFailure("the embeddings of the file", "others", "give embed_step the batches of predict_step")
    return f"{len(rows)} rows"


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _plain_rows(subject: Subject) -> list[dict[str, Any]]:
    """Return the rows of the predictions, for checks that need some.

    Raises:
        NotRun: there are none, or they have no columns.
    """
    try:
        rows = _rows(subject.predicted("plain"))
    except (NotApplicable, NotRun):
        raise
    except Exception as error:
        raise NotRun("predicts") from error
    if not rows or not rows[0]:
        raise NotRun("predicts")
    return rows


def _keeps_the_order_of_the_dataset(subject: Subject, number: int) -> None:
    """Check that a loader over a plain dataset yields all samples in their order."""
    from torch.utils.data import DataLoader, IterableDataset

    loader = subject.predicted_data("plain").predict_dataloader()
    if not isinstance(loader, DataLoader) or isinstance(loader.dataset, IterableDataset):
        return
    size = len(loader.dataset)  # type: ignore[arg-type]
    drawn = [index for batch in loader.batch_sampler for index in batch] if loader.batch_sampler is not None else None
    if drawn is not None and drawn != list(range(size)):
        problem = f"{len(drawn)} of {size} inputs" if len(drawn) != size else "another order"
        raise ContractFailure(
            "a predict_dataloader that yields every input once, in order",
            problem,
            "leave shuffle, drop_last and samplers out of predict_dataloader",
        )
    if number != size:
        raise ContractFailure(
            f"{size} predictions, one for every item of the dataset",
            f"{number}",
            "return one entry an input in every column of predict_step",
        )


def _follows_its_file(subject: Subject, path: Path, rows: list[dict[str, Any]]) -> None:
    """Check that predictions are in reverse order when the inputs in their file are.

    A column that stays as it was counts inputs.
    """
    target = subject.folder / f"reversed{path.suffix}"
    expected = _reverse_table(path, target, rows) if path.suffix == ".parquet" else _reverse_lines(path, target, rows)
    if expected is None:
        return
    actual = _rows(subject.predicted("reversed", predict_path=str(target)))
    for name in rows[0]:
        column, before = [row.get(name) for row in actual], [row[name] for row in rows]
        wanted = [row[name] for row in expected]
        if not (_same(column, wanted) or _same(column, before)) or len(column) != len(wanted):
            raise ContractFailure(
                f"predictions in reverse order when the inputs in {path.name} are",
                f"the column {name!r} does not",
                "read inputs in the order of the file, and leave none out",
            )
    moved = any(not _same([row[name] for row in rows], [row[name] for row in expected]) for name in rows[0])
    if moved and all(_same([row.get(name) for row in actual], [row[name] for row in rows]) for name in rows[0]):
        raise ContractFailure(
            f"predictions in reverse order when the inputs in {path.name} are",
            "they stay as they were",
            "read inputs in the order of the file: do not sort them, or restore their order",
        )


def _reverse_lines(path: Path, target: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Write the lines of a text file in reverse order and return the rows to expect; None where lines are no inputs.

    The first line stays where it is, since it may be a header.
    """
    if path.suffix not in (".txt", ".csv", ".tsv", ".jsonl"):
        return None
    lines = path.read_text(encoding="utf-8").splitlines()
    header = len(lines) - len(rows)
    if header not in (0, 1) or not all(lines):
        return None
    target.write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n", encoding="utf-8")
    return rows[::-1] if header else [rows[0], *rows[:0:-1]]


def _reverse_table(path: Path, target: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Write the rows of a parquet file in reverse order and return those to expect; None where rows are no inputs."""
    import pyarrow.parquet

    whole = pyarrow.parquet.read_table(path)
    if len(whole) != len(rows):
        return None
    pyarrow.parquet.write_table(whole.take(list(range(len(whole)))[::-1]), target)
    return rows[::-1]


def _same_row(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return left.keys() == right.keys() and all(_same(value, right[name]) for name, value in left.items())


def _same(left: Any, right: Any) -> bool:
    """Return whether two values are equal, apart from what the order of summation does to numbers."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, float) and isinstance(right, int | float):
        return are_close(left, float(right), CLOSE)
    return bool(left == right)


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


CHECKS = (
    predicts,
    predict_keeps_order_and_number,
    predictions_do_not_depend_on_the_batch,
    embeds,
    predicts_the_same_from_memory,
)

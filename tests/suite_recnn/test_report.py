import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from suite_recnn import report, tagging
from suite_recnn.report import Gathered, Scored

NAMES = ("w", "top", "qcd")


def three(jets: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(jets) % 3
    return torch.randn(jets, 3, generator=generator) + torch.eye(3)[labels], labels


def gathered(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None = None, batch: int = 7) -> Scored:
    metric = Gathered()
    for begin in range(0, len(labels), batch):
        part = slice(begin, begin + batch)
        metric.update(logits[part], labels[part], None if weights is None else weights[part])
    return metric.compute()


def test_scores_are_gathered_in_double_precision() -> None:
    scored = gathered(torch.tensor([20.0, 21.0, 22.0]), torch.tensor([0.0, 1.0, 1.0]), batch=1)
    assert len(np.unique(scored.scores)) == 3  # in single precision all are 1
    assert report.aucs(scored, ())["auc"].value == 1


@pytest.mark.parametrize("columns", [slice(None), 0])
def test_what_several_processes_gathered_counts_as_what_one_did(columns) -> None:
    """torchmetrics gives every process the parts of all as one tensor, not as a list."""
    logits, labels = three()
    metric = Gathered()
    metric.update(logits[:, columns], labels, None)
    expected = gathered(logits[:, columns], labels)
    metric.logits, metric.labels, metric.weights = metric.logits[0], metric.labels[0], metric.weights[0]
    for actual, one in zip(metric.compute(), expected, strict=True):
        np.testing.assert_array_equal(actual, one)


def test_two_classes_have_an_auc_and_rejections() -> None:
    logits, labels = three()
    weights = torch.rand(60, generator=torch.Generator().manual_seed(1))
    scored = gathered(logits[:, 0], (labels == 0).float(), weights)
    measured = report.measures(scored, ("qcd", "w"))
    assert list(measured) == ["auc", "rejection_30", "rejection_50"]
    expected = tagging.auc(logits[:, 0].double().sigmoid().numpy(), (labels == 0).numpy(), weights.double().numpy())
    assert measured["auc"] == pytest.approx(expected)


def test_of_more_classes_each_has_its_auc_against_the_rest_and_auc_is_their_mean() -> None:
    measured = report.measures(gathered(*three()), NAMES)
    assert list(measured) == ["auc", "auc_w", "auc_top", "auc_qcd"]
    assert measured["auc"].value == pytest.approx(np.mean([measured[f"auc_{name}"].value for name in NAMES]))


def test_a_class_that_is_not_there_has_no_auc() -> None:
    logits, labels = three()
    some = labels != 1
    assert list(report.measures(gathered(logits[some], labels[some]), NAMES)) == ["auc", "auc_w", "auc_qcd"]
    assert report.measures(gathered(logits[labels == 1], labels[labels == 1]), NAMES) == {}


def test_the_pictures_of_more_classes_are_a_curve_for_each_and_a_confusion_matrix(tmp_path: Path) -> None:
    logits, labels = three()
    scored = gathered(logits, labels)
    report.draw(tmp_path, scored, NAMES, report.measures(scored, NAMES))
    with (tmp_path / "confusion.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["true \\ predicted", *NAMES]
    hits = (logits.argmax(dim=1) == labels).sum()
    assert sum(int(row[1 + place]) for place, row in enumerate(rows)) == hits
    with (tmp_path / "roc.csv").open(newline="", encoding="utf-8") as file:
        assert len({row["class"] for row in csv.DictReader(file)}) == 3
    assert {path.name for path in tmp_path.iterdir()} == {"confusion.csv", "confusion.png", "roc.csv", "roc.png"}


def test_two_classes_have_a_curve_and_their_scores(tmp_path: Path) -> None:
    labels = torch.arange(40) % 2
    scored = gathered(torch.linspace(-1, 1, 40) + labels, labels)
    report.draw(tmp_path, scored, ("qcd", "w"), report.measures(scored, ("qcd", "w")))
    assert {path.name for path in tmp_path.iterdir()} == {"roc.csv", "roc.png", "scores.csv", "scores.png"}
    with (tmp_path / "scores.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sum(float(row["weight_w"]) for row in rows) == 20
    with (tmp_path / "roc.csv").open(newline="", encoding="utf-8") as file:
        assert max(float(row["background_error"]) for row in csv.DictReader(file)) == (0.25 / 20) ** 0.5

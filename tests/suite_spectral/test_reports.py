"""What the verbs print."""

import pytest
import torch

from suite_spectral import reports
from suite_spectral.comparing import Answer, Comparison
from suite_spectral.point_sets import PointSet
from suite_spectral.segments import Segment


def compared(
    name: str, means: float | None, spectral: float | None, ncuts: tuple[float, float] = (0.5, 0.25)
) -> Comparison:
    labels = torch.tensor([0, 1])
    points = PointSet(name, torch.zeros(2, 3), None if means is None else labels)
    answers = [
        Answer(method, labels, ari, ari, ncut, 0.01)
        for method, ari, ncut in zip(("k-means", "spectral"), (means, spectral), ncuts, strict=True)
    ]
    return Comparison(points, 2, answers[0], answers[1], "a line")


def test_a_comparison_has_a_line_a_method() -> None:
    lines = reports.comparison_table([compared("moons", 0.25, 1.0)]).splitlines()
    assert lines[0].split() == ["set", "n", "d", "k", "method", "ARI", "NMI", "Ncut", "CPU", "s"]
    assert [line.split()[4] for line in lines[2:]] == ["k-means", "spectral"]


def test_the_verdict_names_the_sets_of_each_method() -> None:
    sets = [compared("moons", 0.2, 1.0), compared("wine", 0.9, 0.8), compared("iris", 0.7, 0.705)]
    assert reports.verdict(sets).splitlines() == [
        "spectral clustering is closer to the given classes (ARI): moons",
        "k-means is closer: wine",
        "both are within 0.01: iris",
    ]


@pytest.mark.parametrize(("ncuts", "relation"), [((0.5, 0.25), "less"), ((0.25, 0.25), "not less")])
def test_without_classes_the_cuts_are_compared(ncuts: tuple[float, float], relation: str) -> None:
    assert f"spectral clustering cuts {relation} of the graph" in reports.verdict([compared("x", None, None, ncuts)])


def test_eigenvalues_are_marked_where_they_are_the_clusters() -> None:
    lines = reports.eigenvalue_table(torch.tensor([0.0, 0.1, 0.4]), 2, 1).splitlines()
    assert lines[2].split()[-1] == "suggested"
    assert lines[3].split() == ["2", "1.0000e-01", "3.000e-01", "0.750", "1.0000e-01", "used"]
    assert lines[4].split() == ["3", "4.0000e-01", "5.0000e-01"]


def test_a_segment_has_its_colour_and_its_box() -> None:
    segment = Segment(0, 50, 0.5, (0.0, 0.5, 1.0), (0, 1, 4, 10), (2, 5))
    assert reports.segment_table([segment]).splitlines()[2].split() == ["0", "50", "0.500", "#0080ff", "0-4", "1-10"]

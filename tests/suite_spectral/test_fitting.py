"""Which way the processes of a training take, and that all are told the same."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from suite_spectral import fitting
from suite_spectral.batches import Batch, prepared
from suite_spectral.fitting import Fit
from suite_spectral.settings import Settings
from suite_spectral.solving import by_rows

MakeSettings = Callable[..., Settings]
Points = Callable[..., tuple[Tensor, Tensor]]
Together = Callable[[int, Callable[[Any], Any]], list[Any]]


def fit_of(group: Any, chosen: Settings) -> Fit:
    return Fit(group, torch.device("cpu"), chosen, 3, lambda content: prepared(content, None, None))


def batch_of(points: Tensor) -> Batch:
    return Batch(torch.arange(len(points)), points, None)


@pytest.mark.parametrize("affinity", ["nearest_neighbors", "rbf"])  # by rows, and by process 0
def test_all_processes_are_told_what_one_finds(
    affinity: str, settings: MakeSettings, arcs: Points, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_rows, "ORDERED", 300)
    asked: list[int] = []
    monkeypatch.setattr(
        fitting, "solve_by_rows", lambda *given, **more: asked.append(0) or by_rows.solve_by_rows(*given, **more)
    )
    whole, chosen = batch_of(arcs(400)[0]), settings(affinity=affinity, sigma=0.2 if affinity == "rbf" else None)
    (expected,) = together(1, lambda group: fit_of(group, chosen).of_all(whole))
    for told in together(3, lambda group: fit_of(group, chosen).of_all(whole)):
        assert told.line == expected.line
        assert told.values == pytest.approx(expected.values, rel=1e-12, abs=0, nan_ok=True)
        for name, value in expected.fitted.state().items():
            assert torch.equal(told.fitted.state()[name], value), name
    assert len(asked) == (4 if affinity == "nearest_neighbors" else 0)


def test_where_there_is_a_start_process_0_solves_from_it(
    settings: MakeSettings, arcs: Points, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_rows, "ORDERED", 300)
    whole, chosen = batch_of(arcs(400)[0]), settings(solver="multilevel")
    asked: list[int] = []

    def start(content: Any, points: Any) -> Tensor:
        asked.append(len(points))
        return torch.ones(len(points), 1)

    labels = [told.fitted.labels for told in together(2, lambda group: fit_of(group, chosen).of_all(whole, start))]
    assert asked == [400]
    assert torch.equal(labels[0], labels[1])

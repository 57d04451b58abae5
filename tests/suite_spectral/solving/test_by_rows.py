"""Points that are clustered by rows of their graph: the same for any number of processes, and as with all of W."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters import cuts as cuts_module
from suite_spectral.eigen import hierarchy as hierarchy_module
from suite_spectral.settings import Settings
from suite_spectral.shares import spectrum as spectrum_module
from suite_spectral.shares.group import Group
from suite_spectral.solving import by_rows as by_rows_module
from suite_spectral.solving.by_rows import is_by_rows, solve_by_rows
from suite_spectral.solving.routes import solve
from suite_spectral.solving.solution import Solution

MakeSettings = Callable[..., Settings]
Points = Callable[..., tuple[Tensor, Tensor]]
Agreement = Callable[[Tensor, Tensor], float]
Together = Callable[[int, Callable[[Any], Any]], list[Any]]
CPU = torch.device("cpu")


def with_loose_ones(points: Tensor) -> Tensor:
    far = torch.rand(9, points.shape[1], dtype=points.dtype, generator=torch.Generator().manual_seed(7)) / 10
    return torch.cat([points[:500], far + 20, points[500:]])


def with_equal_ones(points: Tensor) -> Tensor:
    points = points.clone()
    points[::40] = points[3]  # more of them than a point has neighbours
    return points


CASES: dict[str, tuple[Callable[[Tensor], Tensor], dict[str, Any]]] = {
    "connectivity": (lambda points: points, {}),
    "float32": (lambda points: points.float(), {"rows": "njw"}),
    "gaussian": (lambda points: points, {"weights": "gaussian", "mutual": "either"}),
    "a sigma": (lambda points: points, {"weights": "gaussian", "sigma": 0.2}),
    "self-tuning": (lambda points: points, {"weights": "self-tuning", "rows": "plain", "mutual": "both"}),
    "a loose component": (with_loose_ones, {}),
    "equal points": (with_equal_ones, {}),
    "more vectors": (lambda points: points, {"n_components": 4}),
    "a number of clusters by the gap": (lambda points: points, {"n_clusters": None, "max_clusters": 5}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("least", [200, 20_000], ids=["in shares", "by process 0"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_any_number_of_processes_fits_the_same_bits(
    case: str, least: int, settings: MakeSettings, arcs: Points, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spectrum_module, "ORDERED", least)
    monkeypatch.setattr(hierarchy_module, "COARSEST", 20)  # so that a level lies between
    make, changes = CASES[case]
    points, chosen = make(arcs(1200)[0]), settings(**changes)
    (expected,) = together(1, lambda group: solve_by_rows(points, chosen, group, seed=3))
    for size in (2, 3, 4):
        found: list[Solution] = together(size, lambda group: solve_by_rows(points, chosen, group, seed=3))
        for solution in found:
            assert solution.line == expected.line
            assert solution.clustering.ncut == expected.clustering.ncut
            state = solution.fitted.state()
            assert state.keys() == expected.fitted.state().keys()
            for name, value in expected.fitted.state().items():
                assert torch.equal(state[name], value), name


@pytest.mark.parametrize("case", [case for case in CASES if case != "more vectors"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_clusters_are_those_of_the_route_with_all_of_the_graph(
    case: str, settings: MakeSettings, arcs: Points
) -> None:
    make, changes = CASES[case]
    points, chosen = make(arcs(1200)[0]), settings(**changes)
    expected, found = solve(points, chosen, seed=3), solve_by_rows(points, chosen, Group(), seed=3)
    # Of five clusters, where there are two, a point in a thousand may be on the other side.
    within, agreement = (0.1, 0.99) if chosen.n_clusters is None else (1e-6, 1)
    assert found.clustering.ncut == pytest.approx(expected.clustering.ncut, rel=within, abs=1e-12)
    assert adjusted_rand_score(found.fitted.labels, expected.fitted.labels) >= agreement
    assert found.fitted.chosen == pytest.approx(expected.fitted.chosen)
    assert found.fitted.state().keys() == expected.fitted.state().keys()
    for name, value in expected.fitted.state().items():
        assert found.fitted.state()[name].shape == value.shape, name
        assert found.fitted.state()[name].dtype == value.dtype, name
    assert found.line.partition("; solver")[0] == expected.line.partition("; solver")[0]
    new = points[:300] + 1e-3
    assert adjusted_rand_score(found.fitted.assign(new), expected.fitted.assign(new)) >= agreement
    assert torch.equal(found.fitted.assign(points), found.fitted.labels)


def test_equal_points_are_together(settings: MakeSettings, arcs: Points, together: Together) -> None:
    points = arcs(1200, seed=1)[0]
    points = torch.cat([points, points[:600]])
    for solution in together(2, lambda group: solve_by_rows(points, settings(), group)):
        assert torch.equal(solution.fitted.labels[1200:], solution.fitted.labels[:600])


def test_fewer_distinct_points_than_clusters_make_fewer_clusters(settings: MakeSettings, together: Together) -> None:
    points = torch.tensor([[0.0], [1.0], [9.0]]).repeat(70, 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = together(2, lambda group: solve_by_rows(points, settings(n_clusters=5), group))
    assert [solution.fitted.n_clusters for solution in found] == [3, 3]
    assert len([warning for warning in caught if "only 3 of 210 points differ" in str(warning.message)]) == 1


def test_a_graph_in_more_components_than_clusters_is_told_once(
    settings: MakeSettings, arcs: Points, together: Together
) -> None:
    points = torch.cat([arcs(400)[0] + shift for shift in (0, 50, 100)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        together(2, lambda group: solve_by_rows(points, settings(), group))
    said = [str(warning.message) for warning in caught]
    assert len([words for words in said if "fallen into 9 components" in words]) == 1, said


def test_where_memory_does_not_suffice_for_one_process_all_refuse(
    settings: MakeSettings, arcs: Points, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suite_spectral.solving.memory.free_memory", lambda: 1000)

    def refused(group: Any) -> str:
        with pytest.raises(UsageError) as caught:
            solve_by_rows(arcs(300)[0], settings(), group)
        return str(caught.value)

    for words in together(3, refused):
        assert "300 points need at least" in words
        assert "take route 'landmarks'" in words


def test_machines_count_the_processes_of_their_own(
    settings: MakeSettings, arcs: Points, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    names = iter(["here", "there", "here"])
    monkeypatch.setattr(by_rows_module, "refuse_beyond_memory", lambda *given: asked.append(given[-1]))
    monkeypatch.setattr(by_rows_module.socket, "gethostname", lambda: next(names))
    together(3, lambda group: solve_by_rows(arcs(300)[0], settings(), group))
    assert sorted(asked) == pytest.approx([1 / 3, 2 / 3, 2 / 3])


def test_clusters_that_do_not_fit_into_one_block_are_cut_in_as_many_steps_by_all(
    settings: MakeSettings, arcs: Points, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 1,216 points three processes hold 380, 418 and 418: with 1,254 numbers a step these would take 1 and 2."""
    points, chosen = arcs(1216)[0], settings(n_clusters=3)
    expected = together(1, lambda group: solve_by_rows(points, chosen, group))[0].clustering.ncut
    monkeypatch.setattr(cuts_module, "BLOCK_VALUES", 3 * 418 - 1)
    for solution in together(3, lambda group: solve_by_rows(points, chosen, group)):
        assert solution.clustering.ncut == pytest.approx(expected, rel=1e-12)


def test_which_points_are_clustered_by_rows(settings: MakeSettings) -> None:
    points = torch.zeros(20_000, 2)
    assert is_by_rows(points, settings(), CPU)
    assert is_by_rows(points, settings(solver="multilevel", weights="gaussian", n_clusters=None), CPU)
    others: dict[str, Any] = {
        "route": "landmarks",
        "affinity": "rbf",
        "assign": "sign",
        "refine": "ncut",
        "regularisation": 1.0,
        "n_neighbors": None,
        "solver": "lobpcg",
        "search": "blocked",
    }
    for name, value in others.items():
        assert not is_by_rows(points, settings(**{name: value}), CPU), name
    assert not is_by_rows(points[1:], settings(), CPU)
    assert not is_by_rows(torch.zeros(20_000, 8), settings(), CPU)
    assert not is_by_rows(points.to_sparse_csr(), settings(), CPU)
    assert not is_by_rows(["words"] * 20_000, settings(), CPU)
    assert not is_by_rows(points, settings(), torch.device("cuda"))

"""What parameters of scikit-learn's estimators come to."""

from typing import Any

import pytest

from suite_spectral.estimator import SpectralClustering
from suite_spectral.estimator_settings import EXACT, settings_of, solver_of, tolerance_of, with_present_names


def settings(kind: str = "nearest_neighbors", stored: bool = True, **parameters: Any) -> Any:
    return settings_of(SpectralClustering(**parameters).get_params(), kind, stored=stored)


def test_amg_is_ours_where_the_edges_are_stored() -> None:
    solvers = [settings(eigen_solver="amg", stored=stored).solver for stored in (True, False)]
    assert solvers == ["multilevel", "auto"]
    assert (solver_of(None, stored=True), solver_of("arpack", stored=True)) == ("auto", "arpack")


def test_the_tolerance_is_ours_by_itself_and_never_0() -> None:
    assert settings().tolerance is None
    assert [tolerance_of(value, 0.1) for value in ("auto", None, 0, 0.5)] == [0.1, 0.1, EXACT, 0.5]


def test_gamma_counts_where_something_is_gaussian() -> None:
    assert settings(gamma=2.0).sigma is None
    assert settings(gamma=2.0, weights="gaussian").sigma == 0.5
    assert settings("rbf", gamma=2.0).sigma == 0.5


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("n_jobs", 0, "a whole number other than 0, or None, got 0"),
        ("kernel_params", 1, "a dict, or None, got 1"),
        ("degree", -1, "a number of 0 or more, got -1"),
        ("verbose", "no", "got 'no'"),
        ("affinity", "lineer", "got 'lineer'. Did you mean 'linear'"),
    ],
)
def test_what_no_setting_is_has_its_range_too(name: str, value: Any, expected: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected .*{expected}"):
        settings(**{name: value})


def test_present_names_leave_nothing_of_the_old() -> None:
    assert "largest" not in with_present_names(SpectralClustering().get_params())

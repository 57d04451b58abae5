"""The parameters of scikit-learn's estimators as settings: other names, other values, and names of the last release."""

import warnings
from collections.abc import Mapping
from numbers import Integral
from typing import Any, Literal

from lightning_suite.constraints import Choice, Condition, Interval, check
from lightning_suite.setting import constraints_of
from suite_spectral.estimator_graphs import KERNELS
from suite_spectral.settings import POSITIVE, Settings, Solver

OfPoints = Literal["nearest_neighbors", "rbf", "self-tuning", "cosine", "precomputed", "precomputed_nearest_neighbors"]

NAMES = {"assign_labels": "assign", "eigen_solver": "solver", "eigen_tol": "tolerance"}
"""Parameters that scikit-learn calls otherwise than ``Settings``."""

RENAMED = {"largest": "max_clusters", "memory": "memory_gib"}
"""Parameters of the last release, which give way to others."""

EXACT = 1e-6
"""The tolerance of eigen_tol 0. What float64 allows is about a millionth of the gap where the gap is 1e-6 or so."""

OTHER_VALUES: dict[str, list[Any]] = {
    "affinity": [OfPoints, Choice(KERNELS), Condition("a function of two points", callable)],
    "gamma": [POSITIVE, None],
    "degree": [Interval(float, 0)],
    "coef0": [float],
    "kernel_params": [Condition("a dict", lambda value: isinstance(value, dict)), None],
    "n_jobs": [Condition("a whole number other than 0", lambda value: value == int(value) != 0), None],
    "verbose": [bool, Interval(int, 0)],
    "eigen_solver": [Solver, Literal["amg"], None],
    "eigen_tol": [Interval(float, 0), Literal["auto"], None],
}
"""What parameters may be that are no settings, or that scikit-learn gives other values."""

_OF_SETTINGS = constraints_of(Settings)


def settings_of(parameters: Mapping[str, Any], affinity: str, *, stored: bool) -> Settings:
    """Return the settings that parameters of an estimator mean.

    Args:
        parameters: by name; those that are no settings are checked if they are among ``OTHER_VALUES``.
        affinity: the affinity of ours that they come to.
        stored: whether the graph stores its edges, for which alone there is the solver that amg means.

    Raises:
        ValueError: a parameter is not what it may be, or two contradict each other.

    Warns:
        FutureWarning: a parameter has the name of the last release.
    """
    values = with_present_names(parameters)
    constraints = {
        name: _OF_SETTINGS[NAMES.get(name, name)] for name in values if NAMES.get(name, name) in _OF_SETTINGS
    }
    check(
        constraints | {name: allowed for name, allowed in OTHER_VALUES.items() if name in values},
        values,
        error=ValueError,
    )
    if values.get("gamma") is not None:
        if values["sigma"] is not None:
            raise ValueError("give gamma or sigma, not both: gamma = 1 / (2 sigma^2)")
        if affinity == "rbf" or values["weights"] == "gaussian":  # else it has no effect, as in scikit-learn
            values["sigma"] = (2 * values["gamma"]) ** -0.5
    values["affinity"] = affinity
    values["eigen_solver"] = solver_of(values["eigen_solver"], stored=stored)
    values["eigen_tol"] = tolerance_of(values["eigen_tol"], None)
    # Whole numbers of numpy wrap around or are not written to a checkpoint.
    whole = {name: int(values[name]) for name in constraints if isinstance(values[name], Integral)}
    return Settings(**{NAMES.get(name, name): whole.get(name, values[name]) for name in constraints})


def solver_of(eigen_solver: Any, *, stored: bool) -> Any:
    """Return the solver that is meant: None is auto, and amg ours, multilevel, where the graph stores its edges."""
    return {None: "auto", "amg": "multilevel" if stored else "auto"}.get(eigen_solver, eigen_solver)


def tolerance_of(eigen_tol: Any, automatic: Any) -> Any:
    """Return the tolerance that is meant, ``automatic`` for auto and None; 0 means ``EXACT``."""
    return automatic if eigen_tol in (None, "auto") else eigen_tol or EXACT


def with_present_names(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters by their present names, with a FutureWarning for each old one that is given."""
    values = dict(parameters)
    for old, new in RENAMED.items():
        value = values.pop(old, "deprecated")
        if not (isinstance(value, str) and value == "deprecated"):
            warnings.warn(f"{old} is called {new} now; the old name ends with the next release", FutureWarning, 2)
            values[new] = value
    if values["route"] == "better":
        warnings.warn(
            "route 'better' is called 'best_of' now; the old name ends with the next release", FutureWarning, 2
        )
        values["route"] = "best_of"
    return values

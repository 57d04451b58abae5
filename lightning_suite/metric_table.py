"""The table of a run's metrics: those of the test first, each with its error, and with the number of the recipe."""

from collections.abc import Mapping
from types import MappingProxyType

from lightning_suite.tables import number, table

ERROR = "_error"
"""How the name of the error of a metric ends."""


def metric_table(metrics: Mapping[str, float], expected: Mapping[str, float] = MappingProxyType({})) -> str:
    """Return the table of metrics, with columns for errors and expected values where there are any.

    Example:
        >>> print(metric_table({"val_auc": 0.9, "test_auc": 0.91, "test_auc_error": 0.01}))
        metric     value  error
        --------  ------  --------
        test_auc  0.9100  ± 0.0100
        val_auc   0.9000
    """
    columns = metric_columns(metrics, expected)
    return table([*columns], list(zip(*columns.values(), strict=True)))


def metric_columns(
    metrics: Mapping[str, float], expected: Mapping[str, float] = MappingProxyType({})
) -> dict[str, list[str]]:
    """Return the columns of the table by their titles, those that are empty left out."""
    errors = {name: metrics[f"{name}{ERROR}"] for name in metrics if f"{name}{ERROR}" in metrics}
    names = metrics.keys() - {f"{name}{ERROR}" for name in errors}
    columns: dict[str, list[str]] = {"metric": [], "value": [], "error": [], "expected": []}
    for name in sorted(names, key=lambda name: (not name.startswith("test"), name)):
        columns["metric"].append(name)
        columns["value"].append(number(metrics[name]))
        columns["error"].append(f"± {number(errors[name])}" if name in errors else "")
        columns["expected"].append(number(expected[name]) if name in expected else "")
    return {title: cells for title, cells in columns.items() if title in ("metric", "value") or any(cells)}

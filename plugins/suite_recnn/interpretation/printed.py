"""What the paper prints of three tasks, read from the tables that the plugin declares (``reproductions/``)."""

from collections.abc import Collection, Mapping

from lightning_suite.reproduction.declared import table_of
from suite_recnn import plugin

TASKS = {
    frozenset({"w", "qcd"}): ("W/QCD", "W/QCD"),
    frozenset({"top", "qcd"}): ("Top/QCD", "Top/QCD"),
    frozenset({"quark", "gluon"}): ("quark/gluon", "q/g"),
}
"""The paper's tasks by their classes: their columns of Table 1, and what Table 2 calls them."""


def r2_of_table_1(classes: Collection[str]) -> Mapping[str, float | None]:
    """Return R^2 from the paper's embedding by observable; empty for another task than the paper's.

    Args:
        classes: of the task, in any order and case.

    Example:
        >>> r2_of_table_1(["qcd", "top"])["width"]
        0.82
    """
    column, _ = TASKS.get(_named(classes), ("", ""))
    return {cell.where["observable"]: cell.paper for cell in table_of(plugin, "table-1").cells if cell.column == column}


def auc_of_table_2(source: Collection[str], target: Collection[str]) -> tuple[float, float] | None:
    """Return the AUC of a task and that of another task's embedding on it; None for other tasks than the paper's.

    Args:
        source: the classes of the task that the embedding comes from.
        target: the classes of the task that it is used on.

    Example:
        >>> auc_of_table_2(["qcd", "w"], ["gluon", "quark"])
        (0.861, 0.763)
    """
    (_, first), (_, second) = (TASKS.get(_named(classes), ("", "")) for classes in (source, target))
    found = {cell.column: cell.paper for cell in table_of(plugin, "table-2").cells if cell.row == f"{first} → {second}"}
    base, transferred = found.get("Base AUC"), found.get("Transfer AUC")
    return None if base is None or transferred is None else (base, transferred)


def _named(classes: Collection[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in classes)

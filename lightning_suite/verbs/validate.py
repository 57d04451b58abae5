"""Measures a run on its validation data."""

from lightning_suite.verbs.test import measure


def run(arguments: list[str]) -> int:
    """Print the metrics of a run's checkpoint on its validation data; return 0."""
    return measure("validate", arguments, __doc__)

"""Measures a run on its validation data.

suite validate RUN [--data.x 1 --trainer.y 2]
"""

from lightning_suite.verbs.test import measure


def run(arguments: list[str]) -> int:
    """Prints the metrics of a run's checkpoint on its validation data."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    return measure("validate", arguments)

"""How OpenMP's threads wait for each other.

A thread that has done its share of a product spins for 300,000 rounds, some milliseconds, before it sleeps. Where
another program has its core meanwhile, each of a step's hundred products waits that long: beside eight busy programs on
two cores two threads took 353 s for what one did in 19 s, and 22 s when they sleep at once.
"""

import os
import sys

CHOSEN_BY = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""Environment variables by which a user has chosen already."""


def sleep_while_waiting() -> None:
    """Let threads sleep while they wait, unless the user has chosen, or torch, which reads this once, is loaded."""
    if "torch" not in sys.modules and not any(name in os.environ for name in CHOSEN_BY):
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

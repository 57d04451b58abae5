"""What the programs of the promises share: how many trials, and the row of the table that says how many held.

``pytest tests/trust`` runs them at a small size, ``make trust`` at full size (LIGHTNING_SUITE_TRUST=full), where each
row is also written to build/trust/, from which benchmarks/trust.py makes the table.
"""

import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

ROWS = Path(__file__).resolve().parent.parent.parent / "build" / "trust"
PROMISES = ["Kill", "Writes", "Signals", "Surroundings", "Untrusted", "Zoo", "Broken", "Fuzz", "Processes", "Frozen"]
"""The order of the table, as in benchmarks/trust.py."""


class Trust:
    """The size of a test's trials, its random choices, and its rows.

    Attributes:
        seed: of the random choices; LIGHTNING_SUITE_TRUST_SEED repeats one.
        random: makes the random choices.
    """

    def __init__(self) -> None:
        self.is_full = os.environ.get("LIGHTNING_SUITE_TRUST") == "full"
        self.seed = int(os.environ.get("LIGHTNING_SUITE_TRUST_SEED", "0"))
        self.random = random.Random(self.seed)
        self._began = time.monotonic()

    def size(self, *, small: int, full: int) -> int:
        """Return how many trials to make."""
        return full if self.is_full else small

    def outcome(
        self, promise: str, what: str, *, trials: int, held: int, note: str = "", failures: Sequence[str] = ()
    ) -> None:
        """Write a row of the table, and fail unless the promise held in all trials.

        Args:
            promise: one of PROMISES.
            what: what was tried, as the table shows it.
            trials: how often.
            held: in how many of them the promise held.
            note: what else the table says.
            failures: what was seen in the others, for the message.
        """
        assert promise in PROMISES, f"{promise!r} is none of {', '.join(PROMISES)}"
        assert trials > 0, f"{promise}: {what}: nothing was tried"
        seconds = round(time.monotonic() - self._began, 1)
        row = {"promise": promise, "what": what, "trials": trials, "held": held, "note": note, "seconds": seconds}
        if self.is_full:
            ROWS.mkdir(parents=True, exist_ok=True)
            with (ROWS / f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        seen = "\n\n".join(["", *failures])
        assert held == trials, f"{promise}: {what}: held {held} of {trials} times (seed {self.seed}). {note}{seen}"


@pytest.fixture
def trust() -> Trust:
    """How many trials a test makes, its random choices, and the rows of the table that it writes."""
    return Trust()


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled failing_writes.c, to be preloaded."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler to make the library that lets writes fail")
    source = Path(__file__).with_name("failing_writes.c")
    made = tmp_path_factory.mktemp("library") / "failing_writes.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(made), str(source), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the library that lets writes fail was not compiled: {done.stderr[:300]}")
    return made

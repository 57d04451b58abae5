"""Kernels with vectors of their own are right for every instruction set that this machine has, not for its best alone.

The tests of their ops are run again, each time in a process of its own, which takes a lesser set.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OPS = ROOT / "tests" / "lightning_suite" / "ops"
TREES = "(recursion or precision) and not reference"
ROUTING = "algorithm or precision or threads_changes or leaky or no_number"
KERNELS = {  # the file of an op's tests, and which of them
    "tree_embedding": ("test__trees.py", f"{TREES} and not gated"),
    "gated_tree_embedding": ("test__trees.py", f"{TREES} and gated"),
    "ragged_attention": ("test_ragged_attention.py", "(number_by_number or any_batch or precision) and not reference"),
    "ragged_segments": ("test__segments.py", "(number_by_number or any_batch or precision) and not reference"),
    "dsa_routing": ("test_dsa_routing.py", f"({ROUTING}) and not reference"),
}
SETS = ["baseline", "x86-64-v3", "x86-64-v4"]

TAKEN = "import torch; from lightning_suite import _C; print(_C.instruction_set())"


def run(most: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs Python with sets up to this one."""
    environment = os.environ | {"LIGHTNING_SUITE_INSTRUCTION_SET": most}
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def best() -> str:
    done = run("", "-c", TAKEN)
    if done.returncode != 0:
        pytest.skip(f"there is no compiled form here: {done.stderr[-200:]}")
    return done.stdout.strip()


@pytest.mark.parametrize("instructions", SETS)
def test_a_set_that_is_named_is_taken_if_the_machine_has_it(instructions: str, best: str) -> None:
    assert run(instructions, "-c", TAKEN).stdout.strip() == min(instructions, best, key=SETS.index)


@pytest.mark.parametrize("op", KERNELS)
@pytest.mark.parametrize("instructions", SETS[:-1])
def test_kernels_are_right_for_lesser_sets(instructions: str, op: str, best: str) -> None:
    if SETS.index(instructions) >= SETS.index(best):
        pytest.skip(f"the best set of this machine is {best}: the tests of the ops use it, or none")
    file, chosen = KERNELS[op]
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, str(OPS / file)]
    done = run(instructions, *words)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lightning_suite.errors import UsageError
from suite_spectral.shares.group import Group

BOTH = """
import sys
import time
from datetime import timedelta

import torch
from lightning_suite.errors import UsageError
from suite_spectral.shares import group as module
from suite_spectral.shares.group import Group

folder, rank = sys.argv[1], int(sys.argv[2])  # they meet in files: a free port may be taken before they meet at it
torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/one", rank=rank, world_size=2)
group = Group(torch.distributed.get_rank(), 2)
assert group.gathered({"rank": group.rank}) == [{"rank": 0}, {"rank": 1}]
assert group.first_says(lambda: group.rank + 5) == 5
asked = []


def part():
    asked.append(group.handed((lambda rank: {"for": rank}) if group.rank == 0 else None))
    rows = group.swapped([torch.full((1 + group.rank, 2), 10.0 * group.rank + other) for other in range(2)], [1, 2])
    assert rows.tolist() == [[group.rank] * 2, [10 + group.rank] * 2, [10 + group.rank] * 2]
    assert len(group.swapped([torch.zeros(0, 2)] * 2, [0, 0])) == 0


def asking():
    for _ in range(2):
        with group.asked():
            part()
    return "both"


assert group.first_says(asking, part) == "both"
assert asked == [{"for": group.rank}] * 2
try:
    group.first_says(lambda: [][group.rank])
except (IndexError, UsageError) as error:
    print(type(error).__name__, error)
torch.distributed.destroy_process_group()

# No exchange may last longer than four seconds, and process 0 computes for seven.
more = {"init_method": f"file://{folder}/two", "rank": rank, "world_size": 2}
torch.distributed.init_process_group("gloo", timeout=timedelta(seconds=4), **more)
module.HEARTBEAT = 0.5
assert group.first_says(lambda: time.sleep(7) or "at last") == "at last"
torch.distributed.destroy_process_group()

# Process 1 waits for an exchange of its part, and not for the end of what process 0 does.
more["init_method"] = f"file://{folder}/three"
torch.distributed.init_process_group("gloo", timeout=timedelta(seconds=60), **more)


def failing():
    with group.asked():
        time.sleep(1)
        raise ValueError("within a part")


try:
    group.first_says(failing, lambda: group.gathered(0))
except Exception as error:
    print(type(error).__name__)
"""


def test_a_process_alone_hears_itself() -> None:
    assert Group().gathered(3) == [3]
    assert Group().first_says(lambda: 4) == 4
    assert Group().handed(lambda rank: rank) == 0
    assert Group().swapped([torch.ones(2, 1)], [2]).tolist() == [[1], [1]]


def test_an_error_of_a_process_alone_is_its_own() -> None:
    with pytest.raises(UsageError, match="no 7"):
        Group().first_says(lambda: (_ for _ in ()).throw(UsageError("no 7")))


def test_two_processes_hear_the_same_and_an_error_of_the_first_is_told_to_the_other(tmp_path: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", BOTH, str(tmp_path), f"{rank}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    answers = [process.communicate(timeout=100) for process in started]
    assert [process.returncode for process in started] == [0, 0], answers
    first = ["IndexError list index out of range", "ValueError"]
    second = ["UsageError list index out of range", "RuntimeError"]  # of the connection that process 0 has left
    assert [output.splitlines() for output, _ in answers] == [first, second]

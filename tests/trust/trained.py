"""Trainings of every plugin that the promises are tried on: how they are started, watched and compared.

Each is of its recipe for ``suite check``, with some epochs and a checkpoint every few steps, in two seconds of CPU.
"""

import json
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from forked import Answer, Started, start_suite

THIRD_PARTY = Path(__file__).resolve().parent.parent.parent / "examples" / "third_party" / "src"
PLUGINS = {"dsa": 6, "recnn": 4, "tweets": 6, "spectral": 4, "digit_sums": 5}
"""Epochs of each plugin; the last one is the third-party example."""

TWO_PROCESSES = ["--trainer.devices=2", "--trainer.strategy=ddp"]


def typed(plugin: str, *more: str, epochs: int | None = None) -> list[str]:
    """Return what is typed to train a plugin."""
    name = "digit_sums:plugin" if plugin == "digit_sums" else plugin
    common = ["--recipe=check", "--checkpoint_every=4", "--trainer.accelerator=cpu"]
    return ["fit", f"--plugin={name}", f"--trainer.max_epochs={epochs or PLUGINS[plugin]}", *common, *more]


class Job:
    """The processes of one training, as ``torchrun`` starts them: each knows its rank."""

    def __init__(self, arguments: list[str], cwd: Path, ranks: int = 1) -> None:
        port = _free_port() if ranks > 1 else 0
        path = os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(THIRD_PARTY)]).strip(os.pathsep)
        self.ranks: list[Started] = []
        for rank in range(ranks):
            env = {"PYTHONPATH": path}
            if ranks > 1:
                env |= {"LOCAL_RANK": f"{rank}", "WORLD_SIZE": f"{ranks}", "NODE_RANK": "0"}
                env |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": f"{port}"}
            self.ranks.append(start_suite(arguments, cwd=cwd, env=env))

    @property
    def is_running(self) -> bool:
        """Whether its first process has not ended."""
        return self.ranks[0].is_running

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of the first thread of its first process, to a microsecond; 0 when that has ended."""
        with suppress(FileNotFoundError, ProcessLookupError):
            return int(Path(f"/proc/{self.ranks[0].pid}/schedstat").read_text().split()[0]) / 1e9
        return 0.0

    def until(self, condition: Callable[[], Any], timeout: float = 60) -> None:
        """Return when a function returns something true; fail when the first process ends before."""
        end = time.monotonic() + timeout
        while not condition():
            assert self.is_running, self.ranks[0].wait()
            assert time.monotonic() < end, f"not within {timeout:.0f} s: {self.ranks[0].output}"
            time.sleep(0.005)

    def end(self, grace: float = 10) -> None:
        """Kill those that outlive another, as ``torchrun`` does: they may wait until the time of a collective is up."""
        end = time.monotonic() + grace
        while any(rank.is_running for rank in self.ranks) and time.monotonic() < end:
            time.sleep(0.05)
        for rank in self.ranks:
            rank.kill()
        self.wait()

    def wait(self, timeout: float = 120) -> list[Answer]:
        """Return the answers of its processes."""
        return [rank.wait(timeout) for rank in self.ranks]


def run_in(folder: Path) -> Path | None:
    """Return the only run below a folder, or None where no training has begun."""
    runs = [path for path in folder.glob("runs/*/*") if (path / "config.yaml").is_file()]
    assert len(runs) < 2, f"one run was begun, there are {len(runs)}: {runs}"
    return runs[0] if runs else None


def stage_of(run: Path | None) -> str:
    """Return how far a run has come."""
    if run is None:
        return "start"
    record: dict[str, Any] = {}
    with suppress(FileNotFoundError):
        record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    if record.get("status") in {"trained", "finished"}:
        return "tested" if record["status"] == "finished" else "test"
    return "training" if (run / "checkpoints" / "last.ckpt").is_file() else "start"


def differences(expected: Path, run: Path) -> list[str]:
    """Return where a run differs from another in what it computed, bit for bit; times, versions and its path may."""
    import torch

    def contents(name: str) -> list[Any]:
        both = [torch.load(each / "checkpoints" / name, weights_only=True) for each in (expected, run)]
        for checkpoint in both:
            del checkpoint["lightning_suite"]["versions"]
        return both

    def record(each: Path) -> dict[str, Any]:
        whole = json.loads((each / "run.json").read_text(encoding="utf-8"))
        names = ("status", "epochs", "steps", "best", "metrics", "evaluations", "data_fingerprint", "seed", "plugin")
        return {name: whole.get(name) for name in names}

    def written(each: Path) -> list[str]:
        return sorted(f"{path.relative_to(each)}" for path in each.rglob("*") if path.is_file())

    found = [at for name in ("last.ckpt", "best.ckpt") for at in unequal(*contents(name), name)]
    found += unequal(record(expected), record(run), "run.json")
    found += unequal(written(expected), written(run), "files")
    for path in expected.rglob("*"):
        if path.suffix in {".csv", ".png", ".txt"} and (run / (inside := path.relative_to(expected))).is_file():
            found += [f"{inside}"] if path.read_bytes() != (run / inside).read_bytes() else []
    return found


def unequal(left: Any, right: Any, path: str) -> list[str]:
    """Return where two nested values are not the same bit for bit."""
    import torch

    if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
        return [at for key in left for at in unequal(left[key], right[key], f"{path}/{key}")]
    if isinstance(left, list | tuple) and isinstance(right, list | tuple) and len(left) == len(right):
        pairs = enumerate(zip(left, right, strict=True))
        return [at for i, (one, other) in pairs for at in unequal(one, other, f"{path}/{i}")]
    if isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor):
        return [] if left.dtype == right.dtype and torch.equal(left, right) else [path]
    same = left == right or (left != left and right != right)  # NaN
    return [] if same else [f"{path}: {left!r:.100} is not {right!r:.100}"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

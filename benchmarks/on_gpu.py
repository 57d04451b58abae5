"""Tries the ops on this machine's NVIDIA GPU, and measures them there: one call, under eight minutes from a clone.

    pip install torch && pip install -e ".[all,dev]"     # anything with a GPU's driver and nvcc; builds for the GPU
    python -m benchmarks.on_gpu [--seconds 460] [--out FILE]

Stages, each with its share of the time, none of which stops the others: what the machine is; a build with CUDA, if the
installed one has none; the tests of the ops on the device; compute-sanitizer over the ops' own self-test; each op
beside its reference, eager and by torch.compile, with the bandwidth of a copy measured in the same call; and a training
step of each plugin. The JSON is written after each stage, so that nothing is lost. ``--cpu`` rehearses every stage
without a GPU: what would be launched is said, and the ops are timed on the CPU.
"""

import argparse
import importlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks._record import RESULTS
from lightning_suite import ops
from lightning_suite.files import write_text
from lightning_suite.plugins import find
from lightning_suite.run import machine, versions

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 20


class Trial:
    """A call of this script: the device, the time that is left, and what was found.

    Args:
        device: "cuda", or "cpu" for a rehearsal.
        seconds: for everything.
        out: the file of the results.
    """

    def __init__(self, device: str, seconds: float, out: Path) -> None:
        self.device, self.out = torch.device(device), out
        self.rehearsal = device == "cpu"
        self.end = time.monotonic() + seconds
        self.results: dict[str, Any] = {"rehearsal": self.rehearsal, "stages": {}}

    def left(self) -> float:
        """Return the seconds that are left."""
        return max(0.0, self.end - time.monotonic())

    def run(self, words: Sequence[str], share: float, **environment: str) -> dict[str, Any]:
        """Run a program for at most a share of the time that is left; return how it ended and its last lines."""
        command = " ".join(words)
        if self.rehearsal:
            return {"would run": command, "there": shutil.which(words[0]) is not None}
        try:
            done = subprocess.run(
                words,
                cwd=ROOT,
                env=os.environ | environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=share * self.left(),
                check=False,
            )
        except (subprocess.TimeoutExpired, OSError) as error:
            return {"command": command, "ok": False, "said": [str(error)[-400:]]}
        return {"command": command, "ok": done.returncode == 0, "said": done.stdout.splitlines()[-12:]}

    def stage(self, name: str, work: Callable[["Trial"], dict[str, Any]]) -> None:
        """Do a stage, whatever it raises, and write the results down."""
        print(f"{name} ({self.left():.0f} s left)", file=sys.stderr, flush=True)
        begin = time.monotonic()
        try:
            found = work(self)
        except Exception as error:  # the other stages are worth as much
            found = {"ok": False, "error": f"{type(error).__name__}: {error}"[:600]}
        self.results["stages"][name] = {"seconds": round(time.monotonic() - begin, 1), **found}
        write_text(self.out, json.dumps(self.results, indent=2) + "\n")


def look(trial: Trial) -> dict[str, Any]:
    """Return what the machine is."""
    found: dict[str, Any] = {"machine": machine(), "versions": versions(), "ops": ops.implementations()}
    if not trial.rehearsal:
        properties = torch.cuda.get_device_properties(0)
        found |= {"device": properties.name, "multiprocessors": properties.multi_processor_count}
    return found


def build(trial: Trial) -> dict[str, Any]:
    """Build for the GPU where the installed ops are for the CPU alone."""
    if "CUDA" in next(iter(ops.implementations().values())) and not trial.rehearsal:
        return {"ok": True, "already": True}
    words = [sys.executable, "setup.py", "build_ext", "--inplace"]
    return trial.run(words, 0.5, SUITE_CUDA="1", LIGHTNING_SUITE_REQUIRE_OPS="1")


def test(trial: Trial) -> dict[str, Any]:
    """Run the tests of the ops that take a device."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "cuda", "tests/lightning_suite/ops"]
    return trial.run(words, 0.4, LIGHTNING_SUITE_REQUIRE_OPS="1")


def sanitize(trial: Trial) -> dict[str, Any]:
    """Run the ops' self-test under compute-sanitizer, which stops at a wrong address."""
    words = ["compute-sanitizer", "--error-exitcode", "9", sys.executable, "-m", "lightning_suite.ops._self_test"]
    return trial.run(words, 0.4)


def milliseconds(step: Callable[[], object], device: torch.device, repeats: int = REPEATS) -> float:
    """Return the median time of a step, after one to warm up."""
    times = []
    for _ in range(repeats + 1):
        if device.type == "cuda":
            torch.cuda.synchronize()
        begin = time.perf_counter()
        step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(1e3 * (time.perf_counter() - begin))
    return round(statistics.median(times[1:]), 4)


def measure(trial: Trial) -> dict[str, Any]:
    """Return milliseconds of each op, forward and both ways, beside its reference, eager and by torch.compile."""
    repeats = 1 if trial.rehearsal else REPEATS
    large = torch.empty(2**20 if trial.rehearsal else 2**28, device=trial.device)
    target = torch.empty_like(large)
    copied = milliseconds(lambda: target.copy_(large), trial.device, repeats)
    found: dict[str, Any] = {"copy_gigabytes_a_second": round(2 * large.nbytes / copied / 1e6, 1), "milliseconds": {}}
    for name in ops.names():
        module = importlib.import_module(f"lightning_suite.ops.{name}")
        first, *others = module.example(trial.device)

        def reference(*given: Any, module: Any = module) -> Tensor:
            value = module.reference(*given)
            return value if isinstance(value, Tensor) else value[0]

        forms: dict[str, Callable[..., Tensor]] = {name: getattr(module, name), "reference": reference}
        if not trial.rehearsal:  # minutes of compilation on a CPU
            forms["reference, compiled"] = torch.compile(reference, dynamic=True)
        for form, function in forms.items():
            leaf = first.detach().requires_grad_()
            with torch.no_grad():
                slope = torch.ones_like(function(first, *others))
            forward = torch.no_grad()(lambda function=function, others=others, first=first: function(first, *others))

            def both(
                function: Any = function, leaf: Tensor = leaf, others: Any = others, slope: Tensor = slope
            ) -> object:
                return torch.autograd.grad(function(leaf, *others), leaf, slope)

            taken = {"forward": forward, "forward and backward": both}
            found["milliseconds"].setdefault(name, {})[form] = {
                mode: milliseconds(step, trial.device, repeats) for mode, step in taken.items()
            }
            if trial.left() == 0:
                return found | {"ok": False, "error": "no time left"}
    return found | {"ok": True}


def train(trial: Trial) -> dict[str, Any]:
    """Train each plugin for one step on the device."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for plugin in find.names():
            words = [sys.executable, "-m", "lightning_suite", "fit", "--plugin", plugin, "--recipe", "check"]
            words += ["--trainer.accelerator", "gpu", "--trainer.max_steps", "1", "--runs", folder]
            found[plugin] = trial.run(words, 0.5)
    return found


STAGES = {
    "machine": look,
    "build": build,
    "tests": test,
    "sanitizer": sanitize,
    "times": measure,
    "training": train,
}


def main(words: Sequence[str] | None = None) -> int:
    """Do all stages; return 1 if there is no GPU, or a stage failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=460, help="for everything (default: 460)")
    parser.add_argument("--out", type=Path, default=RESULTS / "on_gpu.json", help="the results")
    parser.add_argument("--cpu", action="store_true", help="rehearse without a GPU")
    chosen = parser.parse_args(words)
    if not chosen.cpu and not torch.cuda.is_available():
        print("on_gpu: torch sees no GPU here; --cpu rehearses without one", file=sys.stderr)
        return 1
    trial = Trial("cpu" if chosen.cpu else "cuda", chosen.seconds, chosen.out)
    for name, work in STAGES.items():
        trial.stage(name, work)
        if name == "build" and trial.results["stages"][name].get("command"):  # this process has the old binary loaded
            again = [
                sys.executable,
                "-m",
                "benchmarks.on_gpu",
                "--seconds",
                f"{trial.left():.0f}",
                "--out",
                str(trial.out),
            ]
            os.execv(sys.executable, again)
    stages = trial.results["stages"].values()
    parts = [part for stage in stages for part in (stage, *stage.values()) if isinstance(part, dict)]
    print(json.dumps(trial.results["stages"]["times"], indent=2))
    return int(any(part.get("ok") is False for part in parts))


if __name__ == "__main__":
    sys.exit(main())

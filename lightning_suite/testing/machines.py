"""Checks of training on other devices than the CPU, and in several processes."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

from lightning_suite.plugins import isolated
from lightning_suite.testing.outcome import ContractFailure, NotApplicable
from lightning_suite.testing.subject import Subject, difference

STEPS = 20
SHARE = 4
"""Samples that a process sees in a step: few, so that a small data set has enough whole batches."""

TOLERANCE = 1e-5
TIME_LIMIT = 300.0
"""Seconds that the training in two processes may take at least."""
SLOWER = 20
"""And so many times what one process has taken: on a busy machine everything takes longer."""


class UnusedParameters(Exception):
    """A process has waited for gradients of parameters that another's step did not use."""


def runs_on_every_device(subject: Subject) -> str:
    """It trains on every kind of device that this machine has."""
    import torch

    subject.trained()
    devices = ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()
    for device in devices:
        try:
            subject.fit(device, subject.settings({"accelerator": {"cuda": "gpu"}.get(device, device), "max_epochs": 1}))
        except Exception as error:
            raise ContractFailure(
                f"training on {device}, as on the CPU",
                f"{type(error).__name__}: {error}",
                "make new tensors on the device of others: torch.zeros(..., device=x.device); register buffers",
            ) from error
    return ", ".join(["cpu", *devices])


def ddp_equals_one_process(subject: Subject) -> str:
    """Two processes with batches of B end where one with batches of 2 B ends, within 1e-5 after 20 steps.

    A method without gradients takes no steps; it is compared after one epoch.
    Dropout is off and batch statistics are frozen, as in evaluation. Where float32 gives a larger distance, double
    precision decides whether it was rounding.
    """
    import torch

    from lightning_suite.testing.callbacks import Steady

    subject.trained()
    settings = subject.settings()
    size = settings.data.get("batch_size")
    if not isinstance(size, int):
        raise NotApplicable("the data module has no parameter batch_size, which would share a batch out")
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        raise NotApplicable("this torch has no gloo, the library through which processes on the CPU talk")
    share = min(size, SHARE)
    probe = Steady()
    once = {"max_epochs": 1, "max_steps": 1, "limit_val_batches": 1, "limit_test_batches": 1}
    steps_are_taken = subject.takes_steps(subject.fit("probe", subject.settings(once, batch_size=2 * share), probe))
    # The last batch of an epoch may be smaller, and is then shared out unevenly: it is left out.
    steps: dict[str, object] = {
        "max_steps": STEPS,
        "max_epochs": 10 * STEPS if steps_are_taken else 1,
        "limit_train_batches": max(1, int(min(STEPS, probe.batches - 1))),  # infinitely many in a stream
        "limit_val_batches": 2,
        "limit_test_batches": 1,
    }
    strategy, note = "ddp", ""
    try:
        far, where = _distance(subject, "", share, steps, strategy)
    except UnusedParameters:
        strategy = "ddp_find_unused_parameters_true"
        note = f"; not every step uses every parameter: several processes need --trainer.strategy {strategy}"
        far, where = _distance(subject, "unused", share, steps, strategy)
    result = f"{far:.0e} after {f'{STEPS} steps' if steps_are_taken else 'an epoch'} of {2 * share}"
    if far > TOLERANCE:
        precise, where = _distance(subject, "double", share, steps | {"precision": "64-true"}, strategy)
        if precise > TOLERANCE:
            raise ContractFailure(
                f"the same weights within {TOLERANCE} from 2 processes with batches of {share} and 1 with {2 * share}",
                f"{where} differs by {far:.1g}, in double precision by {precise:.1g}",
                "let the loss be a mean over the samples of a batch, let nothing random depend on the rank, and let a "
                "sampler or stream of your own share out batches of batch_size * world_size (docs/adding-a-plugin.md)",
            )
        result += f" in float32, {precise:.0e} in double precision: rounding"
    return result + note


def _distance(subject: Subject, kind: str, share: int, steps: dict[str, object], strategy: str) -> tuple[float, str]:
    """Return the largest difference of the weights of one process and of two, and the tensor that has it."""
    from lightning_suite.testing.callbacks import Steady

    began = time.monotonic()
    one = subject.fit(f"one{kind}", subject.settings(steps, batch_size=2 * share), Steady())
    limit = max(TIME_LIMIT, SLOWER * (time.monotonic() - began))
    two = subject.folder / f"two{kind}"
    settings = subject.settings(
        steps
        | {
            "devices": 2,
            "strategy": strategy,
            "plugins": [{"class_path": "pytorch_lightning.plugins.environments.LightningEnvironment"}],
        },
        batch_size=share,
    )
    two.mkdir()
    (two / "settings.json").write_text(json.dumps(asdict(replace(settings, recipe=None))), encoding="utf-8")
    _run_processes(two, limit)
    runs = [path for path in (two / subject.plugin.name).iterdir() if path.is_dir()]
    if len(runs) != 1:
        raise ContractFailure(
            "one run folder of both processes", f"{len(runs)}", "do not start processes in the plugin"
        )
    from lightning_suite.run import Run

    return difference(subject.weights(one), subject.weights(Run.at(runs[0])))


def _run_processes(folder: Path, limit: float) -> None:
    """Train with the settings of a folder in processes of their own, for so many seconds at most."""
    ranks = {"LOCAL_RANK", "RANK", "WORLD_SIZE"}
    environment = {name: value for name, value in isolated.environment().items() if name not in ranks}
    log = folder / "log.txt"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "lightning_suite.testing.process", str(folder)],
            cwd=folder,
            env=environment | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
        try:
            status = process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            # One process that fails leaves the other waiting for it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if status == 0:
        return
    text = log.read_text(encoding="utf-8", errors="replace")
    if "find_unused_parameters=True" in text and '"ddp"' in (folder / "settings.json").read_text(encoding="utf-8"):
        raise UnusedParameters
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line or "Exception" in line] or lines or ["it printed nothing"]
    got = f"status {status}: {errors[-1]}" if status is not None else f"no end after {limit:.0f} s: {errors[-1]}"
    raise ContractFailure(
        "training in two processes with --trainer.devices 2 --trainer.strategy ddp --trainer.accelerator cpu",
        got,
        "run that command to see all of it; every process must take the same number of steps and use every parameter",
    )


CHECKS = (runs_on_every_device, ddp_equals_one_process)

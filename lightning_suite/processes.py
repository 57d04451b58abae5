"""Trains in several processes, and says which one is gone when one of them ends before the others.

The others learn of it by an exchange that fails, with a message about sockets, or they wait: for ever with NCCL, or as
long as they compute by themselves. So every process knows the others of its machine by their ids, looks whether they
are there, and ends with a message: when an exchange fails, or ``GRACE`` seconds later.
"""

import contextlib
import os
import platform
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback

from lightning_suite.errors import RunError, UsageError
from lightning_suite.lightning_internals import copies_this_process, watching_children
from lightning_suite.run import Run

GRACE = 20.0
"""Seconds for a process to end by itself after another one is gone."""

LOOK_EVERY = 1.0
NOTICED_WITHIN = 3.0
"""Seconds within which the end of a process is seen after its connections are closed."""

LOST_CONNECTION = re.compile(r"gloo|nccl|TCPStore|connection (closed|reset|refused)|broken pipe", re.IGNORECASE)


class OtherProcesses(Callback):
    """Watches the other processes of a training on this machine.

    Args:
        run: gives the run, or None before there is one.
    """

    def __init__(self, run: Callable[[], Run | None]) -> None:
        self._run = run
        self._trainer: Trainer | None = None
        self._pids: dict[int, int] = {}  # of the other processes on this machine, by their rank
        self._children: Sequence[subprocess.Popen[bytes]] = ()
        self._over = threading.Event()

    @contextlib.contextmanager
    def watched(self, trainer: Trainer) -> Iterator[None]:
        """Raise, in place of a failed exchange, a RunError that says which process is gone and how to go on.

        Raises:
            UsageError: the strategy copies this process to make others, in which a run would be lost.
        """
        if copies_this_process(trainer):
            raise UsageError(
                "--trainer.strategy: processes that are copies of this one (ddp_spawn, ddp_fork, ddp_notebook) are not "
                "supported, for they keep what they write to themselves. Use ddp, which starts the command again."
            )
        self._trainer = trainer
        try:
            with watching_children(self._watch_children):
                yield
            if trainer.world_size > 1:
                trainer.strategy.barrier()  # until the slowest has ended its training
        except RuntimeError as error:
            if trainer.world_size < 2 or not LOST_CONNECTION.search(f"{error}"):
                raise
            raise RunError(self._message(self._gone(NOTICED_WITHIN))) from error
        finally:
            self._over.set()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Learn which processes of this training are on this machine."""
        if stage != "fit" or trainer.world_size < 2:
            return
        mine = (os.getpid(), _machine())
        everyone: list[tuple[int, str]] = [mine] * trainer.world_size
        torch.distributed.all_gather_object(everyone, mine)
        here = {rank: pid for rank, (pid, where) in enumerate(everyone) if where == mine[1]}
        self._watch(here)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compute in all processes at once what the progress bar of the first is about to show.

        It shows metrics of the epoch before the module's own hook is called, and they are exchanged; when that hook
        exchanges something too, each process would wait for ever in another exchange.
        """
        if trainer.world_size > 1:
            _ = trainer.progress_bar_metrics

    def _watch_children(self, children: Sequence[subprocess.Popen[bytes]]) -> None:
        self._children = children
        self._watch({rank: child.pid for rank, child in enumerate(children, start=1)})

    def _watch(self, pids: dict[int, int]) -> None:
        first = not self._pids
        self._pids = {rank: pid for rank, pid in pids.items() if pid != os.getpid()}
        if first and self._pids:
            threading.Thread(target=self._look, daemon=True, name="other processes").start()

    def _look(self) -> None:
        """End this process when another one is gone and it does not end by itself."""
        while not self._over.wait(LOOK_EVERY):
            if gone := self._gone():
                if not self._over.wait(GRACE):
                    print(self._message(gone), file=sys.stderr, flush=True)
                    os._exit(1)
                return

    def _gone(self, within: float = 0.0) -> list[int]:
        """Return the ranks of the processes that have ended, waiting so many seconds for the first one."""
        end = time.monotonic() + within
        while True:
            gone = [rank for rank, pid in self._pids.items() if not is_alive(pid)]
            if gone or time.monotonic() >= end:
                return gone
            time.sleep(0.05)

    def _message(self, gone: list[int]) -> str:
        assert self._trainer is not None
        trainer, run = self._trainer, self._run()
        which = " and ".join(self._description(rank) for rank in gone) or "another process, none of this machine, ended"
        when = f"in epoch {trainer.current_epoch + 1}, after {trainer.global_step} steps"
        lines = [f"{which} {when}; the other{'s' * (trainer.world_size > 2)} cannot go on alone"]
        if run is None:
            return "\n".join([*lines, "nothing was written: begin again"])
        last = "goes on from its last checkpoint" if run.last.is_file() else "begins again, it has no checkpoint yet"
        command = f"suite fit --resume {shlex.quote(str(run.folder))}"
        lines += [
            f"{command} {last}",
            "with one process: the same and --trainer.devices 1 --trainer.strategy auto",
        ]
        return "\n".join(lines)

    def _description(self, rank: int) -> str:
        size = self._trainer.world_size if self._trainer is not None else 0
        name = f"process {rank} (of 0 to {size - 1}; pid {self._pids[rank]})"
        status = next((child.poll() for child in self._children if child.pid == self._pids[rank]), None)
        if status is None:
            return f"{name} ended"
        if status >= 0:
            return f"{name} ended with status {status}, see above,"
        memory = " (does memory suffice?)" if -status == signal.SIGKILL else ""
        return f"{name} was ended by {signal.Signals(-status).name}{memory}"


def is_alive(pid: int) -> bool:
    """Return whether a process of this machine runs; one that has ended and whose parent has not asked does not.

    Example:
        >>> is_alive(os.getpid())
        True
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:  # not Linux, or it has ended just now
        return not Path("/proc/self").exists()


def _machine() -> str:
    """Return what two processes have in common when they can see each other."""
    namespace = Path("/proc/self/ns/pid")  # differs from container to container
    return f"{platform.node()} {namespace.readlink() if namespace.exists() else ''}"

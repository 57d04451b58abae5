"""Where the weights of runs differ, bit for bit: digests of their tensors."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from lightning_suite.checkpoint import read
from lightning_suite.run_records import RunRecord


def differing_weights(records: Sequence[RunRecord], absent: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return for each checkpoint whose weights differ how many tensors do, and the digests of the first of them.

    Compared are the best and the last checkpoints of run folders; where a run is a single checkpoint, or two are of one
    folder, the checkpoints that were named.

    Args:
        records: the runs.
        absent: stands for the digest of a checkpoint or tensor that a run does not have.

    Raises:
        RunError: a checkpoint cannot be read.
    """
    folders = [record.path for record in records if record.path == record.run.folder]
    whole = len(set(folders)) == len(records)
    names = ("best.ckpt", "last.ckpt") if whole else ("checkpoint",)
    found = []
    for name in names:
        files = [record.run.folder / "checkpoints" / name if whole else record.run.checkpoint for record in records]
        if not any(file.is_file() for file in files):
            continue
        digests = [_digests(file) for file in files]
        tensors = dict.fromkeys(tensor for each in digests for tensor in each)
        differing = [tensor for tensor in tensors if len({each.get(tensor) for each in digests}) > 1]
        if differing:
            values = tuple(each.get(differing[0], absent) for each in digests)
            found.append((f"{name}, {len(differing)} of {len(tensors)} tensors, first {differing[0]}", values))
    return found


def _digests(file: Path) -> dict[str, str]:
    """Return the digests of the weights in a checkpoint by name; none where there is no file."""
    weights = read(file).get("state_dict", {}) if file.is_file() else {}
    return {name: _digest(value) for name, value in weights.items()}


def _digest(value: Any) -> str:
    """Return a short digest of type, shape and bits of a tensor; of the text of another value."""
    if not isinstance(value, torch.Tensor):
        return hashlib.sha256(repr(value).encode()).hexdigest()[:8]
    bits = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return hashlib.sha256(f"{value.dtype} {tuple(value.shape)}".encode() + bits).hexdigest()[:8]

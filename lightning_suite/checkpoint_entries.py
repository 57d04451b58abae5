"""Compares the entries of a checkpoint with those that it should have, so that an altered one is said by its name."""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any

from lightning_suite.errors import RunError

if TYPE_CHECKING:
    from pytorch_lightning import Trainer

Kinds = Mapping[str, "type | UnionType | Kinds"]


def refuse_misfits(contents: Mapping[str, Any], expected: Kinds, path: Path) -> None:
    """Refuse a checkpoint that lacks an entry, or has one of another type; more entries than expected are let be.

    Raises:
        RunError: it does; the message names the entry.

    Example:
        >>> refuse_misfits({"epoch": "3"}, {"epoch": int}, Path("last.ckpt"))
        Traceback (most recent call last):
        lightning_suite.errors.RunError: last.ckpt is damaged: epoch: expected int, got '3'
    """
    for problem in itertools.chain(_problems(contents, expected, ""), _strange_weights(contents)):
        raise RunError(f"{path} is damaged: {problem}")


def needed_to_go_on(trainer: "Trainer") -> dict[str, Any]:
    """Return what a checkpoint of Lightning's needs for a training to go on."""
    loops = ("fit_loop", "validate_loop", "test_loop", "predict_loop")
    return {
        "epoch": int,
        "global_step": int,
        "pytorch-lightning_version": str,
        "state_dict": dict,
        "loops": {name: _kinds(getattr(trainer, name).state_dict()) for name in loops},
        "callbacks": dict,
        "optimizer_states": list,
        "lr_schedulers": list,
        "processes": list,
        "lightning_suite": {"best_value": float | NoneType, "metrics_rows": int},
    }


def _kinds(value: Any) -> Any:
    """Return the types in a state; nothing in it may become anything."""
    if isinstance(value, dict):
        return {name: _kinds(inner) for name, inner in value.items()}
    return object if value is None else type(value)


def _strange_weights(contents: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with weights that are no tensors; a module's extra state may be anything."""
    weights = contents.get("state_dict")
    for name, value in weights.items() if isinstance(weights, dict) else ():
        if not hasattr(value, "dtype") and not str(name).endswith("_extra_state"):
            yield f"state_dict.{name}: expected a tensor, got {value!r:.60}"


def _problems(value: Any, expected: Any, place: str) -> Iterator[str]:
    kind: Any = expected if isinstance(expected, type | UnionType) else dict
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        yield f"{place}: expected {getattr(kind, '__name__', kind)}, got {value!r:.60}"
    elif isinstance(expected, Mapping):
        for name, inner in expected.items():
            inside = f"{place}.{name}".lstrip(".")
            yield from _problems(value[name], inner, inside) if name in value else [f"it has no {inside!r}"]

"""Every key of a run's config.yaml and of its checkpoints: removed, renamed, or with a value of another type."""

import copy
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
import yaml

OTHERS: list[Any] = ["text", 3, [1], {"a": 1}, None]
DEEPEST = 5


class Change(NamedTuple):
    """A change of one key of a file in a run folder."""

    file: str
    keys: tuple[Any, ...]
    how: str

    def __str__(self) -> str:
        return f"{self.file}: {'.'.join(map(str, self.keys))} {self.how}"

    def make(self, run: Path) -> None:
        """Make the change."""
        contents = read(run / self.file)
        inside = contents
        for key in self.keys[:-1]:
            inside = inside[key]
        value, key = inside[self.keys[-1]], self.keys[-1]
        if self.how == "removed":
            del inside[key]
        elif self.how == "renamed":
            inside[f"{key}_"] = inside.pop(key)
        else:
            inside[key] = next(other for other in others(value) if self.how == f"is {other!r}")
        if self.file.endswith(".yaml"):
            (run / self.file).write_text(yaml.safe_dump(contents), encoding="utf-8")
        else:
            torch.save(contents, run / self.file)


def read(file: Path) -> Any:
    """Return the contents of config.yaml or of a checkpoint."""
    if file.suffix == ".yaml":
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    return torch.load(file, weights_only=True)


def changes_of(run: Path, file: str) -> list[Change]:
    """Return all changes of the keys of a file."""
    return [
        Change(file, keys, how)
        for keys, value in _keys(read(run / file), ())
        for how in ["removed", "renamed", *(f"is {other!r}" for other in others(value))]
    ]


def others(value: Any) -> list[Any]:
    """Return values of other types; where nothing is the value, of every type."""
    return [copy.deepcopy(other) for other in OTHERS if type(other) is not type(value)]


def _keys(value: Any, keys: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if len(keys) < DEEPEST and isinstance(value, dict):
        for key, inner in itertools.islice(value.items(), 40):
            yield (*keys, key), inner
            yield from _keys(inner, (*keys, key))

"""Words of command lines: options as they are typed, and texts that stand in a table for what is known later."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from lightning_suite.errors import UsageError
from lightning_suite.reproduction.parts import Training


def command(words: Sequence[str]) -> str:
    """Return what to type for the words behind ``suite``."""
    return f"suite {shlex.join(words)}"


def pairs_of(typed: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return typed options as names, and the words of each.

    Raises:
        UsageError: a word is no option.
    """
    found: list[tuple[str, list[str]]] = []
    for word in typed:
        if word.startswith("--"):
            found.append((word[2:].partition("=")[0], [word]))
        elif found and len(found[-1][1]) == 1 and "=" not in found[-1][1][0]:
            found[-1][1].append(word)
        else:
            raise UsageError(f"expected options of suite fit, such as --data.path FOLDER, got {word!r}")
    return found


def option_words(training: Training) -> list[str]:
    """Return the options of a training as words of a command line.

    Example:
        >>> option_words(Training(options={"model.heads": 8, "data.labels": ["a", "b"], "model.size": None}))
        ['--model.heads', '8', '--data.labels', '["a", "b"]', '--model.size', 'null']
    """
    words = []
    for name, value in training.options.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        words += [f"--{name}={text}"] if text.startswith("-") else [f"--{name}", text]
    return words


def replaced(value: Any, texts: Mapping[str, str]) -> Any:
    """Return a text, or the texts of a list, with other texts in place of some."""
    if isinstance(value, list):
        return [replaced(inner, texts) for inner in value]
    if isinstance(value, str):
        for old, new in texts.items():
            value = value.replace(old, new)
    return value


def mark(name: str) -> str:
    """Return what stands in a table for a text that is known later."""
    return f"{{{name}}}"

"""Values as JSON that every program can read: what JSON has no word for, such as not-a-number, is null."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any


def json_text(value: Any) -> str:
    """Return a value as indented JSON; paths and other objects are written as their text.

    Example:
        >>> print(json_text({"loss": float("nan"), "seeds": (0, 1)}))
        {
          "loss": null,
          "seeds": [
            0,
            1
          ]
        }
    """
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | None) else str(value)

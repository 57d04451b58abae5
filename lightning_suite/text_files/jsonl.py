"""Files of JSON, an object a line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lightning_suite.errors import DataError
from lightning_suite.text_files.lines import is_blank, numbered_lines


def read_jsonl(
    path: str | Path, *, encoding: str | None = None, content: bytes | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    r"""Yield number, from 1, and object of each line; a blank line is an object without keys.

    Args:
        path: the file; it is not read at once.
        encoding: of a file that is not Unicode.
        content: of the file, where it is at hand.

    Raises:
        DataError: a line is no JSON object, or has no key; or as ``numbered_lines``.
        UsageError: there is no such encoding, or the library for .zst files is not installed.

    Example:
        >>> list(read_jsonl("a.jsonl", content=b'{"text": "one"}\n\n{"text": "two"}\n'))
        [(1, {'text': 'one'}), (2, {}), (3, {'text': 'two'})]
    """
    for line, text in numbered_lines(path, encoding=encoding, content=content):
        if is_blank(text):
            yield line, {}
            continue
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise DataError(f"not a JSON object: {error.msg}, at column {error.colno}", path, line) from None
        except (ValueError, RecursionError) as error:  # a number of thousands of digits; nested too deeply
            raise DataError(f"not a JSON object: {error}", path, line) from None
        if not isinstance(value, dict) or not value:
            raise DataError(f"expected one JSON object a line, got {text.strip()[:60]!r}", path, line)
        yield line, value

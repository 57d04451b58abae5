"""Looks into a checkpoint before torch reads it, and at what torch has read, for what could harm or deceive.

A checkpoint is a zip archive of records that are stored as they are, each with its CRC-32. Torch expands records that
are compressed, and compares no CRC; its shapes may claim more than the file holds.
"""

import os
import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path

import torch

LARGEST_DIRECTORY = 64 << 20
"""Bytes of the list of records: half a million tensors."""

LARGEST_DESCRIPTION = 32 << 20
"""Bytes of ``data.pkl``, which names the tensors and holds the plain values."""

DEEPEST = 100
"""Levels of lists and dictionaries within each other."""

LONGEST_NAME = 1000
"""Characters of the name of a function: torch searches the message about one for a time that is their square."""

LARGEST_COUNT = 10_000_000
"""Plain values in one tuple: its hash visits each as often as it is named."""

REPEATED = 256 << 20
"""Bytes that values may take beyond ten times their file, when each is counted as often as it is named: tensors can
repeat one stored number, and lists can name each other."""


def verify(file: Path) -> None:
    """Raise a ValueError that says what is wrong with an archive of torch's: bombs, double records, flipped bits."""
    size = file.stat().st_size
    if not zipfile.is_zipfile(file) or (directory := _directory_size(file)) is None:
        raise ValueError("it is not a complete archive that torch.save wrote")
    if directory > min(size, LARGEST_DIRECTORY):
        raise ValueError(f"its list of records is said to take {directory} of {size} bytes")
    try:
        with zipfile.ZipFile(file) as archive:
            records = archive.infolist()
            for problem in _problems(records, size):
                raise ValueError(problem)
            if (changed := archive.testzip()) is not None:
                raise ValueError(f"its record {changed!r} is not what was written: another CRC-32")
            _refuse_repetition(archive.read(next(name for name in archive.namelist() if name.endswith("/data.pkl"))))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{error}") from error


def refuse_false_sizes(contents: object, file: Path) -> None:
    """Raise a ValueError if what was read claims to be far larger than what is stored of it, or contains itself."""
    largest = 10 * file.stat().st_size + REPEATED
    sizes: dict[int, int] = {}

    def size_of(value: object, depth: int) -> int:
        if isinstance(value, torch.Tensor):
            return value.numel() * value.element_size() if value.layout is torch.strided else 0
        if not isinstance(value, dict | list | tuple | set):
            return 8
        if id(value) not in sizes:
            if depth > DEEPEST:
                raise ValueError(f"its values lie more than {DEEPEST} deep in each other, or contain themselves")
            inside = (part for pair in value.items() for part in pair) if isinstance(value, dict) else value
            sizes[id(value)] = 8 + sum(size_of(part, depth + 1) for part in inside)
        if sizes[id(value)] > largest:
            raise ValueError("its values claim to be far larger than what it stores")
        return sizes[id(value)]

    size_of(contents, 0)


def _directory_size(file: Path) -> int | None:
    """Return how many bytes the list of records is said to take; None where the file does not end as archives do."""
    with file.open("rb") as opened:
        opened.seek(-min(98, file.stat().st_size), os.SEEK_END)
        end = opened.read()
    if end[-22:-18] != b"PK\5\6":
        return None
    sizes = [int.from_bytes(end[-10:-6], "little")]
    if end[-42:-38] == b"PK\6\7":  # of a large archive, for which the short size may be all ones; torch writes both
        sizes = [size for size in sizes if size != 2**32 - 1] + [int.from_bytes(end[-58:-50], "little")]
    return max(sizes)


def _refuse_repetition(description: bytes) -> None:
    """Raise a ValueError if reading the pickled description of a checkpoint would take memory or time beyond reason.

    It is followed without making anything, each value as the number of values in it.
    """
    if b"bytearray\n" in description:
        raise ValueError("it holds a bytearray, which may claim any size")
    stack: list[int] = []
    marks: list[int] = []
    memo: dict[object, int] = {}
    try:
        for opcode, argument, _ in pickletools.genops(description):
            before = opcode.stack_before
            if opcode.name == "GLOBAL" and (length := len(str(argument))) > LONGEST_NAME:
                raise ValueError(f"it names a function of {length} characters")
            if opcode.name == "MARK":
                marks.append(len(stack))
            elif opcode.name.endswith("PUT"):
                memo[argument] = stack[-1]
            elif opcode.name.endswith("GET"):
                stack.append(memo[argument])
            else:
                has_mark = pickletools.markobject in before
                begin = marks.pop() - before.index(pickletools.markobject) if has_mark else len(stack) - len(before)
                count = 1 + sum(stack[begin:])
                del stack[begin:]
                stack += [count] * len(opcode.stack_after)
                if count > LARGEST_COUNT:
                    raise ValueError("its values claim to be far larger than what it stores")
    except (IndexError, KeyError) as error:
        raise ValueError("its data.pkl is damaged") from error


def _problems(records: list[zipfile.ZipInfo], size: int) -> Iterator[str]:
    """Yield what torch.save never writes."""
    names = [record.filename for record in records]
    for record in records:
        if record.compress_type != zipfile.ZIP_STORED or record.compress_size != record.file_size:
            sizes = f"{record.compress_size} of {record.file_size} bytes"
            yield f"its record {record.filename!r:.80} is compressed: {sizes}"
        if record.flag_bits & 1:
            yield f"its record {record.filename!r:.80} is encrypted"
    if len(set(names)) != len(names):
        yield "it holds two records of one name"
    if sum(record.file_size for record in records) > size or all(record.header_offset for record in records):
        yield "its records overlap, or something stands before them"
    descriptions = [record for record in records if record.filename.endswith("/data.pkl")]
    if len(descriptions) != 1:
        yield "it does not hold one data.pkl"
    elif descriptions[0].file_size > LARGEST_DESCRIPTION:
        yield f"its data.pkl has {descriptions[0].file_size} bytes, more than {LARGEST_DESCRIPTION}"

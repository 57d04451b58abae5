"""Checkpoints that torch would believe, each made from a good one: bombs, false sizes, appended code, damage."""

import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch

Make = Callable[[Path], None]

BASE = {"numbers": torch.arange(6.0).reshape(2, 3), "state_dict": {"weights": torch.zeros(100, 100)}}
SHAPE, STRIDE, COUNT, OFFSET = b"K\x02K\x03\x86q\x08", b"K\x03K\x01\x86q\t", b"K\x06tq\x07Q", b"QK\x00K\x02"
"""Where the description of BASE says the shape, the strides, the length of the storage and the offset in it."""


def whole(path: Path) -> None:
    """Write the good one."""
    torch.save(BASE, path)


def described(change: Callable[[bytes], bytes]) -> Make:
    """Return what makes an archive with another data.pkl."""

    def make(path: Path) -> None:
        records = records_of(path)
        name = next(name for name in records if name.endswith("/data.pkl"))
        changed = change(records[name])
        assert changed != records[name], "this release of torch describes tensors otherwise: correct SHAPE and others"
        write(path, records | {name: changed})

    return make


def replaced(before: bytes, after: bytes) -> Make:
    """Return what makes an archive whose description has other bytes in one place."""
    return described(lambda description: description.replace(before, after, 1))


def records_of(path: Path) -> dict[str, bytes]:
    """Return the records of the good one by name."""
    whole(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, records: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    """Write an archive of records."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in records.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)


def with_record(end: str, size: int) -> Make:
    """Return what makes an archive in which a record is a bomb: so many zero bytes, compressed."""

    def make(path: Path) -> None:
        records = records_of(path)
        name = next(name for name in records if name.endswith(end))
        with zipfile.ZipFile(path, "w") as archive:
            for other, content in records.items():
                if other != name:
                    archive.writestr(zipfile.ZipInfo(other), content)
            bomb = zipfile.ZipInfo(name)
            bomb.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(bomb, "w", force_zip64=True) as record:
                for _ in range(size >> 20):
                    record.write(bytes(1 << 20))

    return make


def around(before: bytes = b"", after: bytes = b"") -> Make:
    """Return what makes a file with other bytes before and after the archive."""

    def make(path: Path) -> None:
        whole(path)
        path.write_bytes(before + path.read_bytes() + after)

    return make


def cut_short(path: Path) -> None:
    """Write an archive whose weights are shorter than its description says."""
    write(path, {name: content[:20] if "/data/" in name else content for name, content in records_of(path).items()})


def twice(path: Path) -> None:
    """Write an archive with two records of one name, of which programs read different ones."""
    records = records_of(path)
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "w") as archive:
        for name, content in [*records.items(), *records.items()]:
            archive.writestr(zipfile.ZipInfo(name), content)


def of(value: object) -> Make:
    """Return what writes a value in place of a checkpoint."""
    return lambda path: torch.save(value, path)


def nested(depth: int, width: int) -> list[object]:
    """Return a list in a list and so on, each named several times by the next."""
    value: list[object] = [1]
    for _ in range(depth):
        value = [value] * width
    return value


def in_itself() -> list[object]:
    """Return a list that contains itself."""
    value: list[object] = []
    value.append(value)
    return value


def tuples_as_key(_description: bytes) -> bytes:
    """Return a description of 40 tuples, each naming the one before twice, and the last as a key: to be hashed."""
    pairs = b"".join(b"K" + bytes([i + 2]) + (b"h" + bytes([i])) * 2 + b"\x86q" + bytes([i + 1]) for i in range(40))
    return b"\x80\x02}(K\x01K\x01\x85q\x00" + pairs + b"h\x28K\x01u."


def declared(place: int, size: int, width: int) -> Make:
    """Return what makes a file whose last bytes claim, at a place, a list of records of so many bytes."""

    def make(path: Path) -> None:
        whole(path)
        content = bytearray(path.read_bytes())
        content[place : place + width] = size.to_bytes(width, "little")
        path.write_bytes(content)

    return make


HUGE = b"J\x00\x00\x00\x70"
PICKLE = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R."
HOSTILE: dict[str, Make] = {
    "a bomb of weights": with_record("/data/1", 64 << 20),
    "a bomb of a description": with_record("/data.pkl", 64 << 20),
    "a bomb of a version": with_record("/version", 64 << 20),
    "all compressed": lambda path: write(path, records_of(path), zipfile.ZIP_DEFLATED),
    "compressed otherwise": lambda path: write(path, records_of(path), zipfile.ZIP_BZIP2),
    "two records of one name": twice,
    "no description": lambda path: write(path, {k: v for k, v in records_of(path).items() if "pkl" not in k}),
    "no weights": lambda path: write(path, {k: v for k, v in records_of(path).items() if "/data/" not in k}),
    "weights cut short": cut_short,
    "a pickle appended": around(after=PICKLE),
    "a pickle in front": around(before=PICKLE),
    "a pickle alone": lambda path: path.write_bytes(PICKLE) and None,
    "an archive appended": lambda path: (whole(path), path.write_bytes(path.read_bytes() * 2))[0],
    "nothing": lambda path: path.write_bytes(b"") and None,
    "text": lambda path: path.write_text("weights\n") and None,
    "an end alone": lambda path: path.write_bytes(b"PK\5\6" + bytes(18)) and None,
    "a list of records of 1 TiB": declared(-58, 1 << 40, 8),
    "a list of records of 2 GiB": declared(-10, 1 << 31, 4),
    "code in the description": described(lambda _: PICKLE),
    "a shape beyond the storage": replaced(SHAPE, HUGE + b"K\x03\x86q\x08"),
    "a repeated number": replaced(SHAPE + STRIDE, HUGE + b"K\x03\x86q\x08K\x00K\x01\x86q\t"),
    "a negative shape": replaced(SHAPE, b"J\xfe\xff\xff\xffK\x03\x86q\x08"),
    "a negative stride": replaced(STRIDE, b"J\xfd\xff\xff\xffK\x01\x86q\t"),
    "an offset beyond the storage": replaced(OFFSET, b"Q" + HUGE + b"K\x02"),
    "a negative offset": replaced(OFFSET, b"QJ\x00\x00\x00\xf0K\x02"),
    "a storage beyond its record": replaced(COUNT, HUGE + b"tq\x07Q"),
    "a bytearray of 2 GiB": described(
        lambda _: b"\x80\x02}X\x01\x00\x00\x00ac__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85Rs."
    ),
    "a tensor without a storage": described(
        lambda _: (
            b"\x80\x02}X\x01\x00\x00\x00actorch._utils\n_rebuild_meta_tensor_no_storage\n"
            b"(ctorch\nfloat32\n\x8a\x05\x00\x00\x00\x00\x10\x85\x8a\x01\x01\x85\x89tRs."
        )
    ),
    "tuples to be hashed for years": described(tuples_as_key),
    "lists that name each other": of({"a": nested(40, 2)}),
    "lists in each other": of({"a": nested(200, 1)}),
    "a list that contains itself": of({"a": in_itself()}),
    "no mapping": of([1, 2]),
    "a tensor": of(torch.ones(3)),
}
"""Every kind by name; each is to be refused."""


def flip(path: Path, chance: Callable[[int], int]) -> None:
    """Write a good one with one bit changed, anywhere in its weights."""
    whole(path)
    with zipfile.ZipFile(path) as archive:
        record = max(archive.infolist(), key=lambda record: record.file_size)
    content = bytearray(path.read_bytes())
    start = content.index(bytes(record.file_size), record.header_offset)
    bit = chance(8 * record.file_size)
    content[start + bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)

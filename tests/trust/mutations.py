"""Damages the bytes of a file as disks, editors, other programs and bad people do; a seed decides how.

A container's members are damaged inside too, with their checksums made right again, so that the damage gets past the
first gate: the arrays of an .npz file, the entries of a .zip archive, the chunks of a PNG, the content of a compressed
file.
"""

import bz2
import gzip
import io
import lzma
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence

HUGE = (
    b"99999999999999999999",
    b"2147483648",
    b"4294967296",
    b"1000000000",
    b"99999999",
    b"100000",
    b"-1",
    b"0",
    b"1e400",
    b"nan",
    b"0x10",
)
NUMBERS = tuple(
    struct.pack(f"{order}{kind}", number)
    for order in "<>"
    for kind, number in (
        ("i", -1),
        ("i", 2**31 - 1),
        ("I", 2**31),
        ("q", 2**62),
        ("q", -1),
        ("q", 10**9),
        ("i", 0),
        ("H", 65535),
    )
)
FOREIGN = (
    *(character.encode() for character in "\u2028\u2029\x85\x0b\x0c\x1c\x1e\ufeff\u200b\u00a0\u202e\U0001f600"),
    *(b"\0", b"\r", b"\r\n", b"\n\n", b"\t", b'"', b'""', b"'", b",", b";", b"|", b"\\", b"\x1b[31m", b"\xff\xfe"),
    *(b"\xed\xa0\x80", b"\xf0\x28\x8c", b"{", b"}", b"[", b"]", b"(", b")", b"&a *a", b"!!python/name:os.system", b"%"),
    *(b"#", b"<<", b"-", b"--", b"1_0", b"\\ud800", b"NaN", b"Infinity", b"null", b"true", b"1e999", b"__proto__"),
)
ENCODINGS = ("utf-16", "utf-16-be", "utf-32", "latin-1", "cp1251", "utf-8-sig", "utf-7")

Damage = Callable[[bytes, random.Random], bytes]


def damaged(content: bytes, chance: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """Return a file's bytes with one to four damages, inside its container every second time where it is one.

    Args:
        content: of the file.
        chance: that decides.
        others: contents of the same kind, of which a part may get into this one.
    """
    inside = _inside(content)
    if inside is not None and chance.random() < 0.5:
        return inside(lambda part, chance: _damages(part, chance, ()), chance)
    return _damages(content, chance, others)


def damaged_line(content: bytes, line: int, chance: random.Random) -> bytes:
    """Return the content with something foreign in one line, numbered from 0, that is no end of a line."""
    lines = content.split(b"\n")
    text = lines[line]
    foreign = chance.choice([piece for piece in FOREIGN if not {*piece} & {10, 13}] + [b"\x80\xff", b"x" * 70_000])
    at = chance.randrange(len(text) + 1)
    lines[line] = chance.choice([foreign, text[:at] + foreign + text[at:], text[:at], text[at:], text[:at] + foreign])
    return b"\n".join(lines)


def _damages(content: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        content = chance.choice(DAMAGES)(content, chance)
    if others and chance.random() < 0.1:
        other = chance.choice(others)
        content = content[: _place(content, chance)] + other[_place(other, chance) :]
    return content


def _place(content: bytes, chance: random.Random) -> int:
    """A place in the content; half of the times near its beginning or end, where formats have their headers."""
    size = len(content)
    near = chance.choice((size, size, min(size, 64), min(size, 512), -min(size, 128)))
    return chance.randint(0, near) if near >= 0 else chance.randint(size + near, size)


def _flip(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8))):
        if changed:
            changed[min(_place(content, chance), len(changed) - 1)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _truncate(content: bytes, chance: random.Random) -> bytes:
    return content[: _place(content, chance)]


def _behead(content: bytes, chance: random.Random) -> bytes:
    return content[_place(content, chance) :]


def _insert(content: bytes, chance: random.Random) -> bytes:
    at = _place(content, chance)
    return content[:at] + chance.randbytes(chance.choice((1, 4, 40))) + content[at:]


def _insert_foreign(content: bytes, chance: random.Random) -> bytes:
    at = _place(content, chance)
    return content[:at] + chance.choice(FOREIGN) * chance.choice((1, 1, 1, 3)) + content[at:]


def _repeat(content: bytes, chance: random.Random) -> bytes:
    begin, end = sorted((_place(content, chance), _place(content, chance)))
    piece = content[begin:end][:5000]
    return content[:end] + piece * chance.choice((1, 1, 20)) + content[end:]


def _remove(content: bytes, chance: random.Random) -> bytes:
    begin, end = sorted((_place(content, chance), _place(content, chance)))
    return content[:begin] + content[end:]


def _swap(content: bytes, chance: random.Random) -> bytes:
    a, b, c = sorted(_place(content, chance) for _ in range(3))
    return content[:a] + content[b:c] + content[a:b] + content[c:]


def _overwrite(content: bytes, chance: random.Random) -> bytes:
    number, at = chance.choice(NUMBERS), _place(content, chance)
    return content[:at] + number + content[at + len(number) :]


def _change_number(content: bytes, chance: random.Random) -> bytes:
    """Change a number that is written in digits."""
    at = _place(content, chance)
    match = re.compile(rb"-?\d+(\.\d+)?").search(content, at) or re.search(rb"\d+", content)
    if match is None:
        return _overwrite(content, chance)
    return content[: match.start()] + chance.choice(HUGE) + content[match.end() :]


def _lengthen_line(content: bytes, chance: random.Random) -> bytes:
    at = _place(content, chance)
    piece = chance.choice((b"x", b" ", b"1", b'"', b"[", b"(", b"{", b"\t", b"9", b"\\"))
    return content[:at] + piece * chance.choice((1000, 200_000)) + content[at:]


def _encode_otherwise(content: bytes, chance: random.Random) -> bytes:
    return content.decode("utf-8", "replace").encode(chance.choice(ENCODINGS), "replace")


def _reverse_bytes(content: bytes, chance: random.Random) -> bytes:
    """Swap the bytes of a stretch, as another machine's order has them."""
    begin, end = sorted((_place(content, chance), _place(content, chance)))
    size = chance.choice((2, 4, 8))
    stretch = b"".join(content[i : i + size][::-1] for i in range(begin, min(end, begin + 512), size))
    return content[:begin] + stretch + content[begin + len(stretch) :]


DAMAGES: tuple[Damage, ...] = (
    _flip,
    _flip,
    _truncate,
    _behead,
    _insert,
    _insert_foreign,
    _insert_foreign,
    _repeat,
    _remove,
    _swap,
    _overwrite,
    _overwrite,
    _change_number,
    _change_number,
    _lengthen_line,
    _encode_otherwise,
    _reverse_bytes,
)


# Containers


def _inside(content: bytes) -> Callable[[Damage, random.Random], bytes] | None:
    """Return the function that damages the inside of a container; None where the content is none."""
    if content.startswith(b"PK\x03\x04"):
        return lambda damage, chance: _zip_with(content, damage, chance)
    if content.startswith(b"\x89PNG"):
        return lambda damage, chance: _png_with(content, damage, chance)
    for unpack, pack, beginning in (
        (gzip.decompress, gzip.compress, b"\x1f\x8b"),
        (bz2.decompress, bz2.compress, b"BZh"),
        (lzma.decompress, lzma.compress, b"\xfd7zXZ"),
    ):
        if content.startswith(beginning):
            return lambda damage, chance, unpack=unpack, pack=pack: pack(damage(unpack(content), chance))  # type: ignore[misc]
    return None


def _zip_with(content: bytes, damage: Damage, chance: random.Random) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(packed, "w") as after:
        wrong = chance.choice(before.namelist())
        for name in before.namelist():
            member = before.read(name)
            if name == wrong:
                member = damage(member, chance)
                name = (
                    name if chance.random() < 0.9 else chance.choice((f"../{name}", " ", "/etc/x", "a\nb", f"{name}x"))
                )
            after.writestr(name, member, before.infolist()[0].compress_type)
    return packed.getvalue()


def _png_with(content: bytes, damage: Damage, chance: random.Random) -> bytes:
    chunks: list[tuple[bytes, bytes]] = []
    at = 8
    while at + 8 <= len(content):
        (size,) = struct.unpack(">I", content[at : at + 4])
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += size + 12
    wrong = chance.randrange(len(chunks))
    kind, data = chunks[wrong]
    chunks[wrong] = (kind, damage(zlib.decompress(data), chance) if kind == b"IDAT" else damage(data, chance))
    if kind == b"IDAT":
        chunks[wrong] = (kind, zlib.compress(chunks[wrong][1]))
    return content[:8] + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )

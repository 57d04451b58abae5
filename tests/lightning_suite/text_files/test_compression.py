"""Decompressed bytes: what is compressed shows in the content, and damage is told with its place."""

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from lightning_suite.errors import DataError, UsageError
from lightning_suite.text_files import bare_name, numbered_lines, open_bytes, read_bytes, read_text, suffix_of
from lightning_suite.text_files.compression import compression_of

TEXT = b"".join(b"line %d\n" % i for i in range(20_000))


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda content: pyarrow.compress(content, "zstd", asbytes=True),
}
every_compression = pytest.mark.parametrize("suffix", COMPRESS)


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@every_compression
@pytest.mark.parametrize("name", ["a.txt{}", "a.txt", "a", "a.txt.gz"])
def test_what_is_compressed_shows_in_the_content_whatever_the_name(tmp_path: Path, suffix: str, name: str) -> None:
    assert read_bytes(write(tmp_path, name.format(suffix), COMPRESS[suffix](TEXT))) == TEXT


@every_compression
def test_two_compressed_files_end_to_end_are_one(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path, "a", COMPRESS[suffix](b"one\n") + COMPRESS[suffix](b"two\n"))

    assert read_bytes(path) == b"one\ntwo\n"


@every_compression
def test_content_at_hand_is_read_in_place_of_the_file(suffix: str) -> None:
    assert read_bytes(f"a.zip/a.txt{suffix}", content=COMPRESS[suffix](TEXT)) == TEXT


@every_compression
def test_a_truncated_file_is_damaged_wherever_it_ends(tmp_path: Path, suffix: str) -> None:
    content = COMPRESS[suffix](TEXT)

    for end in (11, 20, len(content) // 2, len(content) - 1):
        with pytest.raises(DataError, match=rf"a{suffix}: damaged, or not a {suffix} file: .*Fetch or compress it ag"):
            read_bytes(write(tmp_path, f"a{suffix}", content[:end]))


@every_compression
def test_changed_bytes_are_damage(tmp_path: Path, suffix: str) -> None:
    content = bytearray(COMPRESS[suffix](TEXT))
    content[len(content) // 2 : len(content) // 2 + 8] = b"\x55" * 8

    with pytest.raises(DataError, match=rf"a: damaged, or not a {suffix} file: .*, after [\d,]+ decompressed bytes"):
        read_bytes(write(tmp_path, "a", bytes(content)))


@every_compression
def test_a_name_that_promises_a_compression_is_held_to_it(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(
        DataError, match=rf"a\.txt{suffix}: damaged, or not a {suffix} file.*take {suffix} off its name"
    ):
        open_bytes(write(tmp_path, f"a.txt{suffix}", b"words\n"))


@pytest.mark.parametrize("name", ["a.txt", "a.gz"])
def test_an_empty_file_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=f"{name}: the file is empty"):
        read_bytes(write(tmp_path, name, b""))


@pytest.mark.parametrize("name", ["none.txt", "."])
def test_what_cannot_be_opened_is_named_with_its_reason(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"cannot be read: (No such file|Is a directory)"):
        open_bytes(tmp_path / name)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_what_expands_beyond_reason_is_refused(monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    monkeypatch.setattr("lightning_suite.text_files.compression._ALWAYS_ALLOWED", 1 << 20)
    content = COMPRESS[suffix](bytes(1 << 25))

    with pytest.raises(DataError, match=rf"a{suffix}: expands to more than \d+ MiB.*Decompress it yourself"):
        read_bytes(f"a{suffix}", content=content)


def test_text_that_repeats_itself_is_no_bomb() -> None:
    assert len(read_bytes("a.xz", content=lzma.compress(b"0,0,0,1\n" * 1_000_000))) == 8_000_000


def test_a_file_larger_than_the_memory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(gzip.GzipFile, "read", no_memory)

    with pytest.raises(DataError, match=r"a\.gz: holds more than fits into memory"):
        read_bytes("a.gz", content=gzip.compress(b"a"))


@pytest.mark.parametrize("read", [read_text, lambda path, content: list(numbered_lines(path, content=content))])
def test_a_line_larger_than_the_memory_is_an_error(monkeypatch: pytest.MonkeyPatch, read: Any) -> None:
    class Small(io.TextIOWrapper):
        def read(self, *_: object) -> str:
            raise MemoryError

        def __next__(self) -> str:
            raise MemoryError

    monkeypatch.setattr("lightning_suite.text_files.lines.io.TextIOWrapper", Small)

    with pytest.raises(DataError, match=r"a\.xz: holds more than fits into memory"):
        read("a.xz", content=lzma.compress(b"a"))


def test_without_its_library_a_zst_file_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(UsageError, match=r"reading \.zst files needs the package 'pyarrow'.*pip install"):
        read_bytes("a", content=COMPRESS[".zst"](b"a"))


def test_a_large_file_is_read_piece_by_piece(tmp_path: Path) -> None:
    with open_bytes(write(tmp_path, "a.xz", lzma.compress(TEXT))) as file:
        assert [file.readline(), file.readline()] == [b"line 0\n", b"line 1\n"]


@pytest.mark.parametrize("head", [b"BZh is a word", b"\x1e\x8b", b"P*M", b"", b"\xfd7zX"])
def test_other_beginnings_are_no_compression(head: bytes) -> None:
    assert compression_of(head) is None


@pytest.mark.parametrize(
    ("name", "bare", "suffix"),
    [
        ("a/b.c.CSV.gz", "b.c.CSV", ".csv"),
        ("points.npy", "points.npy", ".npy"),
        ("trees.train.txt.XZ", "trees.train.txt", ".txt"),
        ("a.zst", "a", ""),
        ("a", "a", ""),
    ],
)
def test_the_suffix_before_that_of_the_compression_says_what_a_file_is(name: str, bare: str, suffix: str) -> None:
    assert (bare_name(name), suffix_of(Path(name))) == (bare, suffix)

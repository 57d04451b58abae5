"""Numbered lines of plain and compressed files, and what is said about files that are not text."""

import gzip
import lzma
from pathlib import Path

import pytest

from lightning_suite.errors import DataError
from suite_dsa.lines import bare_name, numbered_lines


def lines(path: Path) -> list[tuple[int, str]]:
    return list(numbered_lines(path))


@pytest.mark.parametrize("suffix", ["", ".xz", ".gz"])
def test_compressed_files_are_read_as_plain_ones(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.txt{suffix}"
    content = "é\r\n\nlast".encode()
    path.write_bytes({"": content, ".xz": lzma.compress(content), ".gz": gzip.compress(content, mtime=0)}[suffix])

    assert lines(path) == [(1, "é"), (2, ""), (3, "last")]
    assert bare_name(path) == "a.txt"


def test_only_line_feeds_end_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("a\x0bb\x85c\u2028d\re\n".encode())

    assert lines(path) == [(1, "a\x0bb\x85c\u2028d\re")]


def test_a_byte_order_mark_is_taken_off(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfa\n")

    assert lines(path) == [(1, "a")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"fine\nbroken \xff here\n", r"a\.txt:2: not UTF-8: byte 8 of the line, 0xff"),
        ("a.txt", b"\xef\xbb\xbfbroken \xff here\n", r"a\.txt:1: not UTF-8: byte 11 of the line, 0xff"),
        ("a.txt", b"fine\nfine\nnul \x00\n", r"a\.txt:3: .*NUL"),
        ("a.txt", "text".encode("utf-16"), r"a\.txt:1: .*UTF-16"),
        ("a.xz", b"not compressed", r"a\.xz: damaged or not a \.xz file"),
        ("a.gz", b"not compressed", r"a\.gz: damaged or not a \.gz file"),
        ("b.xz", lzma.compress(b"text" * 1000)[:-20], r"b\.xz: damaged"),
        ("b.gz", gzip.compress(b"text" * 1000, mtime=0)[:-20], r"b\.gz: damaged"),
    ],
)
def test_what_is_not_text_is_refused_with_its_place(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DataError, match=message):
        lines(tmp_path / name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.txt: cannot be read: No such file"):
        lines(tmp_path / "none.txt")

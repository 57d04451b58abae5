"""The text of files: what ends a line, and what is said of files that hold none."""

import gzip
from pathlib import Path

import pytest

from lightning_suite.errors import DataError
from lightning_suite.text_files import numbered_lines, read_text


def lines(content: bytes) -> list[tuple[int, str]]:
    return list(numbered_lines("a.txt", content=content))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_lines_of_every_system_are_numbered(end: str, encoding: str) -> None:
    content = end.join(["é", "", "last"]).encode(encoding)

    assert lines(content) == [(1, "é"), (2, ""), (3, "last")]
    assert read_text("a.txt", content=content) == "é\n\nlast"


def test_no_other_character_ends_a_line() -> None:
    line = "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g"

    assert lines(f"{line}\n".encode()) == [(1, line)]


def test_mixed_line_ends_are_one_line_each() -> None:
    assert lines(b"a\r\nb\rc\nd\r\r\n") == [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "")]


@pytest.mark.parametrize("size", [8190, 8191, 8192, 65535, 65536])
def test_a_line_end_across_two_pieces_of_a_file_is_one(size: int) -> None:
    assert lines(b"a" * size + b"\r\nb") == [(1, "a" * size), (2, "b")]


def test_spaces_at_the_end_of_a_line_stay() -> None:
    assert lines(b"a \t\x0b\n") == [(1, "a \t\x0b")]


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\xff\xfe", gzip.compress(b"", mtime=0)])
def test_a_file_without_a_character_is_empty(content: bytes) -> None:
    for reader in (read_text, lambda path, content: list(numbered_lines(path, content=content))):
        with pytest.raises(DataError, match=r"a\.txt: the file is empty"):
            reader("a.txt", content=content)


def test_blank_lines_are_text() -> None:
    assert lines(b"\n \n") == [(1, ""), (2, " ")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"fine\nbroken \xff here\n", r"a\.txt:2: byte 0xff is not UTF-8, at offset 12"),
        (b"\xef\xbb\xbfbroken \xff here\n", r"a\.txt:1: byte 0xff is not UTF-8, at offset 10"),
        (b"fine\nfine\nnul \x00\n", r"a\.txt:3: holds NUL characters, the first at offset 14"),
    ],
)
def test_lines_that_are_no_text_are_refused_with_their_place(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        lines(content)


def test_lines_before_a_fault_are_given() -> None:
    reader = numbered_lines("a.txt", content=b"one\n" * 10_000 + b"\xff\n")

    assert next(reader) == (1, "one")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.txt: cannot be read: No such file"):
        list(numbered_lines(tmp_path / "none.txt"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        read_text(tmp_path)

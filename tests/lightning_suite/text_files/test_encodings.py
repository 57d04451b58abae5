"""Encodings: recognised where they are Unicode, named where they are not, and never guessed."""

import codecs
import gzip
from pathlib import Path

import pytest

from lightning_suite.errors import DataError, UsageError
from lightning_suite.text_files import encoding_name, read_text

TEXTS = {
    "English": "One line,\nand another; café\n",
    "Russian": "текст\tметка\nПуск завтра 🚀\nмир\n",
    "Hebrew": "text\nשלום, עולם\n",
    "Chinese": "text,label\n中文的句子,好\n另一个\n",
    "Serbian": "Њујорк\nЊ\nЊњ Њњ\nи још један ред\n",
    "one word": "word",
}
every_text = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)


@every_text
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["without mark", "with mark"])
def test_unicode_is_recognised_with_and_without_a_mark(text: str, encoding: str, mark: str) -> None:
    assert read_text("a.txt", content=(mark + text).encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "utf-16-le", "utf-32-be"])
@pytest.mark.parametrize("marked", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_mark_says_more_than_the_name_of_another_unicode_encoding(encoding: str, marked: str) -> None:
    assert read_text("a.txt", encoding=encoding, content="\ufeffмир".encode(marked)) == "мир"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "UTF8"])
def test_unicode_without_a_mark_is_read_as_it_is_named(encoding: str) -> None:
    as_written = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(encoding, encoding)

    assert read_text("a.txt", encoding=encoding, content="мир".encode(as_written)) == "мир"


def test_a_second_mark_is_a_character_of_the_text() -> None:
    assert read_text("a.txt", content=codecs.BOM_UTF8 + "\ufeffa".encode()) == "\ufeffa"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("cp1251", "Пуск завтра"), ("koi8-r", "Пуск завтра"), ("cp1252", "à la"), ("gb18030", "中文"), ("cp1251", "СЁ")],
)
def test_another_encoding_is_read_where_it_is_named(encoding: str, text: str) -> None:
    assert read_text("a.txt", encoding=encoding, content=text.encode(encoding)) == text


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_another_encoding_is_an_error_with_offset_that_shows_the_line(mark: bytes) -> None:
    content = mark + "text\nfine\nПуск завтра\n".encode("cp1251")
    shown = f"at offset {len(mark) + 10}.*--data.encoding.*cp1251: 'Пуск завтра' or cp1252: 'Ïóñê çàâòðà'"

    with pytest.raises(DataError, match=rf"a\.txt:3: byte 0xcf is not UTF-8, {shown}"):
        read_text("a.txt", content=content)


def test_a_wrong_byte_far_into_a_file_has_its_line_and_offset(tmp_path: Path) -> None:
    lines = b"\xef\xbb\xbf" + "ещё строка\r\n".encode() * 200_000
    (tmp_path / "a.txt").write_bytes(lines + b"bad \xff")

    with pytest.raises(DataError, match=rf"a\.txt:200001: .*byte 0xff is not UTF-8 here, at offset {len(lines) + 4},"):
        read_text(tmp_path / "a.txt")


def test_old_mac_lines_are_counted_in_an_error() -> None:
    with pytest.raises(DataError, match=r"a\.txt:3: byte 0xff is not UTF-8, at offset 8"):
        read_text("a.txt", content=b"one\rtwo\r\xff")


def test_mixed_encodings_are_an_error_with_both_lines() -> None:
    content = "text\nПуск\n".encode() + "полёт\n".encode("cp1251")

    with pytest.raises(DataError, match=r"a\.csv:3: mixed encodings.*offset 14.*line 2 is UTF-8"):
        read_text("a.csv", content=content)
    with pytest.raises(DataError, match=r"a\.csv:2: is UTF-8 here, not cp1251"):
        read_text("a.csv", encoding="cp1251", content=content)


def test_utf_8_is_not_read_as_another_encoding() -> None:
    with pytest.raises(DataError, match=r"a\.txt:1: is UTF-8 here, not cp1251\. Leave the encoding away"):
        read_text("a.txt", encoding="windows-1251", content="Пуск".encode())
    with pytest.raises(DataError, match=r"byte-order mark of UTF-8; leave the encoding 'cp1252' away"):
        read_text("a.txt", encoding="cp1252", content=codecs.BOM_UTF8 + b"a")


def test_a_byte_that_the_named_encoding_lacks_is_an_error_with_its_line() -> None:
    with pytest.raises(DataError, match=r"a\.txt:2: byte 0x98 is not CP1251, at offset 2"):
        read_text("a.txt", encoding="cp1251", content=b"a\n\x98\n")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_file_that_ends_within_a_character_is_an_error(encoding: str) -> None:
    content = "one\ntwo".encode(encoding)

    with pytest.raises(
        DataError, match=rf"a\.txt:2: .*at offset {len(content) - int(encoding[-2:]) // 8}: .*truncated"
    ):
        read_text("a.txt", content=content[:-1])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_nul_characters_are_an_error_with_line_and_offset(encoding: str) -> None:
    offset = len("text\na".encode(encoding))

    with pytest.raises(DataError, match=rf"a\.txt:2: holds NUL characters, the first at offset {offset}\. Is this a"):
        read_text("a.txt", content="text\na\0b\n".encode(encoding))


@pytest.mark.parametrize("content", [b"text\na\0bc\n", b"a\0bc", b"some text \0.", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_bytes_with_zeros_are_not_taken_for_utf_16(content: bytes) -> None:
    with pytest.raises(DataError, match=r"holds NUL characters|is not UTF-8"):
        read_text("a.txt", content=content)


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"PK\x03\x04...", r"by its first bytes, a \.zip file: unpack it, or save a spreadsheet as CSV"),
        (gzip.compress(b"\x1f\x8b", mtime=0), r"by its first bytes, a \.gz file: it was compressed twice"),
    ],
)
def test_an_archive_is_no_text(content: bytes, hint: str) -> None:
    with pytest.raises(DataError, match=hint):
        read_text("a.txt", content=content)


@pytest.mark.parametrize("encoding", ["rot13", "base64"])
def test_a_codec_that_is_for_no_text_is_not_offered_again(encoding: str) -> None:
    with pytest.raises(UsageError) as caught:
        encoding_name(encoding)
    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["cp12511", "rot13", "base64", "", "idna", "unicode_escape", "a\0"])
def test_what_is_no_encoding_of_text_is_refused(encoding: str) -> None:
    with pytest.raises(UsageError, match="there is no encoding "):
        encoding_name(encoding)


@pytest.mark.parametrize(("encoding", "near"), [("utf9", "'utf8'"), ("cp12511", "'cp1251'"), ("koi8r", "'koi8-r'")])
def test_an_unknown_encoding_is_answered_with_the_nearest(encoding: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"Did you mean .*{near}"):
        read_text("a.txt", encoding=encoding, content=b"a")

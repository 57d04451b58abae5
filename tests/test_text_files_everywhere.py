"""One set of small files, as people have them, and every plugin that reads text: the same answer or the same message.

The table below is the whole promise. A file is read for its texts: the column ``text``, or the lines of a .txt file.
"""

import bz2
import gzip
import lzma
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_suite.errors import SuiteError
from suite_dsa.sources.columns import Columns
from suite_dsa.sources.reading import read as read_sentences
from suite_dsa.sources.reading import read_unlabelled
from suite_spectral.sources.contents import Choice
from suite_spectral.sources.reading import read as read_points
from suite_tweets.sources.reading import read as read_tweets

pyarrow = pytest.importorskip("pyarrow", reason="pyarrow, which reads .zst, is not installed")

TABLE = "text,label\nсвет,да\nnight,no\n"
OBJECTS = '{"text": "свет", "label": "да"}\n{"text": "night", "label": "no"}\n'
LINES = "свет\nnight\n"
TEXTS = ["свет", "night"]
LONG = "word " * 40_000


def zstd(content: bytes) -> bytes:
    compressed: bytes = pyarrow.compress(content, "zstd", asbytes=True)
    return compressed


# What there is, how the file is called, its bytes, and its texts or the message that everybody gives.
FILES: list[tuple[str, str, bytes, list[str] | str]] = [
    # encodings
    ("UTF-8", "a.csv", TABLE.encode(), TEXTS),
    ("UTF-8 with a mark", "a.csv", TABLE.encode("utf-8-sig"), TEXTS),
    ("UTF-16 with a mark", "a.csv", TABLE.encode("utf-16"), TEXTS),
    ("UTF-16, the low byte first", "a.csv", TABLE.encode("utf-16-le"), TEXTS),
    ("UTF-16, the high byte first", "a.csv", TABLE.encode("utf-16-be"), TEXTS),
    ("UTF-32 with a mark", "a.csv", TABLE.encode("utf-32"), TEXTS),
    ("UTF-32, the high byte first", "a.csv", TABLE.encode("utf-32-be"), TEXTS),
    ("the other suffix of tabs", "a.tab", b"text\tlabel\na\tx\nb, c\ty\n", ["a", "b, c"]),
    ("the other suffix of objects", "a.ndjson", OBJECTS.encode(), TEXTS),
    ("lines in UTF-16", "a.txt", LINES.encode("utf-16"), TEXTS),
    ("objects in UTF-16", "a.jsonl", OBJECTS.encode("utf-16-le"), TEXTS),
    # ends of lines
    ("lines of Windows", "a.csv", TABLE.replace("\n", "\r\n").encode(), TEXTS),
    ("lines of old Macs", "a.csv", TABLE.replace("\n", "\r").encode(), TEXTS),
    ("lines of old Macs alone", "a.txt", LINES.replace("\n", "\r").encode(), TEXTS),
    ("no end of the last line", "a.txt", LINES.strip().encode(), TEXTS),
    ("other breaks in a text", "a.csv", "text,label\na\u2028b\x85c,x\nd,y\n".encode(), ["a\u2028b\x85c", "d"]),
    ("other breaks in a line", "a.txt", "a\u2028b\x0bc d\nand e\n".encode(), ["a\u2028b\x0bc d", "and e"]),
    # compressions
    ("gzip", "a.csv.gz", gzip.compress(TABLE.encode()), TEXTS),
    ("bzip2", "a.csv.bz2", bz2.compress(TABLE.encode()), TEXTS),
    ("xz", "a.jsonl.xz", lzma.compress(OBJECTS.encode()), TEXTS),
    ("Zstandard", "a.csv.zst", zstd(TABLE.encode()), TEXTS),
    ("gzip under another name", "a.csv", gzip.compress(TABLE.encode()), TEXTS),
    ("xz under the name of gzip", "a.txt.gz", lzma.compress(LINES.encode("utf-16")), TEXTS),
    # delimiters and headers
    ("semicolons", "a.csv", b"text;label\na, b;x\nc;y\n", ["a, b", "c"]),
    ("tabs under the name of commas", "a.csv", b"text\tlabel\na, b; c\tx\nd\ty\n", ["a, b; c", "d"]),
    ("tabs", "a.tsv", b"text\tlabel\na, b\tx\nc, d\ty\n", ["a, b", "c, d"]),
    ("bars", "a.csv", b"text|label\na, b|x\nc|y\n", ["a, b", "c"]),
    ("capitals and spaces in the header", "a.csv", b"ID; Text ;Label\n1;a;x\n2;b;y\n", ["a", "b"]),
    ("blank lines between rows", "a.csv", b"\ntext,label\na,x\nb,y\n", ["a", "b"]),
    # quotation marks
    ("quotation marks", "a.csv", b'text,label\n"a, ""b""",x\nit\'s 5" long,y\n', ['a, "b"', "it's 5\" long"]),
    ("a line break in a field", "a.csv", b'text,label\n"a\nb",x\nc,y\n', ["a\nb", "c"]),
    ("a line break between tabs", "a.tsv", b'label\ttext\nx\t"a\nb"\ny\tc\n', ["a\nb", "c"]),
    ("marks that are text", "a.tsv", b'text\tlabel\n"a\tx\n"b" c\ty\n"d"\tz\n', ['"a', '"b" c', "d"]),
    ("a field of 200,000 characters", "a.csv", f"text,label\n{LONG},x\nb,y\n".encode(), [LONG, "b"]),
    # damages
    ("an empty file", "a.csv", b"", r"a\.csv: the file is empty"),
    ("a mark alone", "a.txt", b"\xef\xbb\xbf", r"a\.txt: the file is empty"),
    ("a file of blank lines", "a.csv", b"\n \n", r"a\.csv: holds blank lines only; expected a table"),
    (
        "cp1251",
        "a.csv",
        TABLE.encode("cp1251"),
        r"a\.csv:2: byte 0xf1 is not UTF-8, at offset 11\. .*cp1251: 'свет,да'",
    ),
    ("a wrong byte in a line", "a.txt", b"\xef\xbb\xbfone\n\xff\n", r"a\.txt:2: byte 0xff is not UTF-8, at offset 7"),
    (
        "two encodings",
        "a.txt",
        LINES.encode() + "ночь\n".encode("cp1251"),
        r"a\.txt:3: mixed encodings.*line 1 is UTF-8",
    ),
    ("half a character", "a.txt", LINES.encode("utf-16")[:-1], r"a\.txt:2: byte 0x0a is not UTF-16-LE, at offset 22"),
    ("a NUL", "a.csv", b"text,label\na\0,x\n", r"a\.csv:2: holds NUL characters, the first at offset 12"),
    ("a NUL in a line", "a.txt", b"one\ntwo \0\n", r"a\.txt:2: holds NUL characters, the first at offset 8"),
    ("a NUL in an object", "a.jsonl", b'{"text": "\0"}\n', r"a\.jsonl:1: holds NUL characters, the first at offset 10"),
    ("half a .gz", "a.csv.gz", gzip.compress(TABLE.encode())[:-9], r"a\.csv\.gz: damaged, or not a \.gz file"),
    ("half a .xz", "a.txt.xz", lzma.compress(LINES.encode())[:-9], r"a\.txt\.xz: damaged, or not a \.xz file"),
    ("no .bz2 at all", "a.csv.bz2", TABLE.encode(), r"a\.csv\.bz2: damaged, or not a \.bz2 file"),
    ("a spreadsheet", "a.csv", b"PK\x03\x04 and more", r"a\.csv: is not text but, by its first bytes, a \.zip file"),
    ("a field too many", "a.csv", b"text,label\na,x\nb,y,z\n", r"a\.csv:3: has 3 fields, but the header has 2"),
    ("a field too few", "a.tsv", b'text\tlabel\n"a\nb"\tx\nb\n', r"a\.tsv:4: has 1 fields, but the header has 2"),
    (
        "an open quotation mark",
        "a.csv",
        b'text,label\na,x\n"b,y\nc,z\n',
        r"a\.csv:3: the row that begins here is not CSV",
    ),
    ("an object cut off", "a.jsonl", b'{"text": "a", "label": "x"}\n{"text": \n', r"a\.jsonl:2: not a JSON object"),
    ("a list for an object", "a.jsonl", b'["a"]\n', r"a\.jsonl:1: expected one JSON object a line, got '\[\"a\"\]'"),
]


def labelled_sentences(path: Path, encoding: str | None) -> list[str]:
    return [example.texts[0] for example in read_sentences(path, Columns(), None, False, encoding=encoding).examples]


def sentences_to_predict(path: Path, encoding: str | None) -> list[str]:
    return [texts[0] for texts in read_unlabelled(path, Columns(), 1, encoding=encoding)]


def points_of_texts(path: Path, encoding: str | None) -> list[str]:
    column = {"read_as": "texts"} if ".txt" in path.suffixes else {"text_column": ["text"]}
    texts: list[str] = read_points(path, Choice(**column, encoding=encoding)).content  # type: ignore[arg-type]
    return texts


def tweets(path: Path, encoding: str | None) -> list[str]:
    return [tweet.text for tweet in read_tweets(path, encoding=encoding)]


Reader = Callable[[Path, str | None], list[str]]

READERS: dict[str, Reader] = {
    "dsa, training": labelled_sentences,
    "dsa, predicting": sentences_to_predict,
    "spectral": points_of_texts,
    "tweets": tweets,
}

every_file = pytest.mark.parametrize(
    ("name", "content", "expected"), [row[1:] for row in FILES], ids=[row[0] for row in FILES]
)


def answers(path: Path, encoding: str | None = None) -> dict[str, list[str] | str]:
    """What each reader gives or says, without the folder; lines of text have no labels to train on."""
    given: dict[str, list[str] | str] = {}
    for reader, read in READERS.items():
        if reader == "dsa, training" and ".txt" in path.suffixes:
            continue
        try:
            given[reader] = read(path, encoding)
        except SuiteError as error:
            given[reader] = str(error).replace(f"{path.parent}/", "")
    return given


@every_file
def test_every_plugin_reads_the_same_or_says_the_same(
    tmp_path: Path, name: str, content: bytes, expected: list[str] | str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    given = answers(path)

    first = next(iter(given.values()))
    assert given == dict.fromkeys(given, first)
    if isinstance(expected, list):
        assert first == expected
    else:
        assert isinstance(first, str)
        assert re.search(expected, first)


@pytest.mark.parametrize(("name", "content"), [("a.csv", TABLE), ("a.jsonl", OBJECTS), ("a.txt", LINES)])
def test_every_plugin_reads_the_encoding_that_is_named(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode("cp1251"))

    assert set(map(str, answers(path, "cp1251").values())) == {str(TEXTS)}
    (message,) = set(map(str, answers(path, "cp12511").values()))
    assert "there is no encoding 'cp12511'" in message
    assert "Did you mean 'cp1251'" in message

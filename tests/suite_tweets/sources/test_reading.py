"""The readers: every tweet of a file, as it stands and in its order, or an error with file and line."""

import bz2
import csv
import gzip
import json
import lzma
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightning_suite.errors import DataError, UsageError
from suite_tweets.sources.reading import read
from suite_tweets.tweets import Tweet, write_tweets

LAUNCH = datetime(2016, 11, 22, 22, 36, 51, tzinfo=UTC)
TWITTER_LAUNCH = "Tue Nov 22 22:36:51 +0000 2016"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def texts(path: Path, **options: Any) -> list[str]:
    return [tweet.text for tweet in read(path, **options)]


def archive(*tweets: dict[str, Any], part: int = 0) -> str:
    items = [{"tweet": tweet} for tweet in tweets]
    return f"window.YTD.tweets.part{part} = " + json.dumps(items, ensure_ascii=False, indent=2)


# Tables


def test_id_time_and_text_of_a_csv_file_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id,created_at,text\n7,2016-11-22 22:36:51,Пуск!\n8,,Go\n")

    assert read(path) == [Tweet("7", LAUNCH, "Пуск!"), Tweet("8", None, "Go")]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tweets=st.lists(
        st.builds(
            Tweet,
            st.text("0123456789", max_size=19),
            st.none() | st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        ),
        min_size=1,
    )
)
def test_what_was_written_is_read_again(tmp_path: Path, tweets: list[Tweet]) -> None:
    write_tweets(tmp_path / "a.csv", tweets)

    assert read(tmp_path / "a.csv") == tweets


def test_fields_hold_quotation_marks_delimiters_and_line_breaks(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", 'id,text\r\n1,"Он сказал: ""да"",\r\nи ушёл"\r\n2,"a\nb"\r\n')

    assert texts(path) == ['Он сказал: "да",\r\nи ушёл', "a\nb"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "id;text\n1;раз, два\n2;три\n"),
        ("a.csv", "id\ttext\n1\tраз, два\n2\tтри\n"),
        ("a.tsv", "id\ttext\n1\tраз, два\n2\tтри\n"),
        ("a.tsv", "text\nраз, два\nтри\n"),
        ("a.csv", '\nid,text\n1,"раз, два"\n\n2,три\n\n'),
        ("tweets", "id\ttext\n1\tраз, два\n2\tтри\n"),
        ("tweets", "text\nраз, два\nтри\n"),
        ("a.csv", "id|text\n1|раз, два\n2|три\n"),
    ],
)
def test_the_header_tells_the_delimiter(tmp_path: Path, name: str, content: str) -> None:
    assert texts(write(tmp_path, name, content)) == ["раз, два", "три"]


@pytest.mark.parametrize("name", ["text", "full_text", "Tweet", "content", "Tweet Text", "lemmas", "текст"])
def test_the_usual_names_of_the_column_of_texts_are_known(tmp_path: Path, name: str) -> None:
    assert texts(write(tmp_path, "a.csv", f"n,{name}\n1,мир\n")) == ["мир"]


def test_columns_are_named_by_options(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "text,said,when,key\nno,yes,2016-11-22T22:36:51Z,k\n")

    assert read(path, text_column="said", time_column="when", id_column="key") == [Tweet("k", LAUNCH, "yes")]


def test_an_empty_name_reads_without_the_column(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id,created_at,text\n7,some day,мир\n")

    assert read(path, time_column="", id_column="") == [Tweet("", None, "мир")]


def test_an_empty_text_is_a_tweet(tmp_path: Path) -> None:
    assert texts(write(tmp_path, "a.csv", 'id,text\n1,\n2," "\n3,мир\n')) == ["", " ", "мир"]


def test_quotation_marks_within_tabs_may_be_mere_text(tmp_path: Path) -> None:
    assert texts(write(tmp_path, "a.tsv", 'id\ttext\n1\t"Да" сказал он\n2\tнет\n')) == ['"Да" сказал он', "нет"]


def test_a_field_of_ten_million_bytes_is_read_and_the_limit_put_back(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id,text\n1," + "я" * 5_000_000 + "\n")
    before = csv.field_size_limit(1000)

    try:
        assert len(texts(path)[0]) == 5_000_000
        assert csv.field_size_limit() == 1000
    finally:
        csv.field_size_limit(before)


def test_an_unknown_header_lists_the_columns_and_names_the_options(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "first line of mine\nsecond line\n")

    with pytest.raises(DataError, match=r"a\.csv: .*'first line of mine'.*--data\.text_column or --text_column"):
        read(path)


def test_a_column_that_is_not_there_is_answered_with_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id,text\n1,a\n")

    with pytest.raises(DataError, match=r"'id', 'text', not the text column 'texte'\. Did you mean 'text'\?"):
        read(path, text_column="texte")
    with pytest.raises(DataError, match="not the time column 'when'"):
        read(path, time_column="when")


WRONG_ROWS = {
    "a field too few": ('id,text\n1,"a\na"\n2\n', ":4: has 1 fields, but the header has 2"),
    "a field too many": ('id,text\n1,"a\na"\n2,b,c\n', ":4: has 3 fields, but the header has 2"),
    "a quotation mark that never ends": (
        'id,text\n1,a\n2,"b\n3,c\n',
        ":3: the row that begins here is not CSV: unexpected end of data",
    ),
    "a wrong time": (
        "created_at,text\n,a\nyesterday,b\n",
        ":3: created_at 'yesterday' is no time.*--data\\.time_column",
    ),
    "a column named twice": ("text,text\na,b\n", ":1: .*names the column 'text' more than once"),
}


@pytest.mark.parametrize("kind", WRONG_ROWS)
def test_a_wrong_row_is_an_error_with_its_line(tmp_path: Path, kind: str) -> None:
    content, message = WRONG_ROWS[kind]

    with pytest.raises(DataError, match=rf"a\.csv{message}"):
        read(write(tmp_path, "a.csv", content))


def test_the_columns_of_twint_make_a_time(tmp_path: Path) -> None:
    header = "id,created_at,date,time,timezone,tweet\n"
    first = write(tmp_path, "a.csv", header + "7,2016-11-23 04:06:51 IST,2016-11-23,04:06:51,+0530,a\n")
    second = write(tmp_path, "b.csv", "id,date,time,timezone,tweet\n7,2016-11-22,17:36:51,EST,a\n")
    for path in (first, second):
        assert read(path) == [Tweet("7", LAUNCH, "a")]


def test_a_rounded_identifier_in_a_file_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id,text\n1201234567890123456,a\n1.20123E+18,b\n")

    with pytest.raises(DataError, match=r"a\.csv:3: id '1\.20123E\+18' is a rounded number.*--data\.id_column"):
        read(path)
    assert texts(path, id_column="") == ["a", "b"]
    with pytest.raises(DataError, match=r"b\.jsonl:1: id '1\.2e\+18' is a rounded number"):
        read(write(tmp_path, "b.jsonl", '{"id": 1.2e18, "text": "a"}'))


# JSON


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"text": "мир"}, Tweet("", None, "мир")),
        ({"id": 7, "text": "мир", "created_at": None}, Tweet("7", None, "мир")),
        ({"id": 7, "id_str": "7", "created_at": TWITTER_LAUNCH, "text": "A &amp; B"}, Tweet("7", LAUNCH, "A &amp; B")),
        ({"id_str": "7", "full_text": "long", "text": "lo…"}, Tweet("7", None, "long")),
        ({"id_str": "7", "text": "lo…", "extended_tweet": {"full_text": "long"}}, Tweet("7", None, "long")),
        ({"id": "7", "created_at": "2016-11-22T22:36:51.000Z", "text": "a"}, Tweet("7", LAUNCH, "a")),
        ({"id": "7", "text": "lo…", "note_tweet": {"text": "long"}}, Tweet("7", None, "long")),
        ({"text": "a\u2028b 🚀", "data": {"text": "other"}}, Tweet("", None, "a\u2028b 🚀")),
    ],
)
@pytest.mark.parametrize("form", ["jsonl", "json list", "json", "no name"])
def test_objects_of_the_api_and_plain_ones_are_read(
    tmp_path: Path, value: dict[str, Any], expected: Tweet, form: str
) -> None:
    line = json.dumps(value, ensure_ascii=False)
    name, content = {
        "jsonl": ("a.jsonl", f"{line}\r\n\n{line}\n"),
        "json list": ("a.json", f"[\n{line},\n{line}]"),
        "json": ("a.json", f"{line}\n{line}\n"),
        "no name": ("a", f"[{line}, {line}]"),
    }[form]

    assert read(write(tmp_path, name, content)) == [expected, expected]


def test_pages_of_the_api_are_read(tmp_path: Path) -> None:
    pages = [
        {"data": [{"id": "1", "text": "a"}, {"id": "2", "text": "b"}], "meta": {"result_count": 2}},
        {"meta": {"result_count": 0}},
        {"data": {"id": "3", "text": "c"}},
        {"statuses": [{"id_str": "4", "full_text": "d"}]},
    ]

    assert texts(write(tmp_path, "a.jsonl", "\n".join(json.dumps(page) for page in pages))) == ["a", "b", "c", "d"]


def test_half_of_an_emoji_becomes_a_replacement_character(tmp_path: Path) -> None:
    assert texts(write(tmp_path, "a.jsonl", '{"text": "go \\ud83d"}\n{"text": "\\ud83d\\ude80"}\n')) == [
        "go \ufffd",
        "🚀",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": "a"}\n{"text": \n', "a.jsonl:2: not a JSON object"),
        ('{"text": "a"}\n["b"]\n', r'a.jsonl:2: expected one JSON object a line, got .\["b"\]'),
        ('{"text": "a"}\n{"said": "b"}\n', "a.jsonl:2: the object has the keys 'said', none of them.*--text_column"),
        ('{"text": 5}\n', "a.jsonl:1: the text 'text' is not a text: 5"),
        ('{"text": "a", "created_at": "x"}\n', "a.jsonl:1: created_at 'x' is no time"),
        ("[" * 100_000, "a.jsonl:1: not a JSON object"),
    ],
)
def test_a_wrong_line_of_json_is_an_error_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(write(tmp_path, "a.jsonl", content))


def test_a_broken_json_file_is_an_error_with_the_line_of_the_break(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.json:3: not JSON"):
        read(write(tmp_path, "a.json", '[{"text": "a"},\n{"text": "b"},\n{"text": }]'))


# The archive of X


def test_an_archive_of_x_is_read(tmp_path: Path) -> None:
    content = archive({"id_str": "7", "created_at": TWITTER_LAUNCH, "full_text": "Пуск &amp; полёт\nhttps://t.co/aB1"})

    expected = [Tweet("7", LAUNCH, "Пуск &amp; полёт\nhttps://t.co/aB1")]
    assert read(write(tmp_path, "tweets.js", content)) == expected
    assert read(write(tmp_path, "tweet.js", content.replace("tweets.part0", "tweet.part0"))) == expected


def test_the_parts_of_an_archive_are_read_in_their_order_from_folder_and_zip(tmp_path: Path) -> None:
    names = ["tweets.js", "tweets-part1.js", "tweets-part2.js", "tweets-part10.js"]
    folder = tmp_path / "twitter-archive"
    for number, name in reversed(list(enumerate(names))):
        write(folder, f"data/{name}", archive({"full_text": str(number)}, part=number))
    write(folder, "data/like.js", "window.YTD.like.part0 = []")
    write(folder, "Your archive.html", "<html>")
    zipped = tmp_path / "a.zip"
    with zipfile.ZipFile(zipped, "w") as file:
        for path in folder.rglob("*.*"):
            file.write(path, path.relative_to(tmp_path))
        file.writestr("__MACOSX/data/tweets.js", b"\0")

    for source in (folder, folder / "data", zipped):
        assert texts(source) == ["0", "1", "2", "3"]


def test_a_zip_that_expands_beyond_reason_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightning_suite.text_files.compression._ALWAYS_ALLOWED", 1 << 20)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("data/tweets.js", b"window.YTD.tweets.part0 = [" + b" " * (1 << 25) + b"]")
    with pytest.raises(DataError, match=r"a\.zip/data/tweets\.js: expands to more than \d+ MiB"):
        read(tmp_path / "a.zip")


def test_a_zip_of_one_file_is_read_as_that_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("mine.csv", "text\nмир\n")

    assert texts(tmp_path / "a.zip") == ["мир"]


def test_an_archive_without_tweets_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "folder/data/like.js", "window.YTD.like.part0 = []")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a.png", "")
        file.writestr("b.png", "")

    with pytest.raises(DataError, match=r"folder: a folder without tweets\.js"):
        read(tmp_path / "folder")
    with pytest.raises(DataError, match=r"a\.zip: holds 2 files and no tweets\.js"):
        read(tmp_path / "a.zip")


def test_a_broken_archive_is_an_error_with_its_line(tmp_path: Path) -> None:
    content = archive({"full_text": "a"})

    with pytest.raises(DataError, match=r"tweets\.js:6: not JSON"):
        read(write(tmp_path, "tweets.js", content[:-2]))


def test_a_script_that_is_no_archive_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot tell what kind of file"):
        read(write(tmp_path, "a.js", "console.log('text')"))


# Text, compression, encodings


def test_a_text_file_holds_one_text_a_line(tmp_path: Path) -> None:
    assert texts(write(tmp_path, "a.txt", 'Раз, "два"\r\n\nthree\u2028four\n')) == ['Раз, "два"', "", "three\u2028four"]


@pytest.mark.parametrize(("suffix", "compress"), [("xz", lzma.compress), ("gz", gzip.compress), ("bz2", bz2.compress)])
def test_compressed_files_are_read_and_damaged_ones_refused(
    tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    content = compress("text\nмир\n".encode())

    assert texts(write(tmp_path, f"a.csv.{suffix}", content)) == ["мир"]
    for damaged in (content[:-9], b"text\n", content[:12] + bytes(4) + content[16:]):
        with pytest.raises(DataError, match=rf"b\.csv\.{suffix}: (damaged|the file is empty)"):
            read(write(tmp_path, f"b.csv.{suffix}", damaged))


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.zip: damaged"):
        read(write(tmp_path, "a.zip", b"PK\x03\x04 no more"))


def test_a_compressed_file_under_another_name_is_known_by_its_beginning(tmp_path: Path) -> None:
    assert texts(write(tmp_path, "a.csv", gzip.compress(b"text\na\n"))) == ["a"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "text\nПуск 🚀\nשלום, עולם\n"),
        ("a.txt", "Пуск 🚀\nשלום, עולם"),
        ("a.jsonl", '{"text": "Пуск 🚀"}\n{"text": "שלום, עולם"}'),
        ("a.json", '[{"text": "Пуск 🚀"}, {"text": "שלום, עולם"}]'),
    ],
)
def test_unicode_is_read_with_and_without_a_mark(tmp_path: Path, name: str, content: str, encoding: str) -> None:
    content = content if name != "a.csv" else content.replace("שלום, עולם", '"שלום, עולם"')

    assert texts(write(tmp_path, name, content.encode(encoding))) == ["Пуск 🚀", "שלום, עולם"]


def test_big_endian_utf_16_is_read(tmp_path: Path) -> None:
    assert texts(write(tmp_path, "a.txt", b"\xfe\xff" + "мир".encode("utf-16-be"))) == ["мир"]


@pytest.mark.parametrize(
    ("encoding", "text"), [("cp1251", "Пуск завтра"), ("koi8-r", "Пуск завтра"), ("cp1252", "à la")]
)
def test_another_encoding_is_read_when_it_is_named(tmp_path: Path, encoding: str, text: str) -> None:
    assert texts(write(tmp_path, "a.csv", f"text\n{text}\n".encode(encoding)), encoding=encoding) == [text]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_another_encoding_is_an_error_that_shows_the_line(mark: bytes, tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", mark + "text\nfine\nПуск завтра\n".encode("cp1251"))

    with pytest.raises(DataError, match=r"a\.csv:3: byte 0xcf is not UTF-8.*--data\.encoding.*cp1251: 'Пуск завтра'"):
        read(path)


def test_mixed_encodings_are_an_error_with_both_lines(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "text\nПуск\n".encode() + "полёт\n".encode("cp1251"))

    with pytest.raises(DataError, match=r"a\.csv:3: mixed encodings.*line 2 is UTF-8"):
        read(path)
    with pytest.raises(DataError, match=r"a\.csv:2: is UTF-8 here, not cp1251"):
        read(path, encoding="cp1251")


def test_utf_8_is_not_read_as_another_encoding(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.txt:1: is UTF-8 here, not cp1251\. Leave the encoding away"):
        read(write(tmp_path, "a.txt", "Пуск"), encoding="windows-1251")
    with pytest.raises(DataError, match=r"byte-order mark of UTF-8; leave the encoding 'cp1252' away"):
        read(write(tmp_path, "b.txt", "\ufeffa"), encoding="cp1252")


def test_a_short_text_that_is_utf_8_by_chance_is_read_in_the_named_encoding(tmp_path: Path) -> None:
    assert texts(write(tmp_path, "a.txt", "СЁ".encode("cp1251")), encoding="cp1251") == ["СЁ"]


def test_a_byte_that_the_named_encoding_lacks_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.txt:2: byte 0x98 is not CP1251"):
        read(write(tmp_path, "a.txt", b"a\n\x98\n"), encoding="cp1251")


@pytest.mark.parametrize("encoding", ["cp12511", "rot13", "base64", ""])
def test_an_unknown_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(UsageError, match=f"no encoding '{encoding}'"):
        read(write(tmp_path, "a.txt", "a"), encoding=encoding)


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.jsonl", "a.json", "a"])
def test_nul_characters_are_an_error_with_their_line(tmp_path: Path, name: str) -> None:
    before = b'{"text": "a"}' if name == "a.jsonl" else b"text"
    with pytest.raises(DataError, match=rf"{name}:2: holds NUL characters"):
        read(write(tmp_path, name, before + b"\na\0b\n"))


# Nothing to read


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "the file is empty"),
        ("a.csv", "\ufeff", "the file is empty"),
        ("a.txt", "\n \n", "holds no tweet"),
        ("a.csv", "id,created_at,text\n", "holds no tweet"),
        ("a.json", "[]", "holds no tweet"),
        ("tweets.js", "window.YTD.tweets.part0 = []", "holds no tweet"),
        ("a.xyz", "some words\n", r"cannot tell what kind of file this is; expected \.csv"),
    ],
)
def test_a_file_without_a_tweet_is_an_error(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(DataError, match=f"{name}: {message}"):
        read(write(tmp_path, name, content))


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.csv: cannot be read: No such file"):
        read(tmp_path / "nothing.csv")


def test_one_tweet_is_enough(tmp_path: Path) -> None:
    assert read(write(tmp_path, "a.csv", "text\nмир")) == [Tweet("", None, "мир")]


# The files of the measurements


@pytest.mark.parametrize(
    ("name", "count", "first"),
    [
        ("spacex.csv.xz", 3148, LAUNCH),
        ("fortunes_ru_le280.csv.xz", 19895, None),
        ("gazprom_lemmas_2017.csv.xz", 497, None),
    ],
)
def test_the_files_of_the_measurements_are_read(name: str, count: int, first: datetime | None) -> None:
    path = Path(__file__).parents[4] / "shared" / "data" / "text" / "tweets" / name
    if not path.exists():
        pytest.skip(f"../shared/data/text/tweets/{name} is not there")

    tweets = read(path)

    assert (len(tweets), tweets[0].created_at) == (count, first)

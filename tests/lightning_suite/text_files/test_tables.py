"""Tables: the delimiter, quotation marks, line breaks in fields, and the lines of rows and of mistakes."""

import csv
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_suite.errors import DataError
from lightning_suite.text_files import Table, column_of, find_name, read_table


def table(content: str, name: str = "a.csv", **options: Any) -> Table:
    return read_table(name, content=content.encode(), **options)


def rows(content: str, name: str = "a.csv", **options: Any) -> list[list[str]]:
    return [fields for _, fields in table(content, name, **options).rows]


def numbered(content: str, name: str = "a.csv") -> list[tuple[int, list[str]]]:
    return list(table(content, name).rows)


# Delimiters


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_shows_in_the_first_lines(name: str, delimiter: str) -> None:
    content = f"id{delimiter}text\n1{delimiter}one\n2{delimiter}two\n"

    assert table(content, name).header == ["id", "text"]
    assert rows(content, name) == [["1", "one"], ["2", "two"]]


@pytest.mark.parametrize(
    ("name", "content", "delimiter"),
    [
        ("a.csv", "id;text\n1;раз, два\n2;три\n", ";"),
        ("a.csv", "id\ttext\n1\tраз, два\n2\tтри, четыре\n", "\t"),
        ("a.csv", '"a;b","c"\n1,2\n', ","),
        ("a.tsv", "id\ttext\n1\tраз; два\n", "\t"),
        ("a.tsv", "earn\tshares, say\nacq\ta firm, sold\n", "\t"),
        ("a.tsv", "text\nраз, два\n", "\t"),
        ("a.csv", "text\nnothing to part\n", ","),
        ("a.csv", "id,text\n1,a;b\n2,c;d\n", ","),
        ("a.csv", "id,text\n1\n2\n", ","),
        ("a.csv", '\n\nid;text\n1;"a\nb, c\n, d"\n', ";"),
    ],
)
def test_commas_in_texts_do_not_mislead(name: str, content: str, delimiter: str) -> None:
    assert table(content, name).delimiter == delimiter


def test_a_delimiter_may_be_named() -> None:
    assert rows("a,b;c\n1,2;3\n", delimiter=";") == [["1,2", "3"]]


# Quotation marks


def test_fields_hold_quotation_marks_delimiters_and_line_breaks() -> None:
    content = 'id,text\r\n1,"Он сказал: ""да"",\r\nи ушёл"\r\n2,"a\nb"\r\n3,it\'s 5" long\r\n'

    assert numbered(content) == [
        (2, ["1", 'Он сказал: "да",\r\nи ушёл']),
        (4, ["2", "a\nb"]),
        (6, ["3", "it's 5\" long"]),
    ]


@given(
    header=st.lists(st.text(st.sampled_from("abc"), min_size=1), min_size=2, max_size=2),
    fields=st.lists(st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0"))] * 2)),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_csv_module_writes_is_read_again(
    header: list[str], fields: list[tuple[str, str]], delimiter: str, end: str
) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([header, *fields])

    assert rows(file.getvalue(), delimiter=delimiter) == [list(pair) for pair in fields]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('text\tlabel\n"he said ""no"""\tx\n"a\tb"\ty\n', [['he said "no"', "x"], ["a\tb", "y"]]),
        ('text\tlabel\n"open\tx\n"good" film\ty\nnext\tx\n', [['"open', "x"], ['"good" film', "y"], ["next", "x"]]),
        ('id\ttext\n1\t"Да" сказал он\n2\tнет\n', [["1", '"Да" сказал он'], ["2", "нет"]]),
        ('id\ttext\n1\t"two\nlines"\n2\t"\n3\tend\n', [["1", "two\nlines"], ["2", '"'], ["3", "end"]]),
        ('text\tlabel\n"two\r\n""lines"""\tx\n', [['two\r\n"lines"', "x"]]),
        ('text\tlabel\n\'tis 5" long\tx\n""\ty\n', [["'tis 5\" long", "x"], ["", "y"]]),
        ('topic\ttext\nacq\t"buy\nearn\tsell\n', [["acq", '"buy'], ["earn", "sell"]]),
        ('text\n"two\nlines\n"\nnext\n', [["two\nlines\n"], ["next"]]),
        ('id\ttext\n1\t"two\nlines\tand a tab"\n2\tnext\n', [["1", "two\nlines\tand a tab"], ["2", "next"]]),
        ('id\ttext\n1\t"two\n\n2\tlines"\n3\t5" long\n', [["1", '"two'], [], ["2", 'lines"'], ["3", '5" long']]),
        ('id\ttext\n1\t"two\n2\tlines"\n3\t"open\n', [["1", '"two'], ["2", 'lines"'], ["3", '"open']]),
        ('id\ttext\n1\t"a\tb\n\n"\n2\t5" long\n', [["1", "a\tb\n\n"], ["2", '5" long']]),
        ('text\n\n"two\n\nlines"\n', [[], ["two\n\nlines"]]),
        ('text\n"two\nlines"\n"open\n"one"\n', [["two\nlines"], ['"open'], ["one"]]),
        ('"topic"\t"te""xt"\nacq\tbuy\n', [["acq", "buy"]]),
    ],
)
def test_quotation_marks_between_tabs_count_where_they_fit(content: str, expected: list[list[str]]) -> None:
    assert rows(content, "a.tsv") == expected


@given(
    rows=st.lists(st.tuples(*[st.text(st.sampled_from('ab "\t\n'))] * 2)),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_marks_that_a_program_wrote_between_tabs_enclose_fields(rows: list[tuple[str, str]], quoting: Any) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter="\t", lineterminator="\n", quoting=quoting).writerows([("id", "text"), *rows])

    assert [fields for _, fields in table(file.getvalue(), delimiter="\t").rows] == [list(row) for row in rows]


def test_a_mark_that_never_ends_takes_in_no_file() -> None:
    lines = 20_000 * "next\n"

    assert rows(f'text\n"open\n{lines}', "a.tsv")[:2] == [['"open'], ["next"]]
    assert len(rows(f'text\n"open\n{lines}"\n', "a.tsv")) == 20_002


def test_tabs_in_a_pipe_that_can_be_read_only_once(tmp_path: Path) -> None:
    pipe = tmp_path / "a.tsv"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as threads:
        threads.submit(pipe.write_text, 'id\ttext\n1\t"two\nlines"\n2\t"next"\n')
        assert list(read_table(pipe).rows) == [(2, ["1", "two\nlines"]), (4, ["2", "next"])]


def test_lines_are_counted_through_fields_that_hold_them() -> None:
    assert numbered('a\tb\n"1\n2"\tx\n\n3\ty\n', "a.tsv") == [(2, ["1\n2", "x"]), (4, []), (5, ["3", "y"])]
    assert numbered('a\tb\n"1\n2"\tx\n\n3"\ty\n', "a.tsv") == [(2, ["1\n2", "x"]), (4, []), (5, ['3"', "y"])]
    assert numbered('a,b\n"1\r2",x\r\n\r\n3,y\r\n') == [(2, ["1\r2", "x"]), (4, []), (5, ["3", "y"])]


def test_other_characters_that_unicode_breaks_lines_at_stay_in_fields() -> None:
    assert rows("a,b\n1\u20282,\x85\x0b\x1c\n") == [["1\u20282", "\x85\x0b\x1c"]]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_a_field_of_ten_million_bytes_is_read_and_the_limit_put_back(name: str) -> None:
    delimiter = "," if name == "a.csv" else "\t"
    before = csv.field_size_limit(1000)

    try:
        for mark in ("", '"'):
            field = rows(f"id{delimiter}text\n1{delimiter}{mark}{'я' * 5_000_000}{mark}\n", name)[0][1]
            assert len(field) == 5_000_000
        assert csv.field_size_limit() == 1000
    finally:
        csv.field_size_limit(before)


# Headers and rows


def test_blank_lines_before_the_header_are_skipped_and_later_ones_are_empty_rows() -> None:
    found = table("\n \nid , text\n\n1,\n ,\n \n")

    assert (found.header, found.header_line) == (["id", "text"], 3)
    assert list(found.rows) == [(4, []), (5, ["1", ""]), (6, [" ", ""]), (7, [])]


def test_a_blank_line_of_one_column_is_an_empty_row_and_a_space_is_a_text() -> None:
    assert rows("text\n\n \n") == [[], [" "]]


@pytest.mark.parametrize("line", ['""', ",", ",,,", "\u2028", "\x0b"])
def test_a_row_that_only_looks_blank_is_no_blank_line(line: str) -> None:
    table = read_table("a.csv", content=f"id,text,label\n1,a,x\n{line}\n2,b,y\n".encode())
    with pytest.raises(DataError, match=r"a\.csv:3: has \d fields, but the header has 3"):
        list(table.rows)


def test_a_table_without_header_begins_with_its_first_row() -> None:
    assert table("1;a\n2;b\n", has_header=False).header == []
    assert rows("1;a\n2;b\n", has_header=False) == [["1", "a"], ["2", "b"]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "a.csv: the file is empty"),
        ("\n \n", "a.csv: holds blank lines only; expected a table"),
        ('id,text\n1,"a\na"\n2\n', "a.csv:4: has 1 fields, but the header has 2"),
        ("id,text\n1,b,c\n", "a.csv:2: has 3 fields, but the header has 2.*stands in quotation marks"),
        ('id,text\n1,a\n2,"b\n3,c\n', "a.csv:3: the row that begins here is not CSV: unexpected end of data"),
        ('id,text\n1,"a" b\n', "a.csv:2: the row that begins here is not CSV: ',' expected after '\"'"),
        ("id,text\n1,\0\n", "a.csv:2: holds NUL characters, the first at offset 10"),
        ('id\ttext\n"open\n3\tc\n', "a.csv:2: has 1 fields, but the header has 2"),
    ],
)
def test_a_broken_table_is_an_error_with_its_line(content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows(content)


def test_a_first_row_without_header_swallows_no_line() -> None:
    assert rows('earn\t"shares\nacq\tbuy "\n', "a.tsv", has_header=False) == [["earn", '"shares'], ["acq", 'buy "']]


def test_rows_without_a_header_are_as_wide_as_the_first() -> None:
    with pytest.raises(DataError, match=r"a\.csv:2: has 3 fields, but the first row has 2"):
        rows("1,2\n3,4,5\n", has_header=False)
    with pytest.raises(DataError, match=r"a\.csv: holds blank lines only; expected a table"):
        rows("\n", has_header=False)


def test_rows_before_a_mistake_are_given() -> None:
    reader = table("a,b\n1,2\n3\n").rows

    assert next(reader) == (2, ["1", "2"])


# Names of columns


@pytest.mark.parametrize("name", ["Tweet Text", "tweet-text", "TWEET_TEXT", "tweet.text"])
def test_capitals_spaces_and_hyphens_of_a_name_do_not_matter(name: str) -> None:
    assert find_name(["id", name], ["tweet_text"]) == name


def test_a_name_as_it_is_written_comes_first() -> None:
    assert find_name(["Text", "text"], ["text"]) == "text"
    assert find_name(["label", "text"], ["said", "text", "label"]) == "text"
    assert find_name(["id"], ["", "text"]) is None


def test_a_column_that_the_header_names_twice_is_an_error_where_it_is_wanted() -> None:
    found = table("id,text,id\n")

    assert column_of(found, ["text"]) == 1
    with pytest.raises(DataError, match=r"a\.csv:1: the header names the column 'id' more than once"):
        column_of(found, ["id"])

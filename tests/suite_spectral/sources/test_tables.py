"""Tables: which line names the columns, which columns are numbers, and where a wrong cell stands."""

import io
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from lightning_suite.errors import DataError
from suite_spectral.sources.table_files import Wanted, read_csv, read_json_table, read_parquet, read_spaced
from suite_spectral.sources.tables import Table, is_number

PLACE = Path("table.csv")


def table(content: str, wanted: Wanted | None = None, header: bool | None = None, name: str = "table.csv") -> Table:
    return read_csv(Path(name), wanted, header=header, content=content.encode())


def arrow(**columns: object) -> Table:
    file = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), file)
    return read_parquet(PLACE, file.getvalue())


@pytest.mark.parametrize(
    ("content", "wanted", "names"),
    [
        ("x,y\n1,2\n", Wanted(), ["x", "y"]),
        ("1,2\n3,4\n", Wanted(), ["0", "1"]),
        ("x,2020\n1,2\n", Wanted(), ["0", "1"]),
        ("x,2020\n1,2\n", Wanted(numbers=["x"]), ["x", "2020"]),
        ("x,2020\n1,2\n", Wanted(numbers=[0]), ["x", "2020"]),
        ("1,a\n2,b\n", Wanted(numbers=[0]), ["0", "1"]),
        ("earn,shares rose\nacq,firm sold\n", Wanted(texts=[1], label=0), ["0", "1"]),
        ("topic,text\nacq,firm sold\n", Wanted(texts=["text"], label=0), ["topic", "text"]),
        ("size,kind\n1,a\n", Wanted(label=1), ["size", "kind"]),
    ],
)
def test_a_header_is_told_from_a_row(content: str, wanted: Wanted, names: list[str]) -> None:
    assert table(content, wanted).names == names


@pytest.mark.parametrize(("header", "rows"), [(True, 1), (False, 2)])
def test_whether_there_is_a_header_may_be_said(header: bool, rows: int) -> None:
    assert len(table("1,2\n3,4\n", header=header)) == rows


@pytest.mark.parametrize(
    "content", ["x,y\n1,2\n", "x;y\n1;2\n", "x\ty\n1\t2\n", "x|y\r\n1|2\r\n", '"x","y"\n"1"," 2 "']
)
def test_cells_are_told_apart(content: str) -> None:
    assert table(content).numbers(None).values.tolist() == [[1, 2]]


def test_columns_of_words_are_left_out_and_named() -> None:
    found = table("x,who,empty\n1,Ann,\n2,Bob,\n").numbers(None)
    assert (found.names, found.left_out) == (["x"], ["who ('Ann')", "empty (empty)"])


def test_a_column_that_is_named_must_be_numbers() -> None:
    with pytest.raises(DataError, match=r"table.csv:3: column 'y': expected numbers, got 'two'"):
        table("x,y\n1,1\n2,two\n").numbers(["y"])


def test_one_wrong_cell_does_not_make_a_column_words() -> None:
    rows = "".join(f"{i},{i}\n" for i in range(50))
    with pytest.raises(DataError, match=r"table.csv:52: column 'y' is made of numbers but for 'l1'"):
        table(f"x,y\n{rows}1,l1\n").numbers(None)


def test_missing_cells_are_not_numbers_yet_no_words() -> None:
    values = table("x,y\n1,NA\n2,\n3,4\n").numbers(None).values
    assert np.isnan(values[:, 1]).tolist() == [True, True, False]


def test_lines_are_counted_through_blank_ones_and_quotes() -> None:
    found = table('x,y\n\n"a\nb",1\n\nc,2\n')
    assert (found.line(0), found.line(1)) == (3, 6)
    assert table("\n \nx,y\n\n1,2\n\n3,4\n").line(1) == 7


def test_a_line_with_too_few_cells_is_refused() -> None:
    with pytest.raises(DataError, match=r"table.csv:4: has 1 fields, but the header has 2"):
        table("x,y\n\n1,2\n3\n4,5,6\n")


def test_a_quote_that_is_never_closed_is_refused_where_it_opens() -> None:
    with pytest.raises(DataError, match=r"table.csv:3: the row that begins here is not CSV"):
        table('x,y\n1,2\n3,"4\n5,6\n7,8\n')


def test_a_lone_quote_between_tabs_is_a_sign_like_others() -> None:
    content = 'topic\ttext\nacq\t"buy\nearn\tsell\n'
    assert table(content, Wanted(texts=["text"]), name="a.tsv").texts("text") == ['"buy', "sell"]


@pytest.mark.parametrize(
    ("content", "message"), [("\n\n", "holds blank lines only"), ("x,y\n", "a header, but no row")]
)
def test_a_table_without_rows_is_refused(content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        table(content)


def test_a_column_is_found_by_its_number_too() -> None:
    assert table("x,y\n1,2\n").numbers([1]).values.tolist() == [[2]]


def test_a_mistyped_column_is_answered_with_the_nearest() -> None:
    with pytest.raises(DataError, match=r"no column 'widht'; there are 2: 'width', 'depth'\. Did you mean 'width'\?"):
        table("width,depth\n1,2\n").numbers(["widht"])


def test_two_columns_of_one_name_are_not_guessed_between() -> None:
    with pytest.raises(DataError, match="there are 2 columns 'x'; give the number"):
        table("x,x\n1,2\n").numbers(["x"])


def test_two_columns_of_one_name_are_both_points() -> None:
    assert table("x,x\n1,2\n").numbers(None).values.tolist() == [[1, 2]]


def test_words_alone_are_no_points() -> None:
    with pytest.raises(DataError, match=r"no column is made of numbers; there are who \('Ann'\)"):
        table("who\nAnn\n").numbers(None)


def test_parquet_of_single_precision_stays_so() -> None:
    assert arrow(x=pyarrow.array([1, 2], pyarrow.float32())).numbers(None).values.dtype == np.float32


def test_parquet_lists_of_one_length_are_columns() -> None:
    found = arrow(embedding=[[1.0, 2.0], [3.0, 4.0]]).numbers(None)
    assert (found.values.tolist(), found.names) == ([[1, 2], [3, 4]], ["embedding[0]", "embedding[1]"])


def test_parquet_numbers_are_labels_too() -> None:
    assert arrow(y=[1.0, 2.5, None]).texts("y") == ["1", "2.5", ""]


def test_what_is_no_parquet_is_refused() -> None:
    with pytest.raises(DataError, match="cannot be read as parquet"):
        read_parquet(PLACE, b"junk")


@pytest.mark.parametrize(
    ("cell", "answer"), [("1", True), ("-1e3", True), ("nan", True), ("", False), ("1_0", False), ("x", False)]
)
def test_numbers_are_told_from_words(cell: str, answer: bool) -> None:
    assert is_number(cell) is answer


@pytest.mark.parametrize("content", ["x,y\n1,2\n\n3,4\n", "x,y\r\n1,2\r\n3,4", "\nx;y\n1;2\n3;4\n,\n"[:-2]])
def test_a_plain_table_and_one_with_quotes_are_the_same(content: str) -> None:
    quoted = content.replace("3", '"3"')
    for found in (table(content), table(quoted)):
        assert (found.names, found.numbers(None).values.tolist()) == (["x", "y"], [[1, 2], [3, 4]])


def test_a_name_is_found_but_for_capitals_and_spaces() -> None:
    found = table("Class Name,x\na,1\n", Wanted(label="class_name"))
    assert (found.texts("class_name"), found.find("kind")) == (["a"], None)


def test_json_lines_are_rows() -> None:
    content = b'{"x": 1, "y": 0.5, "who": "Ann"}\n\n{"x": 2, "who": "Bob", "more": [1]}\n'
    found = read_json_table(Path("a.jsonl"), content=content)
    assert (found.names, found.texts("who"), found.line(1)) == (["x", "y", "who", "more"], ["Ann", "Bob"], 3)
    values = found.numbers(["x", "y"]).values
    assert values[:, 0].tolist() == [1, 2]
    assert np.isnan(values[1, 1])


def test_a_key_of_more_than_one_type_is_text() -> None:
    content = b'{"x": 1}\n{"x": "one"}\n{"x": null}\n'
    assert read_json_table(Path("a.jsonl"), content=content).texts("x") == ["1", "one", ""]


def test_lines_of_numbers_are_as_wide_as_the_first() -> None:
    assert read_spaced(PLACE, [(1, "1 2"), (4, "3,\t4")]).numbers(None).values.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(DataError, match=r"table.csv:4: has 3 fields, but the first row has 2"):
        read_spaced(PLACE, [(1, "1 2"), (4, "3 4 5")])


@pytest.mark.parametrize("content", ["\x1c\n\x1d\n", "\u2003\n\u2028\n", "\x85,\x85\n\x85,\x85\n", "\u2028"])
def test_rows_of_blanks_that_end_no_line_have_no_numbers(content: str) -> None:
    with pytest.raises(DataError, match=r"table.csv"):
        table(content).numbers(None)

"""Aligned columns: a last column that fits the terminal, and numbers under each other."""

import pytest

from lightning_suite.tables import clip, listing, one_line, table, terminal_width

ROWS = [("a", "first", "one two three four five six seven"), ("long", "b", "short")]


def test_columns_are_aligned() -> None:
    assert listing(ROWS, None) == "a     first  one two three four five six seven\nlong  b      short"


def test_the_last_column_is_wrapped_under_itself() -> None:
    rows = [("name", "word " * 20)]
    lines = listing(rows, 50).splitlines()
    assert all(len(line) <= 50 for line in lines)
    assert all(line.startswith("      word") for line in lines[1:])


def test_where_little_is_left_the_last_column_stands_on_lines_of_its_own() -> None:
    lines = listing(ROWS, 30).splitlines()
    assert lines[0] == "a     first"
    assert lines[1].startswith("    one two")
    assert all(len(line) <= 30 for line in lines)


def test_no_rows_are_no_text() -> None:
    assert listing([], 80) == ""


def test_numbers_stand_to_the_right_and_words_to_the_left() -> None:
    expected = "name  value\n----  -----\nlong  10.25\na         3"
    assert expected == table(["name", "value"], [["long", "10.25"], ["a", "3"]])


def test_a_table_without_rows_is_its_head() -> None:
    assert table(["a", "bc"], []) == "a  bc\n-  --"


def test_the_width_is_taken_from_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "77")
    assert terminal_width() == 77


def test_output_that_no_terminal_shows_has_no_width(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert terminal_width() is None


def test_a_clipped_text_has_the_width() -> None:
    assert clip("a long summary", 8) == "a long…"
    assert clip("short", 8) == "short"


def test_a_long_text_keeps_both_its_ends() -> None:
    said = one_line("begin " + "x" * 1000 + " end", 50)
    assert said.startswith("begin")
    assert said.endswith("end")
    assert len(said) <= 55


def test_a_terminal_obeys_nothing_in_a_cell() -> None:
    for text in (table(["metric", "value"], [["\x1b[31mred", "1"]]), listing([("\x9b2Jname", "\x07bell")], 80)):
        assert all(line.isprintable() for line in text.splitlines())
    assert r"\x1b[31mred" in table(["metric", "value"], [["\x1b[31mred", "1"]])

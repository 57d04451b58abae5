"""Tables for people."""

from lightning_suite.tables import table


def test_numbers_stand_to_the_right_and_words_to_the_left() -> None:
    expected = "name  value\n----  -----\nlong  10.25\na         3"
    assert expected == table(["name", "value"], [["long", "10.25"], ["a", "3"]])


def test_a_table_without_rows_is_its_head() -> None:
    assert table(["a", "bc"], []) == "a  bc\n-  --"

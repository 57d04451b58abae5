"""What messages may quote."""

from lightning_suite.errors import LONGEST, DataError, SuiteError


def test_a_message_moves_no_cursor_and_changes_no_colour() -> None:
    error = DataError("no column 'a\x1b]0;title\x07b\u202e\x9bc\ud83d'", "свет\r.csv", 3)
    assert str(error) == r"свет\r.csv:3: no column 'a\x1b]0;title\x07b\u202e\x9bc\ud83d'"


def test_the_lines_of_a_message_stay_and_a_very_long_one_is_cut_in_its_middle() -> None:
    shown = str(SuiteError("one\n" + "begin" + "x" * 100_000 + "end\ntwo")).split("\n")
    assert len(shown) == 3
    assert len(shown[1]) <= LONGEST
    assert shown[1].startswith("beginx")
    assert shown[1].endswith("xend")
    assert str(SuiteError("x" * LONGEST)) == "x" * LONGEST
    assert len(str(SuiteError("\t" * LONGEST))) <= LONGEST

"""Objects of JSON, one a line: blank lines count, and a wrong line is told."""

import json

import pytest

from lightning_suite.errors import DataError
from lightning_suite.text_files import read_jsonl


def test_each_line_is_an_object_and_a_blank_one_has_no_keys() -> None:
    content = '{"text": "a\u2028b"}\r\n \r\n{"text": "\\ud83d"}'.encode()

    assert list(read_jsonl("a.jsonl", content=content)) == [(1, {"text": "a\u2028b"}), (2, {}), (3, {"text": "\ud83d"})]


def test_utf_16_and_another_encoding_are_read() -> None:
    line = json.dumps({"text": "мир"}, ensure_ascii=False)

    assert list(read_jsonl("a.jsonl", content=line.encode("utf-16"))) == [(1, {"text": "мир"})]
    assert list(read_jsonl("a.jsonl", content=line.encode("cp1251"), encoding="cp1251")) == [(1, {"text": "мир"})]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": ', "a.jsonl:2: not a JSON object: Expecting value, at column 10"),
        ('{"text": "a"} {"text": "b"}', "a.jsonl:2: not a JSON object: Extra data, at column 15"),
        ('["b"]', r"a.jsonl:2: expected one JSON object a line, got '\[\"b\"\]'"),
        ("{}", "a.jsonl:2: expected one JSON object a line, got '{}'"),
        ("null", "a.jsonl:2: expected one JSON object a line, got 'null'"),
        ("[" * 100_000, "a.jsonl:2: not a JSON object"),
        ('{"n": ' + "1" * 5000 + "}", "a.jsonl:2: not a JSON object: Exceeds the limit"),
    ],
)
def test_a_wrong_line_is_an_error_with_its_number(line: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(read_jsonl("a.jsonl", content=f'{{"text": "a"}}\n{line}\n'.encode()))

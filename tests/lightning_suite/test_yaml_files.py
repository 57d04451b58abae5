"""YAML files of options: one dialect, and a mistake is said with file and line."""

from pathlib import Path

import pytest

from lightning_suite.yaml_files import read_options


def written(folder: Path, text: str) -> Path:
    file = folder / "options.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("-2E3", -2000.0),
        (".5e1", 5.0),
        ("1.5", 1.5),
        ("3", 3),
        ("1e", "1e"),
        ("2020-01-31", "2020-01-31"),
    ],
)
def test_a_number_may_have_an_exponent_alone_and_a_date_is_text(text: str, value: object, tmp_path: Path) -> None:
    actual = read_options(written(tmp_path, f"a: {text}\n"))["a"]
    assert (type(actual), actual) == (type(value), value)


def test_an_empty_file_has_no_options(tmp_path: Path) -> None:
    assert read_options(written(tmp_path, "# nothing\n")) == {}


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert read_options(written(tmp_path, "\ufeffseed: 1\n")) == {"seed": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "options.yaml:"),
        ("- 1\n", ":1: expected options by name, got list"),
        ("3: 4", "'3' is not the name of an option"),
        ("seed: 1\nmodel: {hidden: 1,\n  hidden: 2}", ":2: 'hidden' stands here twice"),
        ("seed: 1\nseed: 2", ":1: 'seed' stands here twice"),
        ("model:\n\tx: 1", ":2: "),
        ("model: {x: !!python/name:os.system }", ":1: could not determine a constructor"),
        ("? [a]\n: 1\n", "found unhashable key"),
    ],
)
def test_what_is_no_mapping_of_options_is_refused_with_file_and_line(text: str, message: str, tmp_path: Path) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ValueError, match=r"options\.yaml") as error:
        read_options(file)
    assert str(error.value).startswith(str(file))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_bytes_that_are_no_utf_8_are_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: caf\xe9\n")
    with pytest.raises(ValueError, match=r"latin\.yaml: .*position 6"):
        read_options(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a0: &a0 [1, 1]\n" + "".join(f"a{i + 1}: &a{i + 1} [*a{i}, *a{i}]\n" for i in range(40)), "grow beyond"),
        ("a: &a [*a]\n", "too deep"),
        ("a: " + "[" * 500 + "]" * 500, "too deep"),
        ("a: " + "[" * 50_000, "deep|depth"),
    ],
    ids=["laughs", "in itself", "deep", "deeper"],
)
def test_what_grows_without_end_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        read_options(written(tmp_path, text))


def test_an_alias_stands_for_its_value(tmp_path: Path) -> None:
    assert read_options(written(tmp_path, "a: &a [1, {b: 2}]\nc: *a\n")) == {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}

"""The readers: what each format means, that nothing is dropped uncounted, and that mistakes have file and line."""

import bz2
import gzip
import json
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from lightning_suite.errors import DataError, UsageError
from suite_dsa.sources.columns import Columns
from suite_dsa.sources.examples import NLI_LABELS, SST_BINARY, SST_FINE, Table, Unlabelled
from suite_dsa.sources.label_text import read_rated
from suite_dsa.sources.reading import read, read_unlabelled

TREES = "(3 (2 It) (4 (2 -LRB-) (4 works\\/plays)))\n(2 (2 So) (2 (1 so) (2 .)))\n(0 (2 It) (0 fails))\n"


def write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_bytes(content.encode())
    return path


def table(path: Path, classes: int | None = None, phrases: bool = False, **columns: str) -> Table:
    return read(path, Columns(**columns), classes, phrases)


def rows(result: Table) -> list[tuple[Any, ...]]:
    return [(*example.texts, example.label) for example in result.examples]


# Columns by name


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "id\ttext\tlabel\n1\tso good\tpos\n2\tso bad\tneg\n"),
        ("a.csv", "id,text,label\r\n1,so good,pos\r\n2,so bad,neg\r\n"),
        ("a.jsonl", '{"id": 1, "text": "so good", "label": "pos"}\n{"text": "so bad", "label": "neg"}\n'),
    ],
)
def test_columns_are_found_by_their_usual_names(tmp_path: Path, name: str, content: str) -> None:
    assert rows(table(write(tmp_path, name, content))) == [("so good", "pos"), ("so bad", "neg")]


def test_columns_are_found_by_given_names(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", "said\tanswer\tkind\na\tb\tx\n")

    assert rows(table(path, text="said", pair="answer", label="kind")) == [("a", "b", "x")]
    assert rows(table(path, text="said", label="kind")) == [("a", "x")]


def test_numbers_are_labels_too(tmp_path: Path) -> None:
    assert rows(table(write(tmp_path, "a.jsonl", '{"text": "a", "label": 1}'))) == [("a", "1")]


def test_a_tsv_field_in_quotation_marks_loses_them(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", 'text\tlabel\n"he said ""no"""\tx\n"a\tb"\tx\n')

    assert rows(table(path)) == [('he said "no"', "x"), ("a\tb", "x")]


def test_a_tsv_field_that_merely_begins_with_a_quotation_mark_swallows_no_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", 'text\tlabel\n"open\tx\n"good" film\ty\nnext\tx\n')

    assert rows(table(path)) == [('"open', "x"), ('"good" film', "y"), ("next", "x")]


def test_a_csv_field_may_hold_line_breaks_and_later_lines_keep_their_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", 'text,label\n"two\nlines",x\nplain,y\n')

    assert rows(table(path)) == [("two\nlines", "x"), ("plain", "y")]
    assert [example.line for example in table(path).examples] == [2, 4]


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.jsonl"])
def test_a_line_of_100_000_words_is_read(tmp_path: Path, name: str) -> None:
    text = "word " * 100_000
    content = {
        "a.tsv": f"text\tlabel\n{text}\tx\n",
        "a.csv": f'text,label\n"{text}",x\n',
        "a.jsonl": json.dumps({"text": text, "label": "x"}),
    }[name]

    assert rows(table(write(tmp_path, name, content))) == [(text, "x")]


def test_blank_lines_are_counted(tmp_path: Path) -> None:
    assert table(write(tmp_path, "a.tsv", "text\tlabel\na\tx\n\nb\ty\n")).dropped == {"blank lines": 1}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", "", r"a\.tsv: the file is empty"),
        ("a.tsv", "text\tlabel\n", r"a\.tsv: holds no labelled example"),
        ("a.tsv", "words\tlabel\na\tx\n", r"a\.tsv:1: expected a column 'text'.*; columns: words, label"),
        ("a.tsv", "text\tmark\na\tx\n", r"a\.tsv:1: .*; columns: text, mark.*--data.label_column"),
        ("a.tsv", "text\tlabel\na\tx\nb\n", r"a\.tsv:3: has 1 fields, but the header has 2"),
        ("a.tsv", "text\tlabel\na\t \n", r"a\.tsv:2: expected a label in 'label', got ' '"),
        ("a.txt", "good a film\n a dull one\n", r"a\.txt:2: expected a label, a space and the text, got ' a dull"),
        ("a.txt", "good a film\n\u2028\n", r"a\.txt:2: expected a label, a space and the text, got '\\u2028'"),
        ("a.csv", 'text,label\n"open,x\n', r"a\.csv:2: the row that begins here is not CSV"),
        ("a.csv", "text,label\na,b,x\n", r"a\.csv:2: has 3 fields"),
        ("a.jsonl", "\n", r"a\.jsonl: holds no labelled example \(left out: 1 blank lines\)"),
        ("a.jsonl", "{broken\n", r"a\.jsonl:1: not a JSON object"),
        ("a.jsonl", "[1, 2]\n", r"a\.jsonl:1: expected one JSON object a line"),
        ("a.jsonl", '{"text": "a", "label": "x"}\n{"text": "b"}\n', r"a\.jsonl:2: expected a label .*got None"),
        ("a.jsonl", '{"text": 3, "label": "x"}\n', r"a\.jsonl:1: expected text in 'text', got 3"),
        ("a.jsonl", "[" * 100_000, r"a\.jsonl:1: "),
    ],
)
def test_a_broken_table_is_refused_with_its_position(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        table(write(tmp_path, name, content))


def test_a_missing_column_names_those_there_are(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", "text\tlabel\na\tx\n")

    with pytest.raises(DataError, match=r"no column 'said' \(--data.text_column\); columns: text, label"):
        table(path, text="said")


# NLI


def test_pairs_without_majority_are_dropped_and_counted(tmp_path: Path) -> None:
    lines = [
        {"gold_label": label, "sentence1": "p", "sentence2": "h", "pairID": "1"}
        for label in ("neutral", "-", "entailment")
    ]
    result = table(write(tmp_path, "snli_1.0_dev.jsonl", "\n".join(map(json.dumps, lines))))

    assert rows(result) == [("p", "h", "neutral"), ("p", "h", "entailment")]
    assert result.dropped == {"without majority label": 1}
    assert result.labels == NLI_LABELS


def test_infersent_files_are_read_together(tmp_path: Path) -> None:
    write(tmp_path, "s2.train", "h1\nh2\n")
    write(tmp_path, "labels.train", "neutral\ncontradiction\n")

    result = table(write(tmp_path, "s1.train", "p1\np2\n"))

    assert rows(result) == [("p1", "h1", "neutral"), ("p2", "h2", "contradiction")]


def test_infersent_files_of_other_lengths_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "s2.dev", "h1\n")
    write(tmp_path, "labels.dev", "neutral\nneutral\n")

    with pytest.raises(DataError, match=r"s1\.dev 2, s2\.dev 1, labels\.dev 2"):
        table(write(tmp_path, "s1.dev", "p1\np2\n"))


# SST


def test_a_tree_is_its_sentence(tmp_path: Path) -> None:
    result = table(write(tmp_path, "train.txt", TREES))

    assert rows(result) == [("It ( works/plays", "positive"), ("So so .", "neutral"), ("It fails", "very negative")]
    assert result.labels == SST_FINE


def test_phrases_of_trees_come_once_for_each_class(tmp_path: Path) -> None:
    result = rows(table(write(tmp_path, "train.txt", TREES), phrases=True))

    assert result.count(("It", "neutral")) == 1
    assert ("( works/plays", "very positive") in result
    assert ("It ( works/plays", "positive") in result
    assert len(result) == 5 + 5 + 2  # the third tree's It is known


def test_two_classes_leave_neutral_sentences_out_and_count_them(tmp_path: Path) -> None:
    result = table(write(tmp_path, "train.txt", TREES), classes=2)

    assert rows(result) == [("It ( works/plays", "positive"), ("It fails", "negative")]
    assert result.labels == SST_BINARY
    assert result.dropped == {"neutral": 1}


def test_a_broken_tree_is_refused_with_its_position(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t\.txt:2: not a whole tree: 1 brackets"):
        table(write(tmp_path, "t.txt", "(2 (2 a) (2 b))\n(2 (2 a) (2 b)\n"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stsa.fine.train", [("so so", "negative"), ("", "very negative")]),
        ("stsa.binary.train", [("so so", "positive"), ("", "negative")]),
        ("derived.binary.phrases.train", [("so so", "positive"), ("", "negative")]),
        ("custrev.all", [("so so", "1"), ("", "0")]),
    ],
)
def test_lines_of_label_and_text_are_read_by_the_files_name(tmp_path: Path, name: str, expected: list[Any]) -> None:
    assert rows(table(write(tmp_path, name, "1 so so\n0 \n"))) == expected


def test_a_class_that_sst_has_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"stsa\.binary\.dev:2: expected a class 0 to 1 .* got '3 good'"):
        table(write(tmp_path, "stsa.binary.dev", "1 fine\n3 good\n"))


def test_five_classes_cannot_come_from_two(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected 5 classes .*, got 2"):
        table(write(tmp_path, "stsa.binary.dev", "1 fine\n"), classes=5)


def test_other_files_have_no_more_classes_than_are_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "stars.csv", "text,label\nwarm,good\nflat,bad\nlong,neither\n")
    with pytest.raises(DataError, match=r"stars\.csv: expected 2 classes \(--data\.classes\), got 3"):
        table(path, classes=2)
    assert len(table(path, classes=5).examples) == 3


def test_running_text_is_not_read_as_labels(tmp_path: Path) -> None:
    with pytest.raises(
        DataError,
        match=r"a\.txt:101: expected lines of label, space and text.* got more than 100 different first words",
    ):
        table(write(tmp_path, "a.txt", "\n".join(f"word{i} and more" for i in range(200))))


def test_ratings_become_classes_by_their_sign(tmp_path: Path) -> None:
    result = read_rated(write(tmp_path, "r.txt", "1\t2.5\tgood\r\n2\t-0.5\tso\r\n3\t-3\tbad\tvery"), neutral_band=0.5)

    assert rows(result) == [("good", "positive"), ("bad\tvery", "negative")]
    assert result.dropped == {"neutral": 1}


# Inputs to predict


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "one\n\n  \nta\tb\n", [("one",), ("",), ("  ",), ("ta\tb",)]),
        ("a.txt", "p\th\nq\ti\n", [("p", "h"), ("q", "i")]),
        ("a.tsv", "label\ttext\nx\tone\ny\ttwo\n", [("one",), ("two",)]),
        ("a.csv", "anything\none\n\ntwo\n", [("one",), ("",), ("two",)]),
        ("a.tsv", "premise\thypothesis\np\th\n\n", [("p", "h"), ("", "")]),
        ("a.jsonl", '{"text": "one"}\n\n{"text": "two", "label": "?"}\n', [("one",), ("",), ("two",)]),
        ("stsa.fine.test", "3 one\n1 two\n", [("one",), ("two",)]),
        ("trees.test.txt", "(2 (2 one) (2 two))\n\n", [("one two",), ("",)]),
    ],
)
def test_every_line_is_an_input(tmp_path: Path, name: str, content: str, expected: list[tuple[str, ...]]) -> None:
    assert read_unlabelled(write(tmp_path, name, content), Columns(), None) == expected


def test_a_blank_line_is_an_empty_pair_where_pairs_are_expected(tmp_path: Path) -> None:
    assert read_unlabelled(write(tmp_path, "a.txt", "p\th\n\n"), Columns(), 2) == [("p", "h"), ("", "")]


@pytest.mark.parametrize(
    ("name", "content", "width", "message"),
    [
        ("a.txt", "", None, "the file is empty"),
        ("a.tsv", "text\n", None, "expected at least one row below the header"),
        ("a.txt", "p\th\nonly one\n", 2, r"a\.txt:2: expected a pair of sentences.*, got 1"),
        ("a.tsv", "premise\thypothesis\np\th\n", 1, r"a\.tsv:2: expected one sentence, got 2"),
        ("a.tsv", "x\ty\na\tb\n", None, r"a\.tsv:1: expected a column 'text'"),
    ],
)
def test_inputs_of_another_width_are_refused(
    tmp_path: Path, name: str, content: str, width: int | None, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_unlabelled(write(tmp_path, name, content), Columns(), width)


# The hub


class Rows(list[dict[str, Any]]):
    """Stands in for a split of the package ``datasets``."""

    column_names = ("sentence", "label")
    features = {"label": SimpleNamespace(names=["negative", "positive"])}  # noqa: RUF012


def test_a_split_of_the_hub_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    stand_in = ModuleType("datasets")

    def load_dataset(*names: str, split: str) -> Rows:
        asked.append((names, split))
        return Rows([{"sentence": "good", "label": 1}, {"sentence": "?", "label": -1}, {"sentence": "bad", "label": 0}])

    stand_in.load_dataset = load_dataset  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", stand_in)

    result = table(Path("hf:nyu-mll/glue:sst2:train"))

    assert asked == [(("nyu-mll/glue", "sst2"), "train")]
    assert rows(result) == [("good", "positive"), ("bad", "negative")]
    assert result.dropped == {"without label": 1}


def test_a_split_of_the_hub_without_labels_can_be_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = ModuleType("datasets")
    split = Rows([{"sentence": "good", "label": -1}, {"sentence": "bad", "label": -1}])
    stand_in.load_dataset = lambda *names, **options: split  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", stand_in)

    with pytest.raises(Unlabelled, match="2 without label"):
        table(Path("hf:nyu-mll/glue:sst2:test"))
    assert read_unlabelled(Path("hf:nyu-mll/glue:sst2:test"), Columns(), None) == [("good",), ("bad",)]


def test_without_the_package_the_hub_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)

    with pytest.raises(UsageError, match=r"needs the package 'datasets'\. Install it with: pip install 'datasets'"):
        table(Path("hf:stanfordnlp/sst2:train"))


def test_a_hub_without_network_is_an_error_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = ModuleType("datasets")

    def load_dataset(*names: str, split: str) -> Rows:
        raise ConnectionError("no route")

    stand_in.load_dataset = load_dataset  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", stand_in)

    with pytest.raises(DataError, match="ConnectionError: no route"):
        table(Path("hf:stanfordnlp/sst2:train"))


# Real files


@pytest.mark.parametrize(
    ("name", "classes", "phrases", "count"),
    [
        ("sst/trees.train.txt.xz", None, False, 8544),
        ("sst/trees.train.txt.xz", 2, False, 6920),
        ("sst/trees.train.txt.xz", None, True, 159_274),
        ("sst/trees.test.txt.xz", 2, False, 1821),
        ("sst/stsa.fine.dev.xz", None, False, 1101),
        ("sst/derived.binary.phrases.train.xz", None, False, 77_616),
        ("snli/snli.dev.tsv.xz", None, False, 9842),
        ("snli/snli.test.tsv.xz", None, False, 9824),
        ("snli/snli.test.infersent_tok.tsv.xz", None, False, 9824),
        ("nli_extra/snli.train_piece.tsv.xz", None, False, 3660),
        ("nli_extra/cad_revised_combined.train.tsv.xz", None, False, 6664),
        ("nli_extra/breaking_nli.tsv.xz", None, False, 8193),
        ("nli_extra/sick.test.tsv.xz", None, False, 4927),
        ("nli_extra/te_new_protocols.train.tsv.xz", None, False, 33_997),
    ],
)
def test_published_files_have_their_published_counts(
    shared_data: Path, name: str, classes: int | None, phrases: bool, count: int
) -> None:
    assert len(table(shared_data / "text" / name, classes, phrases).examples) == count


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_a_column_that_is_named_twice_is_an_error_of_the_header(name: str, tmp_path: Path) -> None:
    comma = "," if name == "a.csv" else "\t"
    path = write(tmp_path, name, f"label{comma}text{comma}text\ngood{comma}one{comma}two\n")
    with pytest.raises(DataError, match=rf"{name}:1: the header names the column 'text' more than once"):
        table(path)


def test_a_missing_column_is_an_error_of_the_header(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", "class_name\ttext\ngood\tone\n")
    with pytest.raises(DataError, match=r"a\.tsv:1: expected a column 'gold_label'"):
        table(path)


# Labels


@pytest.mark.parametrize("name", ["a.tsv", "a.jsonl", "a.txt"])
def test_minus_one_is_no_label(tmp_path: Path, name: str) -> None:
    labels = ["1", "0", "-1", "1"]
    content = {
        "a.tsv": "text\tlabel\n" + "".join(f"so so\t{label}\n" for label in labels),
        "a.jsonl": "".join(f'{{"text": "so so", "label": {label}}}\n' for label in labels),
        "a.txt": "".join(f"{label} so so\n" for label in labels),
    }[name]
    result = table(write(tmp_path, name, content))

    assert rows(result) == [("so so", "1"), ("so so", "0"), ("so so", "1")]
    assert result.dropped == {"without label": 1}


def test_a_file_whose_labels_are_kept_secret_holds_no_labelled_example(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no labelled example \(left out: 2 without label\)"):
        table(write(tmp_path, "test.tsv", "sentence\tlabel\na\t-1\nb\t-1\n"))


def test_minus_one_is_a_class_beside_one_alone_and_where_it_is_declared(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "text,label\nbad,-1\ngood,1\n")
    three = write(tmp_path, "b.csv", "text,label\nbad,-1\nso so,0\ngood,1\n")

    assert rows(table(path)) == [("bad", "-1"), ("good", "1")]
    assert rows(read(three, Columns(), None, False, labels=("-1", "0", "1")))[0] == ("bad", "-1")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "text,label\na,1\nb,1.0\nc,0\n"),
        ("a.jsonl", '{"text": "a", "label": 1}\n{"text": "b", "label": 1.0}\n{"text": "c", "label": "0.0"}\n'),
        ("a.txt", "1 a\n1.0 b\n0 c\n"),
    ],
)
def test_1_and_1_0_are_one_class(tmp_path: Path, name: str, content: str) -> None:
    assert rows(table(write(tmp_path, name, content))) == [("a", "1"), ("b", "1"), ("c", "0")]


# Text as people have it


@pytest.mark.parametrize("header", ["Text,Label", "TEXT;LABEL", " text , label ", "Review\tSentiment"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_table_is_read_with_any_delimiter_and_encoding(
    tmp_path: Path, header: str, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    delimiter = next(mark for mark in ",;\t" if mark in header)
    (tmp_path / "a.csv").write_bytes(compress(f"{header}\r\nсвет{delimiter}да\r\n".encode(encoding)))

    assert rows(table(tmp_path / "a.csv")) == [("свет", "да")]
    assert read_unlabelled(tmp_path / "a.csv", Columns(), None) == [("свет",)]


def test_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("text,label\nсвет,да\n".encode("cp1251"))

    assert rows(read(tmp_path / "a.csv", Columns(), None, False, encoding="cp1251")) == [("свет", "да")]
    assert read_unlabelled(tmp_path / "a.csv", Columns(), None, encoding="cp1251") == [("свет",)]
    with pytest.raises(DataError, match=r"a\.csv:2: byte 0xf1 is not UTF-8, at offset 11"):
        table(tmp_path / "a.csv")


def test_a_mistyped_column_is_answered_with_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "said,label\na,x\n")

    with pytest.raises(DataError, match=r"no column 'siad' .*Did you mean 'said'\?"):
        table(path, text="siad")
    assert rows(table(path, text="Said")) == [("a", "x")]


# Labels of several words


@pytest.mark.parametrize(
    "content",
    [
        "very negative no\nnegative so\npositive ah\nvery positive yes\n",
        "not good at all\ngood\n",
        "".join(f"strongly {'agree' if i % 2 else 'disagree'} text {i}\nneutral some {i} text\n" for i in range(12)),
    ],
)
def test_labels_of_several_words_are_refused_with_the_way_out(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match=r"a\.txt:1: the label .* is always followed by .*--data\.labels.*or put a tab"):
        table(write(tmp_path, "a.txt", content))


def test_labels_of_several_words_are_read_where_they_are_declared(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "very negative no\nnegative so\nnegative\n-1 so\n")
    result = read(path, Columns(), None, False, labels=("negative", "very negative"))

    assert rows(result) == [("no", "very negative"), ("so", "negative"), ("", "negative")]
    with pytest.raises(
        DataError, match=r"a\.txt:1: expected one of the labels 'neutral', 'negative' and a space, got 'very nega"
    ):
        read(path, Columns(), None, False, labels=("neutral", "negative"))


def test_labels_of_several_words_are_read_before_a_tab(tmp_path: Path) -> None:
    result = table(write(tmp_path, "a.txt", "very negative\tno way\n\nnegative\tso\n"))

    assert rows(result) == [("no way", "very negative"), ("so", "negative")]
    assert result.dropped == {"blank lines": 1}


def test_a_table_without_a_suffix_is_not_read_as_labels(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.txt:1: expected a label, one tab and the text, got 2 tabs.*ends in \.tsv"):
        table(write(tmp_path, "a.txt", "1\tfirst\tsecond\nneutral\ta b\tc d\n"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "good,a warm film\nbad,a dull one\n",
            r"a\.txt:1: .*got a comma in what would be the label: 'good,a warm film'",
        ),
        ("1;2;a warm film\n2;1;a dull one\n", r"a\.txt:1: .*got a semicolon"),
        ("good one\ngood\ta warm film\n", r"a\.txt:2: .*got a tab"),
        ("label text\ngood a warm film\n", r"a\.txt:1: seems to name columns"),
        ('[{"text": "a", "label": "x"}]\n', r"a\.txt: expected one JSON object a line, got a list"),
    ],
)
def test_labels_that_look_like_a_table_are_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        table(write(tmp_path, "a.txt", content))


def test_ordinary_label_text_is_not_refused(tmp_path: Path) -> None:
    content = "".join(f"{'pos' if i % 2 else 'neg'} {'this' if i % 3 else 'that film'} {i}\n" for i in range(9))

    assert len(table(write(tmp_path, "a.txt", content + "neg\npos it\tis\n")).examples) == 11

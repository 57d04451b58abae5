"""Which columns are read: in tables and objects as they are published, with and without labels."""

from pathlib import Path

import pytest

from lightning_suite.errors import DataError
from suite_dsa.sources.columns import Columns
from suite_dsa.sources.examples import NLI_LABELS, Table, Unlabelled
from suite_dsa.sources.reading import read, read_unlabelled

SNLI = """gold_label\tsentence1_parse\tsentence2_parse\tsentence1\tsentence2\tpairID\tlabel1
neutral\t(ROOT (NP A dog))\t(ROOT (S It runs))\tA "big" dog\tIt runs\t1\tneutral
-\t(ROOT (NP A cat))\t(ROOT (S It runs))\tA cat\tIt runs\t2\tneutral
"""
OBJECTS = '{"gold_label": "neutral", "sentence1": "A dog", "sentence2": "It runs", "pairID": "1"}\n'


def write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def table(path: Path, labels: tuple[str, ...] = (), **columns: str) -> Table:
    return read(path, Columns(**columns), None, False, labels=labels)


def only(result: Table) -> tuple[tuple[str, ...], str | None]:
    """The texts and the label of the one example."""
    (example,) = result.examples
    return example.texts, example.label


@pytest.mark.parametrize("name", ["snli_1.0_train.txt", "multinli_1.0_dev_matched.txt", "pairs", "pairs.tsv"])
def test_the_tables_of_snli_are_read_whatever_they_are_called(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, SNLI)
    result = table(path)

    assert only(result) == (('A "big" dog', "It runs"), "neutral")
    assert result.labels == NLI_LABELS
    assert result.dropped == {"without majority label": 1}
    assert read_unlabelled(path, Columns(), None) == [('A "big" dog', "It runs"), ("A cat", "It runs")]


@pytest.mark.parametrize("name", ["snli_1.0_train.jsonl", "multinli.json", "pairs"])
def test_json_lines_are_read_whatever_they_are_called(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, OBJECTS)

    assert only(table(path)) == (("A dog", "It runs"), "neutral")
    assert table(path).unused == ("pairID",)
    assert read_unlabelled(path, Columns(), None) == [("A dog", "It runs")]


# The nine tasks of GLUE: the first two lines of train.tsv, what they mean, and the first two of test.tsv


@pytest.mark.parametrize(
    ("train", "texts", "label", "unused", "test"),
    [
        ("gj04\t1\t\tOne more.", "One more.", "1", "source mark", "index\tsentence\n0\tOne more."),
        ("sentence\tlabel\nso good\t1", "so good", "1", "", "index\tsentence\n0\tso good"),
        (
            "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\tHe said\tHe did",
            "He said|He did",
            "1",
            "#1 ID|#2 ID",
            "index\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t7\t8\tHe said\tHe did",
        ),
        (
            "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n0\t1\t2\tWho?\tWhat?\t0",
            "Who?|What?",
            "0",
            "id qid1 qid2",
            "id\tquestion1\tquestion2\n0\tWho?\tWhat?",
        ),
        (
            "index\tgenre\tsentence1_parse\tsentence1\tsentence2\tlabel1\tgold_label\n0\tx\t(A)\tA\tB\tneutral\tneutral",
            "A|B",
            "neutral",
            "index genre sentence1_parse label1",
            "index\tgenre\tsentence1\tsentence2\n0\tx\tA\tB",
        ),
        (
            "index\tquestion\tsentence\tlabel\n0\tWho?\tMe.\tentailment",
            "Who?|Me.",
            "entailment",
            "index",
            "index\tquestion\tsentence\n0\tWho?\tMe.",
        ),
        (
            "index\tsentence1\tsentence2\tlabel\n0\tA\tB\tnot_entailment",
            "A|B",
            "not_entailment",
            "index",
            "index\tsentence1\tsentence2\n0\tA\tB",
        ),
    ],
    ids=["CoLA", "SST-2", "MRPC", "QQP", "MNLI", "QNLI", "RTE and WNLI"],
)
def test_a_task_of_glue_is_read(tmp_path: Path, train: str, texts: str, label: str, unused: str, test: str) -> None:
    expected = tuple(texts.split("|"))
    result = table(write(tmp_path, "train.tsv", train + "\n"))

    assert only(result) == (expected, label)
    assert result.unused == tuple(unused.split("|" if "|" in unused else None))
    path = write(tmp_path, "test.tsv", test + "\n")
    assert read_unlabelled(path, Columns(), None) == [expected]
    with pytest.raises(Unlabelled, match=r"test\.tsv:1: expected a column 'gold_label'"):
        table(path)


def test_measured_numbers_are_no_classes_unless_they_are_declared(tmp_path: Path) -> None:
    rows = "".join(f"A {i}\tB\t{i / 8}\n" for i in range(32))  # as STS-B, the ninth task
    path = write(tmp_path, "train.tsv", f"sentence1\tsentence2\tscore\n{rows}")

    with pytest.raises(DataError, match=r"train\.tsv: expected classes, got 32 different numbers, such as 0\.125"):
        table(path, label="score")
    assert len(table(path, tuple(str(i / 8) for i in range(32)), label="score").examples) == 32


def test_texts_in_the_column_of_labels_are_no_classes(tmp_path: Path) -> None:
    rows = "".join(f"what a warm and funny film {'about ' * 9}{i},{i % 5}\n" for i in range(30))
    path = write(tmp_path, "reviews.csv", f"review,stars\n{rows}")

    with pytest.raises(DataError, match=r"expected classes, got 30 different labels of 30 examples.* exchanged\?"):
        table(path, text="stars", label="review")
    assert len(table(path, text="review", label="stars").examples) == 30


def test_half_stars_are_classes(tmp_path: Path) -> None:
    rows = "".join(f"film {i},{i / 2}\n" for i in range(11))

    assert len(table(write(tmp_path, "a.csv", f"text,label\n{rows}")).examples) == 11


def test_a_file_whose_labels_are_all_minus_one_is_without_labels(tmp_path: Path) -> None:
    with pytest.raises(Unlabelled, match="2 without label"):
        table(write(tmp_path, "test.tsv", "sentence\tlabel\na\t-1\nb\t-1\n"))


def test_a_text_that_begins_with_a_brace_is_a_text(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "{sic} a film\n[laughs]\n")

    assert read_unlabelled(path, Columns(), None) == [("{sic} a film",), ("[laughs]",)]

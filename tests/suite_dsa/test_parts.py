"""read_parts: tests without labels, and parts that are cut from trees."""

from pathlib import Path

import pytest

from lightning_suite.errors import UsageError
from suite_dsa.parts import Selection, read_parts
from suite_dsa.sources.columns import Columns
from suite_dsa.splits import PARTS


def selected(path: Path, *, phrases: bool = False, classes: int | None = None, fraction: float = 0.2) -> Selection:
    return Selection(
        path=str(path),
        named=(None, None, None),
        columns=Columns(),
        encoding=None,
        labels=(),
        classes=classes,
        phrases=phrases,
        neutral_band=0.5,
        split_seed=0,
        validation_fraction=fraction,
        test_fraction=fraction,
    )


def write(folder: Path, **files: str) -> None:
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)


@pytest.mark.parametrize("gap", [" ", "\t"])
def test_a_text_whose_label_is_minus_one_is_without_label(tmp_path: Path, gap: str) -> None:
    labelled = f"good{gap}a warm film\nbad{gap}a dull film\n"
    write(tmp_path, train_txt=labelled, dev_txt=labelled, test_txt=f"-1{gap}a good film\n\n-1{gap}so so\n")
    test = read_parts(selected(tmp_path), PARTS)[0]["test"].examples

    assert [(example.texts, example.label, example.line) for example in test] == [
        (("a good film",), None, 1),
        (("so so",), None, 3),
    ]


@pytest.mark.parametrize("label", ["-1", "-"])
def test_pairs_of_three_files_without_labels_stay_pairs(tmp_path: Path, label: str) -> None:
    for part, labels in (("train", "neutral\nentailment\n"), ("dev", "neutral\nneutral\n"), ("test", f"{label}\n" * 2)):
        write(
            tmp_path, **{f"s1_{part}": "A dog\nA cat\n", f"s2_{part}": "It runs\nIt sits\n", f"labels_{part}": labels}
        )
    test = read_parts(selected(tmp_path), PARTS)[0]["test"].examples

    assert [(example.texts, example.label) for example in test] == [
        (("A dog", "It runs"), None),
        (("A cat", "It sits"), None),
    ]


@pytest.mark.parametrize("classes", [None, 2])
def test_the_phrases_of_a_sentence_are_in_training_or_nowhere(tmp_path: Path, classes: int | None) -> None:
    path = tmp_path / "trees.txt"
    path.write_text("".join(f"({i % 5} (3 (2 the) (4 film{i})) (1 (1 dull) (2 plot{i})))\n" for i in range(100)))
    tables, whole = read_parts(selected(path, phrases=True, classes=classes), PARTS)
    texts = {part: [example.texts[0] for example in tables[part].examples] for part in PARTS}
    lines = {part: {example.line for example in tables[part].examples} for part in PARTS}

    assert whole is not None
    assert len(whole.examples) == sum(map(len, texts.values()))
    assert all(text.startswith("the film") and "dull" in text for part in PARTS[1:] for text in texts[part])
    assert all(len(texts[part]) >= 10 for part in PARTS[1:])
    assert not lines["train"] & (lines["validation"] | lines["test"])
    assert not lines["validation"] & lines["test"]
    assert len(texts["train"]) > 2 * len(lines["train"])


def test_a_sentence_that_is_cut_is_no_phrase_of_training(tmp_path: Path) -> None:
    path = tmp_path / "trees.txt"
    path.write_text("".join(f"(3 (2 so) (4 (2 film) (2 {i})))\n(4 (2 film) (2 {i}))\n" for i in range(50)))
    tables, _ = read_parts(selected(path, phrases=True), PARTS)
    train = {example.texts for example in tables["train"].examples}

    assert not train & {example.texts for part in PARTS[1:] for example in tables[part].examples}


def test_phrases_in_a_file_of_their_own_are_not_divided(tmp_path: Path) -> None:
    (tmp_path / "stsa.binary.train").write_text("1 a warm film\n0 a dull film\n")
    (tmp_path / "derived.binary.phrases.train").write_text("1 warm\n0 dull\n")

    with pytest.raises(UsageError, match=r"--data\.phrases false"):
        read_parts(selected(tmp_path, phrases=True, classes=2), PARTS)

"""read_parts: tests without labels."""

from pathlib import Path

import pytest

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

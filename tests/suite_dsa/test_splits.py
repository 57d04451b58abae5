"""Which files are which part, and the cut by hash."""

from pathlib import Path

import pytest

import lightning_suite as ls
from lightning_suite.errors import DataError, UsageError
from suite_dsa.sources.examples import Example
from suite_dsa.splits import Files, named_files, part_of, recognised_files


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def names(files: Files) -> list[list[str]]:
    return [[path.name for path in part] for part in files]


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (
            ["snli_1.0_train.jsonl", "snli_1.0_dev.jsonl", "snli_1.0_test.jsonl"],
            [["snli_1.0_train.jsonl"], ["snli_1.0_dev.jsonl"], ["snli_1.0_test.jsonl"]],
        ),
        (["s1.train", "s2.train", "s1.dev", "s1.test"], [["s1.train"], ["s1.dev"], ["s1.test"]]),
        (
            ["trees.train.txt.xz", "trees.dev.txt.xz", "trees.test.txt.xz", "stsa.fine.train"],
            [["trees.train.txt.xz"], ["trees.dev.txt.xz"], ["trees.test.txt.xz"]],
        ),
        (["train.txt", "dev.txt", "test.txt"], [["train.txt"], ["dev.txt"], ["test.txt"]]),
        (
            ["stsa.binary.train.xz", "stsa.binary.dev.gz", "derived.binary.phrases.train"],
            [["stsa.binary.train.xz", "derived.binary.phrases.train"], ["stsa.binary.dev.gz"], []],
        ),
        (
            ["snli_1.0_train.txt", "snli_1.0_dev.txt", "snli_1.0_test.txt"],
            [["snli_1.0_train.txt"], ["snli_1.0_dev.txt"], ["snli_1.0_test.txt"]],
        ),
        (
            [
                f"multinli_1.0_{part}.{kind}"
                for part in ("train", "dev_matched", "dev_mismatched")
                for kind in ("txt", "jsonl")
            ],
            [["multinli_1.0_train.jsonl"], ["multinli_1.0_dev_matched.jsonl"], ["multinli_1.0_dev_mismatched.jsonl"]],
        ),
        (
            [f"{part}.tsv" for part in ("train", "dev_matched", "dev_mismatched", "test_matched", "test_mismatched")],
            [["train.tsv"], ["dev_matched.tsv"], ["test_matched.tsv"]],
        ),
        (
            ["SICK_train.txt", "SICK_trial.txt", "SICK_test_annotated.txt"],
            [["SICK_train.txt"], ["SICK_trial.txt"], ["SICK_test_annotated.txt"]],
        ),
        (
            ["msr_paraphrase_train.txt", "msr_paraphrase_test.txt"],
            [["msr_paraphrase_train.txt"], [], ["msr_paraphrase_test.txt"]],
        ),
        (["train.tsv", "valid.tsv"], [["train.tsv"], ["valid.tsv"], []]),
    ],
)
def test_a_published_layout_is_recognised(tmp_path: Path, there: list[str], expected: list[list[str]]) -> None:
    touch(tmp_path, *there)

    assert names(recognised_files(str(tmp_path), classes=2, phrases=True)) == expected


def test_a_single_file_is_all_there_is(tmp_path: Path) -> None:
    touch(tmp_path, "mine.csv")

    assert names(recognised_files(str(tmp_path / "mine.csv"), None, False)) == [["mine.csv"], [], []]


def test_an_unknown_folder_is_refused_with_its_files(tmp_path: Path) -> None:
    touch(tmp_path, *(f"file{i}.dat" for i in range(10)))

    with pytest.raises(DataError, match=r"file0\.dat, .* and 2 more\. Name the files"):
        recognised_files(str(tmp_path), None, False)


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no file or folder is at .*nowhere"):
        recognised_files(str(tmp_path / "nowhere"), None, False)


def test_named_files_are_found_plain_or_compressed(tmp_path: Path) -> None:
    touch(tmp_path, "a/one.tsv", "a/two.tsv.xz", "b/three.tsv.bz2")

    files = named_files(str(tmp_path), ["a/one.tsv", "a/two.tsv"], [], ["b/three.tsv"])

    assert names(files) == [["one.tsv", "two.tsv.xz"], [], ["three.tsv.bz2"]]


def test_a_named_file_that_is_missing_is_refused_with_what_there_is(tmp_path: Path) -> None:
    touch(tmp_path, "snli_1.0_train.jsonl")

    with pytest.raises(
        DataError, match=r"snli\.dev\.tsv: no such file.*In the folder: snli_1\.0_train\.jsonl.*leave out all three"
    ):
        named_files(str(tmp_path), ["snli.dev.tsv"], [], [])


def test_splits_of_the_hub_are_named_like_files() -> None:
    files = named_files("hf:a/b", ["train"], [], ["validation"])

    assert files == Files([Path("hf:a/b:train")], [], [Path("hf:a/b:validation")])


def test_the_cut_has_about_the_wanted_sizes_and_keeps_equal_sentences_together() -> None:
    examples = [Example((f"premise {i // 3}", f"hypothesis {i}"), "x", Path("a"), i) for i in range(6000)]

    parts = [part_of(example, 0, 0.1, 0.2) for example in examples]

    assert 450 < parts.count("validation") < 750
    assert 1000 < parts.count("test") < 1400
    assert all(len(set(parts[i : i + 3])) == 1 for i in range(0, 6000, 3))


def test_another_seed_cuts_otherwise() -> None:
    examples = [Example((f"sentence {i}",), "x", Path("a"), i) for i in range(100)]

    first, second = ([part_of(example, seed, 0.3, 0.3) for example in examples] for seed in (0, 1))

    assert first != second


def test_a_run_whose_data_have_moved_says_how_to_go_on(tmp_path: Path) -> None:
    table, moved = tmp_path / "reviews.csv", tmp_path / "moved.csv"
    table.write_text("text,label\n" + "".join(f"{'good' if i % 2 else 'bad'} film {i},{i % 2}\n" for i in range(40)))
    trainer = {"max_epochs": 1, "enable_progress_bar": False, "enable_model_summary": False}
    sizes = {"head_dim": 4, "first_dim": 4, "layer_dim": 2, "compressed_dim": 4, "hidden_dim": 4}
    data = {"path": str(table), "vectors": None, "word_dim": 4}
    run = ls.fit("dsa", data=data, model=sizes, trainer=trainer, runs=tmp_path / "runs")
    table.rename(moved)
    said = rf"no file or folder is at .*\nwhere the data lie elsewhere now: suite fit --resume {run.folder} --data.path"
    with pytest.raises(UsageError, match=said):
        run.resume(trainer={"max_epochs": 2})
    assert run.resume(data=str(moved), trainer={"max_epochs": 2}).record.status == "finished"

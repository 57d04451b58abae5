"""The module learns, remembers its words in its checkpoint, and answers in the order it was asked."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from pytorch_lightning import LightningDataModule, Trainer, seed_everything
from torch import Tensor
from torch.utils.data import DataLoader

from lightning_suite import training
from lightning_suite.errors import RunError, UsageError
from lightning_suite.options import Settings
from lightning_suite.recipes import recipe_of
from lightning_suite.testing.trainers import quiet_trainer
from suite_dsa import plugin
from suite_dsa.module import SentenceClassifier
from suite_dsa.network import number_of_parameters
from suite_dsa.vectors.files import WordVectors
from suite_dsa.vectors.side_by_side import stack
from suite_dsa.vocabulary import Vocabulary

WORDS = ["good", "fine", "bad", "poor", "film", "a", "very"]
SMALL: dict[str, Any] = {
    "head_dim": 8,
    "first_dim": 8,
    "layer_dim": 4,
    "layers": 3,
    "compressed_dim": 8,
    "hidden_dim": 8,
    "word_dropout": 0.0,
    "classifier_dropout": 0.1,
}


class Batch(NamedTuple):
    columns: tuple[list[list[str]], ...]
    labels: Tensor | None
    texts: tuple[list[str], ...]


class TinyData(LightningDataModule):
    """Praise and blame of films; or pairs of them, which agree or do not."""

    def __init__(self, columns: int = 1, labels: tuple[str, ...] = ("blame", "praise"), dim: int = 6) -> None:
        super().__init__()
        self.columns, self.labels, self.tokenizer = columns, list(labels), "whitespace"
        self.vocabulary = Vocabulary(WORDS, range(1, len(WORDS) + 1))
        self.vectors = torch.randn(len(WORDS) + 1, dim, generator=torch.Generator().manual_seed(0))
        self.trained = len(WORDS) + 1
        praise = ["a good film", "fine", "very very good", "a very fine film"]
        blame = ["a bad film", "poor", "very very bad", "a very poor film"]
        rows = [((text,), 1) for text in praise] + [((text,), 0) for text in blame]
        if columns == 2:
            rows = [((one, two), int(a == b)) for (one,), a in rows for (two,), b in rows]
        self.rows = rows * 4

    def loader(self, shuffle: bool = False, labelled: bool = True) -> DataLoader[Any]:
        def collate(rows: list[Any]) -> Batch:
            texts = tuple(list(column) for column in zip(*(texts for texts, _ in rows), strict=True))
            words = tuple([text.split() for text in column] for column in texts)
            return Batch(words, torch.tensor([label for _, label in rows]) if labelled else None, texts)

        return DataLoader(self.rows, batch_size=8, shuffle=shuffle, collate_fn=collate)  # type: ignore[arg-type]

    def train_dataloader(self) -> DataLoader[Any]:
        return self.loader(shuffle=True)

    def val_dataloader(self) -> DataLoader[Any]:
        return self.loader()

    test_dataloader = val_dataloader

    def predict_dataloader(self) -> DataLoader[Any]:
        return self.loader(labelled=False)


def fitted(folder: Path, data: TinyData, epochs: int = 1, **settings: Any) -> tuple[SentenceClassifier, Trainer]:
    seed_everything(1, verbose=False)
    module = SentenceClassifier(**SMALL | settings)
    fit = quiet_trainer(folder, max_epochs=epochs)
    fit.fit(module, data)
    return module.eval(), fit


@pytest.mark.parametrize(
    ("columns", "encoder", "attention"),
    [
        (1, "dense-cnn", "dynamic"),
        (2, "dense-cnn", "dynamic"),
        (2, "dense-cnn", "static"),
        (1, "bilstm", "static"),
        (1, "bilstm", "last"),
        (2, "kim-cnn", "max"),
    ],
)
def test_it_learns_a_tiny_language(tmp_path: Path, columns: int, encoder: str, attention: str) -> None:
    settings = {"encoder": encoder, "attention": attention, "hidden_layers": columns, "lstm_dim": 8, "kim_dim": 8}
    settings |= {"conv_dropout": 0.0, "classifier_dropout": 0.0, "optimizer": "adam", "learning_rate": 0.01}
    _, fit = fitted(tmp_path, TinyData(columns), epochs=12 // columns, **settings)
    assert fit.callback_metrics["val_accuracy"] > 0.95


def test_a_fit_is_not_warned_of_the_words_that_the_module_turns_into_rows(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    values = recipe_of(plugin, "check")
    quiet = {"max_epochs": 1, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    settings = Settings(plugin="dsa", model=dict(values["model"]), data=dict(values["data"]), trainer=quiet)
    training.fit(plugin, settings, root=tmp_path)
    assert not [warning for warning in recwarn if "on_before_batch_transfer" in str(warning.message)]


def test_an_epoch_logs_as_often_whatever_its_number_of_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning copies what is logged, so that nothing is logged in a step."""
    names: list[str] = []
    log = SentenceClassifier.log
    monkeypatch.setattr(
        SentenceClassifier,
        "log",
        lambda self, name, *rest, **more: (names.append(name), log(self, name, *rest, **more)),
    )
    fitted(tmp_path, TinyData(), epochs=2)
    expected = ["train_accuracy", "train_loss", "val_accuracy", "val_loss"]
    assert sorted(names[-len(expected) :]) == expected
    assert names.count("train_loss") == 2


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    one, two = (fitted(tmp_path, TinyData())[0].state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_word_vectors_stay_as_they_were(tmp_path: Path) -> None:
    data = TinyData()
    assert torch.equal(data.vectors, fitted(tmp_path, data)[0].vectors)


def test_a_checkpoint_is_enough_to_encode(tmp_path: Path) -> None:
    module, fit = fitted(tmp_path, TinyData())
    fit.save_checkpoint(tmp_path / "a.ckpt")
    loaded = SentenceClassifier.load_from_checkpoint(tmp_path / "a.ckpt", weights_only=True).eval()
    sentences = ["very good", "unheard words", "", "film"]
    assert np.array_equal(module.encode(sentences), loaded.encode(sentences))
    assert loaded.labels == ["blame", "praise"]
    assert loaded.tokenizer == "whitespace"


def test_a_module_can_be_rebuilt_by_hand_from_a_checkpoint(tmp_path: Path) -> None:
    module, fit = fitted(tmp_path, TinyData(2), hidden_layers=2)
    fit.save_checkpoint(tmp_path / "a.ckpt")
    checkpoint = torch.load(tmp_path / "a.ckpt", weights_only=True)
    rebuilt = SentenceClassifier(**SMALL, hidden_layers=2)
    rebuilt.on_load_checkpoint(checkpoint)
    rebuilt.load_state_dict(checkpoint["state_dict"])
    rebuilt.eval()
    quiet_trainer(tmp_path).test(rebuilt, TinyData(2), verbose=False)
    assert np.array_equal(module.encode(["a film"]), rebuilt.encode(["a film"]))


def test_training_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    _, fit = fitted(tmp_path, TinyData(), epochs=2)
    fit.save_checkpoint(tmp_path / "a.ckpt")
    module = SentenceClassifier(**SMALL)
    again = quiet_trainer(tmp_path, max_epochs=3)
    again.fit(module, TinyData(), ckpt_path=tmp_path / "a.ckpt", weights_only=True)
    assert again.current_epoch == 3


def test_a_checkpoint_for_other_classes_is_refused(tmp_path: Path) -> None:
    _, fit = fitted(tmp_path, TinyData())
    fit.save_checkpoint(tmp_path / "a.ckpt")
    with pytest.raises(RunError, match=r"expected the classes blame, praise of single sentences.* got the classes "):
        quiet_trainer(tmp_path, max_epochs=2).fit(
            SentenceClassifier(**SMALL), TinyData(labels=("0", "1")), ckpt_path=tmp_path / "a.ckpt", weights_only=True
        )


def test_testing_counts_every_sentence_in_the_confusion_matrix(tmp_path: Path) -> None:
    module, _ = fitted(tmp_path, TinyData(), epochs=3)
    (results,) = quiet_trainer(tmp_path).test(module, TinyData(), verbose=False)
    assert module.confusion is not None
    assert module.confusion.sum() == 32
    assert module.confusion.diagonal().sum() / 32 == pytest.approx(results["test_accuracy"])
    assert set(results) == {"test_loss", "test_accuracy"}


@pytest.mark.parametrize(("columns", "names"), [(1, ["sentence"]), (2, ["premise", "hypothesis"])])
def test_predictions_keep_the_order_of_the_sentences(tmp_path: Path, columns: int, names: list[str]) -> None:
    data = TinyData(columns)
    module, _ = fitted(tmp_path, data)
    batches = quiet_trainer(tmp_path).predict(module, data)
    assert list(batches[0]) == [*names, "label", "probability", "p_blame", "p_praise"]
    sentences = [text for batch in batches for text in batch[names[0]]]
    assert sentences == [texts[0] for texts, _ in data.rows]


def test_probabilities_of_all_classes_add_up_to_one(tmp_path: Path) -> None:
    data = TinyData()
    module, _ = fitted(tmp_path, data)
    for batch in quiet_trainer(tmp_path).predict(module, data):
        torch.testing.assert_close(torch.ones(8), batch["p_blame"] + batch["p_praise"])
        assert batch["probability"].min() >= 0.5


def test_encode_gives_one_float32_row_a_sentence_in_any_batch_size(tmp_path: Path) -> None:
    module, _ = fitted(tmp_path, TinyData())
    sentences = ["a film", "good", "very very very bad", "", "poor"]
    one, many = module.encode(sentences, batch_size=1), module.encode(sentences)
    assert many.dtype == np.float32
    assert many.shape == (5, 8)
    np.testing.assert_allclose(one, many, atol=1e-6)
    assert module.encode([]).shape == (0, 8)


def test_encode_leaves_a_training_module_in_training(tmp_path: Path) -> None:
    module, _ = fitted(tmp_path, TinyData())
    module.train()
    first, second = module.encode(["a film"]), module.encode(["a film"])
    assert module.training
    assert module.encoder.training
    assert np.array_equal(first, second)


@pytest.mark.parametrize(("columns", "width"), [(1, 8), (2, 16)])
def test_embeddings_have_one_row_for_each_input(tmp_path: Path, columns: int, width: int) -> None:
    data = TinyData(columns)
    module, _ = fitted(tmp_path, data)
    batch = module.on_before_batch_transfer(next(iter(data.predict_dataloader())), 0)
    embeddings = module.embed_step(batch, 0)
    assert embeddings.shape == (8, width)
    expected = module.encode(batch.texts[-1])
    np.testing.assert_allclose(expected, embeddings[:, -8:].detach().numpy(), atol=1e-6)


def test_attention_names_the_words_and_adds_up_to_one(tmp_path: Path) -> None:
    module, _ = fitted(tmp_path, TinyData(), heads=2)
    maps = module.attention(["a very good film", "", "bad"])
    assert [words for words, _ in maps] == [["a", "very", "good", "film"], [""], ["bad"]]
    for words, weights in maps:
        assert weights.shape == (len(words), 2)
        torch.testing.assert_close(torch.ones(2), weights.sum(0))


def test_dynamic_weight_vectors_differ_between_sentences_and_static_ones_do_not(tmp_path: Path) -> None:
    sentences = ["a good film", "poor"]
    dynamic = fitted(tmp_path, TinyData())[0].weight_vectors(sentences)
    static = fitted(tmp_path, TinyData(), attention="static")[0].weight_vectors(sentences)
    assert dynamic.shape == static.shape == (2, 1, 8)
    assert not torch.allclose(dynamic[0], dynamic[1])
    assert torch.equal(static[0], static[1])


def test_the_learning_rate_is_halved_after_two_epochs_without_a_lower_loss() -> None:
    module = SentenceClassifier(**SMALL, halve_patience=2)
    module.weight = torch.nn.Parameter(torch.zeros(1))
    halving = module.configure_optimizers()["lr_scheduler"]["scheduler"]  # type: ignore[index]
    rates = []
    for loss in (1.0, 0.9995, 0.9992, 0.5, 0.5):  # less than 0.001 lower does not count
        halving.step(loss)
        rates.append(halving.optimizer.param_groups[0]["lr"])
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.5]


def test_training_ends_when_the_learning_rate_is_too_low(tmp_path: Path) -> None:
    settings = {"halve_patience": 1, "halve_threshold": 100.0, "learning_rate_floor": 0.4}  # nothing counts as lower
    _, fit = fitted(tmp_path, TinyData(), epochs=9, **settings)
    assert fit.optimizers[0].param_groups[0]["lr"] == 0.25
    assert fit.current_epoch == 3  # halved after the second and the third


def test_the_average_is_validated_and_kept_and_another_network_learns(tmp_path: Path) -> None:
    module, fit = fitted(tmp_path, TinyData(), epochs=2, average=0.5)
    assert module.learner is not None
    average, learner = (module.get_submodule(f"{part}encoder").state_dict() for part in ("", "learner."))
    assert any(not torch.equal(average[name], learner[name]) for name in average)
    assert not any(weight.requires_grad for weight in module.encoder.parameters())
    fit.save_checkpoint(tmp_path / "a.ckpt")
    loaded = SentenceClassifier.load_from_checkpoint(tmp_path / "a.ckpt", weights_only=True).eval()
    assert np.array_equal(module.encode(["a good film"]), loaded.encode(["a good film"]))


def test_the_average_follows_the_weights_by_its_share(tmp_path: Path) -> None:
    torch.manual_seed(0)
    data = TinyData()
    data.rows = data.rows[:8]  # one step
    module, _ = fitted(tmp_path, data, average=0.9)
    seed_everything(1, verbose=False)
    start = SentenceClassifier(**SMALL)
    start._build(data.vocabulary, data.labels, 1, "whitespace", {"vectors": (8, 6)}, 0)
    assert module.learner is not None
    before, after = start.classifier.layers[-1].weight, module.learner["classifier"].layers[-1].weight  # type: ignore[union-attr]
    expected = torch.lerp(before, after, 0.9)  # the first step's share: 1 - min(average, 1 / 10)
    torch.testing.assert_close(expected, module.classifier.layers[-1].weight)


def test_a_training_with_averages_and_vectors_that_learn_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"average": 0.9, "train_vectors": True, "conv_dropout": 0.0, "classifier_dropout": 0.0}
    data = TinyData()
    data.train_dataloader = data.loader  # type: ignore[method-assign]  # in one order
    expected = fitted(tmp_path, data, epochs=3, **settings)[0].state_dict()
    _, fit = fitted(tmp_path, data, epochs=2, **settings)
    fit.save_checkpoint(tmp_path / "a.ckpt")
    module = SentenceClassifier(**SMALL | settings)
    quiet_trainer(tmp_path, max_epochs=3).fit(module, data, ckpt_path=tmp_path / "a.ckpt", weights_only=True)
    weights = module.state_dict()
    assert weights.keys() == expected.keys()
    assert all(torch.equal(expected[name], weights[name]) for name in weights if not name.startswith("metrics."))


@pytest.mark.parametrize("average", [0.0, 0.5])
def test_vectors_of_training_words_can_learn_and_others_stay(tmp_path: Path, average: float) -> None:
    data = TinyData()
    data.vocabulary = Vocabulary([*WORDS, "unseen"], range(1, len(WORDS) + 2))
    data.vectors = torch.randn(len(WORDS) + 2, 6)
    module, fit = fitted(tmp_path, data, train_vectors=True, average=average)
    rows = torch.arange(len(WORDS) + 2)
    changed = (module.word_vectors(rows) != data.vectors).any(dim=1)
    assert changed.tolist() == [False, *[True] * len(WORDS), False]
    fit.save_checkpoint(tmp_path / "a.ckpt")
    loaded = SentenceClassifier.load_from_checkpoint(tmp_path / "a.ckpt", weights_only=True).eval()
    assert torch.equal(module.word_vectors(rows), loaded.word_vectors(rows))


def test_a_checkpoint_holds_the_vectors_of_several_sources(tmp_path: Path) -> None:
    data = TinyData()
    sources = [WordVectors(np.random.rand(3, 4).astype(np.float32), {word: i}) for i, word in enumerate(WORDS[:2])]
    data.vectors = stack(WORDS, sources, extra_words=0, vector_norm=6.0).vectors  # type: ignore[assignment]
    module, fit = fitted(tmp_path, data)
    fit.save_checkpoint(tmp_path / "a.ckpt")
    loaded = SentenceClassifier.load_from_checkpoint(tmp_path / "a.ckpt", weights_only=True).eval()
    rows = torch.arange(len(WORDS) + 1)
    assert torch.equal(data.vectors(rows), loaded.word_vectors(rows))
    assert np.array_equal(module.encode(["a bad film"]), loaded.encode(["a bad film"]))


@pytest.mark.parametrize("precision", ["64-true", "bf16-true"])
@pytest.mark.parametrize("sources", [1, 2])
def test_it_learns_in_other_precisions(tmp_path: Path, precision: Any, sources: int) -> None:
    data = TinyData()
    if sources == 2:
        known = WordVectors(np.random.rand(3, 4).astype(np.float32), {"good": 0, "bad": 1})
        nothing = WordVectors(np.zeros((0, 2), dtype=np.float32), {})
        data.vectors = stack(WORDS, [known, nothing], extra_words=0, vector_norm=6.0).vectors  # type: ignore[assignment]
    fit = quiet_trainer(tmp_path, max_epochs=1, precision=precision)
    fit.fit(SentenceClassifier(**SMALL), data)
    assert fit.callback_metrics["train_loss"].isfinite()


@pytest.mark.parametrize(("optimizer", "rate"), [("adadelta", 1.0), ("adam", 1e-3)])
def test_an_optimizer_starts_with_its_own_learning_rate(optimizer: Any, rate: float) -> None:
    module = SentenceClassifier(**SMALL, optimizer=optimizer)
    module.weight = torch.nn.Parameter(torch.zeros(1))
    built = module.configure_optimizers()["optimizer"]  # type: ignore[index]
    assert built.param_groups[0]["lr"] == rate
    assert built.param_groups[0]["weight_decay"] == 1e-5


@pytest.mark.parametrize(
    ("name", "first_kernel", "parameters", "millions"),
    [
        ("snli-single", 1, 1_808_553, 1.8),
        ("snli-single", "same", 2_078_553, 2.1),
        ("snli-multiple", 1, 6_733_581, 6.7),
        ("snli-multiple", "same", 7_003_581, 7.0),
    ],
)
def test_snli_has_the_papers_parameters_with_first_layers_of_the_same_kernel(
    name: str, first_kernel: Any, parameters: int, millions: float
) -> None:
    """Table 1 states 2.1 and 7.0 million; with first layers of kernel 1, as Eq. 2 has them, there are fewer."""
    module = SentenceClassifier(**recipe_of(plugin, name)["model"] | {"first_kernel": first_kernel})
    words = Vocabulary([], [])
    state = {"vocabulary": words.state(), "labels": list("cen"), "columns": 2, "tokenizer": "ptb"}
    module.on_load_checkpoint({"sentences": state, "state_dict": {"vectors": torch.zeros(1, 300)}})
    count = number_of_parameters(module.encoder, module.classifier)
    assert count == parameters
    assert round(count / 1e6, 1) == millions


def test_a_maximum_has_weights_but_no_weight_vectors(tmp_path: Path) -> None:
    module, _ = fitted(tmp_path, TinyData(), encoder="kim-cnn", attention="max")
    ((_, weights),) = module.attention(["a good film"])
    torch.testing.assert_close(torch.ones(1), weights.sum(0))
    with pytest.raises(UsageError, match=r"--model.attention max, which has no weight vectors"):
        module.weight_vectors(["a good film"])


def test_a_training_says_how_many_parameters_it_has_without_word_vectors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"encoder": "kim-cnn", "attention": "max", "kim_kernels": (2,), "kim_dim": 5, "hidden_layers": 0}
    with caplog.at_level("INFO"):
        fitted(tmp_path, TinyData(), train_vectors=True, **settings)
    assert f"network: {2 * 6 * 5 + 5 + 5 * 2 + 2} parameters" in caplog.text


def test_every_setting_of_the_published_run_is_a_default() -> None:
    expected = {"heads": 1, "head_dim": 600, "iterations": 2, "kernels": (3, 5), "layers": 4, "first_dim": 150}
    expected |= {"layer_dim": 75, "compressed_dim": 300, "hidden_dim": 300, "hidden_layers": 1, "word_dropout": 0.4}
    expected |= {"conv_dropout": 0.2, "classifier_dropout": 0.4, "weight_decay": 1e-5, "halve_patience": 2}
    actual = SentenceClassifier().hparams
    assert expected == {name: actual[name] for name in expected}


def test_a_test_without_labels_is_predicted_into_the_run_folder(tmp_path: Path) -> None:
    rows = [f"a {word} film {i}\t{int(word == 'good')}\n" for i in range(12) for word in ("good", "bad")]
    for part in ("train", "dev"):
        (tmp_path / f"{part}.tsv").write_text("sentence\tlabel\n" + "".join(rows))
    (tmp_path / "test.tsv").write_text("index\tsentence\n0\ta good film\n1\t\n2\ta bad film\n")
    settings = Settings(
        plugin="dsa",
        model=SMALL,
        data={"path": str(tmp_path), "vectors": None, "word_dim": 4},
        trainer={"max_epochs": 1, "enable_progress_bar": False, "accelerator": "cpu"},
    )
    run, _ = training.fit(plugin, settings, root=tmp_path / "runs")

    lines = (run.folder / "test_predictions.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in lines] == ["sentence", "a good film", "", "a bad film"]
    assert run.record["status"] == "finished"
    assert "test_accuracy" not in run.record["metrics"]
    assert "val_accuracy" in run.record["metrics"]

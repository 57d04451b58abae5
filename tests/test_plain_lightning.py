"""Every plugin's classes in anyone's training: a plain Trainer over plain loaders, and a loop of one's own in torch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from pytorch_lightning import LightningDataModule, LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import suite_dsa
import suite_recnn
import suite_spectral
import suite_tweets
from lightning_suite import load
from lightning_suite.errors import UsageError

TEXTS = ["a good film", "a bad film", "so very good", "so very bad"] * 4
LABELS = [1, 0, 1, 0] * 4
SMALL = {"head_dim": 8, "first_dim": 4, "layer_dim": 4, "compressed_dim": 8, "hidden_dim": 8}


class Subject(NamedTuple):
    """A module that has learnt what it is built for, its loaders to train with and to predict, and a column."""

    module: LightningModule
    train: DataLoader[Any]
    predict: DataLoader[Any]
    column: str


def sentences() -> Subject:
    module = suite_dsa.SentenceClassifier(**SMALL, average=0.5)  # type: ignore[arg-type]
    module.learn_words(TEXTS, ["bad", "good"], vectors=None, word_dim=5)
    labelled: Any = list(zip(TEXTS, LABELS, strict=True))
    texts: Any = TEXTS
    return Subject(module, DataLoader(labelled, batch_size=8), DataLoader(texts, batch_size=8), "label")


def pairs() -> Subject:
    module = suite_dsa.SentenceClassifier(**SMALL)  # type: ignore[arg-type]
    both = list(zip(TEXTS, TEXTS[1:] + TEXTS[:1], strict=True))
    module.learn_words(both, ["bad", "good"], vectors=None, word_dim=5)
    labelled: Any = [(*pair, label) for pair, label in zip(both, LABELS, strict=True)]
    texts: Any = both
    return Subject(module, DataLoader(labelled, batch_size=8), DataLoader(texts, batch_size=8), "label")


def momenta() -> Any:
    generator = np.random.default_rng(0)
    p = generator.normal(size=(16, 6, 3)) * [20, 20, 40] + [80, 0, 0]
    return np.concatenate([p, np.linalg.norm(p, axis=2, keepdims=True)], axis=2)


def jets() -> Subject:
    trees = suite_recnn.jet_trees(momenta(), LABELS)
    module = suite_recnn.JetTagger(hidden_dim=4, average=0.5).learn_scale(trees)
    loader = DataLoader(trees, batch_size=8, collate_fn=trees.batch)
    return Subject(module, loader, loader, "score")


def several_classes() -> Subject:
    trees = suite_recnn.jet_trees(momenta(), [i % 3 for i in range(16)], classes=3, features="lund")
    module = suite_recnn.JetTagger(hidden_dim=4).learn_scale(trees, ["qcd", "w", "top"])
    loader = DataLoader(trees, batch_size=8, collate_fn=trees.batch)
    return Subject(module, loader, loader, "score_top")


def tweets() -> Subject:
    module = suite_tweets.TweetModel(hidden_dim=8, predictor="mixture").learn_tokens(TEXTS)
    texts: Any = TEXTS
    loader = DataLoader(texts, batch_size=8)
    return Subject(module, loader, loader, "perplexity")


def clusters() -> Subject:
    points = torch.randn(16, 2) + torch.tensor([[9.0, 0]]) * torch.tensor(LABELS)[:, None]
    module = suite_spectral.SpectralClusterer(n_clusters=2, n_neighbors=5)
    labelled = TensorDataset(points, torch.tensor(LABELS))
    return Subject(module, DataLoader(labelled, batch_size=8), DataLoader(labelled, batch_size=8), "cluster")


SUBJECTS = [sentences, pairs, jets, several_classes, tweets, clusters]


def trainer(tmp_path: Path) -> Trainer:
    quiet: dict[str, Any] = dict.fromkeys(("logger", "enable_progress_bar", "enable_model_summary"), False)
    return Trainer(max_epochs=1, accelerator="cpu", default_root_dir=tmp_path, enable_checkpointing=False, **quiet)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", SUBJECTS, ids=lambda make: make.__name__)
def test_a_plain_trainer_takes_plain_loaders(make: Callable[[], Subject], tmp_path: Path) -> None:
    subject, plain = make(), trainer(tmp_path)
    before = {name: weights.clone() for name, weights in subject.module.named_parameters() if weights.requires_grad}
    plain.fit(subject.module, subject.train, subject.train)
    steps = 0 if isinstance(subject.module, suite_spectral.SpectralClusterer) else 2
    assert plain.global_step == steps
    after = dict(subject.module.named_parameters())
    assert not before or any(not torch.equal(after[name], weights) for name, weights in before.items())
    measured = dict(plain.validate(subject.module, subject.train, verbose=False)[0])
    measured |= plain.test(subject.module, subject.train, verbose=False)[0]
    assert all(np.isfinite(value) for name, value in measured.items() if name.endswith(("loss", "accuracy", "ncut")))
    columns: Any = plain.predict(subject.module, subject.predict)
    assert sum(len(part[subject.column]) for part in columns) == len(TEXTS)
    plain.save_checkpoint(tmp_path / "plain.ckpt")
    loaded = type(subject.module).load_from_checkpoint(tmp_path / "plain.ckpt", weights_only=True)
    expected, actual = subject.module.state_dict(), loaded.state_dict()
    assert expected.keys() == actual.keys()
    assert all(torch.equal(expected[name], actual[name]) for name in expected)
    again = load(tmp_path / "plain.ckpt", plugin=type(subject.module).__module__.split(".")[0].removeprefix("suite_"))
    assert all(torch.equal(expected[name], value) for name, value in again.state_dict().items())
    assert dict(again.hparams) == dict(subject.module.hparams)
    assert not any(part.training for part in again.modules())


class PlainData(LightningDataModule):
    """Loaders of someone else's, as many keep them."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.subject = subject

    def train_dataloader(self) -> DataLoader[Any]:
        return self.subject.train

    def val_dataloader(self) -> DataLoader[Any]:
        return self.subject.train

    def test_dataloader(self) -> DataLoader[Any]:
        return self.subject.train

    def predict_dataloader(self) -> DataLoader[Any]:
        return self.subject.predict


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", SUBJECTS, ids=lambda make: make.__name__)
def test_a_plain_trainer_takes_a_plain_data_module(make: Callable[[], Subject], tmp_path: Path) -> None:
    subject, plain = make(), trainer(tmp_path)
    data = PlainData(subject)
    plain.fit(subject.module, datamodule=data)
    measured = plain.test(subject.module, datamodule=data, verbose=False)[0]
    assert all(np.isfinite(value) for name, value in measured.items() if name.endswith(("loss", "accuracy", "ncut")))
    columns: Any = plain.predict(subject.module, datamodule=data)
    assert sum(len(part[subject.column]) for part in columns) == len(TEXTS)


@pytest.mark.parametrize(
    ("module", "loader", "advice"),
    [
        (suite_dsa.SentenceClassifier, [("a film",)], r"call\nlearn_words\(texts, classes\)"),
        (suite_tweets.TweetModel, ["a film"], r"call learn_tokens\(texts\)"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_a_network_has_to_know_first_is_said(module: Any, loader: Any, advice: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=advice):
        trainer(tmp_path).fit(module(), DataLoader(loader))


@pytest.mark.filterwarnings("ignore::UserWarning:pytorch_lightning")
def test_jets_that_are_not_scaled_are_said(tmp_path: Path) -> None:
    trees = suite_recnn.jet_trees(momenta(), LABELS)
    with pytest.warns(UserWarning, match=r"not scaled: before fit, call learn_scale\(trees\)"):
        trainer(tmp_path).fit(suite_recnn.JetTagger(hidden_dim=4), DataLoader(trees, 8, collate_fn=trees.batch))


# A loop of one's own


def steps(network: nn.Module, loss: Callable[[], Tensor]) -> list[float]:
    """Return the losses of ten steps."""
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


def test_sentences_are_learnt_by_the_encoder_alone() -> None:
    torch.manual_seed(0)
    encoder = suite_dsa.SentenceEncoder(suite_dsa.DenseCNN(8, layers=2, first_dim=8, layer_dim=4, dropout=0.0))
    network = nn.Sequential(encoder, nn.Linear(encoder.output_dim, 2))
    words, offsets, labels = torch.randn(9, 8), torch.tensor([0, 3, 5, 9]), torch.tensor([0, 1, 0])
    losses = steps(network, lambda: nn.functional.cross_entropy(network[1](encoder(words, offsets)), labels))
    assert losses[-1] < losses[0] / 2


def test_jets_are_learnt_by_the_recursive_network_alone() -> None:
    torch.manual_seed(0)
    trees = suite_recnn.jet_trees(momenta(), LABELS)
    network, batch = suite_recnn.RecNN(hidden_dim=8), trees.batch(range(16))
    assert batch.labels is not None
    labels = batch.labels
    losses = steps(network, lambda: nn.functional.binary_cross_entropy_with_logits(network(batch), labels))
    assert losses[-1] < losses[0]


def test_tokens_are_learnt_by_the_language_model_alone() -> None:
    torch.manual_seed(0)
    network, tokens = suite_tweets.LanguageModel(6, hidden_dim=16), torch.tensor([[0, 0], [2, 3], [4, 5], [0, 0]])
    losses = steps(
        network,
        lambda: nn.functional.cross_entropy(network(tokens[:-1])[0].flatten(0, 1), tokens[1:].flatten()),
    )
    assert losses[-1] < losses[0]


def test_the_sizes_of_the_networks_are_those_of_the_modules() -> None:
    module = suite_dsa.SentenceClassifier().learn_words(["a"], ["bad", "good"], vectors=None, word_dim=300)
    for mine, its in ((suite_dsa.SentenceEncoder(), module.encoder), (suite_dsa.Classifier(), module.classifier)):
        assert {name: part.shape for name, part in mine.named_parameters()} == {
            name: part.shape for name, part in its.named_parameters()
        }
    of_tagger = suite_recnn.JetTagger().network
    assert [part.shape for part in suite_recnn.RecNN().parameters()] == [part.shape for part in of_tagger.parameters()]
    assert suite_recnn.CNN().radius == suite_recnn.JetTagger().hparams["image_radius"]
    writer = suite_tweets.TweetModel().learn_tokens(["a"])
    alone = suite_tweets.LanguageModel(writer.tokenizer.size)
    assert writer.network is not None
    assert [part.shape for part in alone.parameters()] == [part.shape for part in writer.network.parameters()]


@pytest.mark.parametrize("plugin", [suite_dsa, suite_recnn, suite_tweets, suite_spectral])
def test_every_name_of_a_plugin_is_there_and_others_are_not(plugin: Any) -> None:
    assert all(getattr(plugin, name) is not None for name in plugin.__all__)
    with pytest.raises(AttributeError, match=f"module '{plugin.__name__}' has no attribute 'nothing'"):
        plugin.nothing  # noqa: B018

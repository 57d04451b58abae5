from collections.abc import Callable
from itertools import starmap
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from lightning_suite.errors import UsageError
from lightning_suite.run import Run
from suite_recnn import forests, tagging
from suite_recnn.data import JetData
from suite_recnn.forests import ForestData
from suite_recnn.interpretation import transfer as transferring
from suite_recnn.interpretation.transfer import auc_of, data_for, embed, frozen, seen_before, tagger_of, transfer, whole
from suite_recnn.jets import Jets
from suite_recnn.module import JetTagger
from suite_recnn.splitting import PARTS

Parts = dict[str, ForestData]
SETTINGS = {"batch_size": 16, "epochs": 8}


@pytest.fixture(scope="module")
def parts(make_jets: Callable[..., Jets]) -> Parts:
    """Jets of 12 and of 20 constituents, a tenth of them with the wrong label: no network tells all apart."""
    generator = np.random.default_rng(0)

    def kinds(place: int, jets: int) -> ForestData:
        few, many = make_jets([12] * jets, 2 * place), make_jets([20] * jets, 2 * place + 1)
        forest = forests.join([forests.build_trees(kind, "kt", "center") for kind in (few, many)])
        labels = np.abs(np.repeat([0, 1], jets) - (generator.random(2 * jets) < 0.1))
        return ForestData(forest, np.arange(2 * jets), labels.astype(np.float32))

    return dict(zip(PARTS, starmap(kinds, enumerate((100, 60, 100))), strict=True))


@pytest.fixture(scope="module")
def tagger(parts: Parts) -> JetTagger:
    """A network that has learnt the kinds."""
    torch.manual_seed(1)
    tagger = JetTagger(hidden_dim=12, learning_rate=0.01)
    tagger.network.scaler.set(*forests.robust_scale(parts["train"].forest, parts["train"].chosen))
    optimizer, batch = torch.optim.Adam(tagger.parameters(), 0.01), parts["train"].batch(range(200))
    for _ in range(60):
        optimizer.zero_grad()
        functional.binary_cross_entropy_with_logits(tagger(batch), batch.labels).backward()
        optimizer.step()
    return tagger.eval()


def base(tagger: JetTagger, parts: Parts) -> tagging.Estimate:
    with torch.no_grad():
        return tagging.auc(tagger(parts["test"].batch(range(200))).numpy(), parts["test"].labels)


def test_transfer_from_a_task_to_itself_gives_its_own_auc(tagger: JetTagger, parts: Parts) -> None:
    expected, found = base(tagger, parts), frozen(tagger, parts, **SETTINGS)
    assert 0.7 < expected.value < 0.99
    assert found.value == pytest.approx(expected.value, abs=2 * expected.error)


def test_what_is_learnt_from_shuffled_labels_is_chance(tagger: JetTagger, parts: Parts) -> None:
    generator = np.random.default_rng(3)
    shuffled = {part: replace_labels(jets, generator.permutation(jets.labels)) for part, jets in parts.items()}
    found = frozen(tagger, shuffled, **SETTINGS)
    assert found.value == pytest.approx(0.5, abs=3 * found.error)


def replace_labels(jets: ForestData, labels: np.ndarray) -> ForestData:
    return ForestData(jets.forest, jets.chosen, labels)


def test_the_whole_network_learns_another_task_from_its_weights(tagger: JetTagger, parts: Parts) -> None:
    exchanged = {part: replace_labels(jets, 1 - jets.labels) for part, jets in parts.items()}
    assert base(tagger, exchanged).value < 0.3
    assert whole(tagger, exchanged, **SETTINGS).value > 0.7


def test_the_network_stays_as_it_is(tagger: JetTagger, parts: Parts) -> None:
    before = {name: value.clone() for name, value in tagger.state_dict().items()}
    frozen(tagger, parts, epochs=1)
    whole(tagger, parts, epochs=1)
    torch.testing.assert_close(tagger.state_dict(), before, rtol=0, atol=0)


def test_the_same_seed_gives_the_same_auc_and_leaves_other_random_numbers_alone(
    tagger: JetTagger, parts: Parts
) -> None:
    torch.manual_seed(5)
    first, number = frozen(tagger, parts, epochs=2, seed=1), torch.rand(1)
    torch.manual_seed(5)
    assert number == torch.rand(1)
    assert frozen(tagger, parts, epochs=2, seed=1) == first != frozen(tagger, parts, epochs=2, seed=2)


def test_the_epoch_with_the_best_validation_counts(tagger: JetTagger, parts: Parts) -> None:
    """Validation with exchanged labels chooses the epoch that is worst on the test."""
    exchanged = parts | {"validation": replace_labels(parts["validation"], 1 - parts["validation"].labels)}
    assert frozen(tagger, exchanged, **SETTINGS).value < frozen(tagger, parts, **SETTINGS).value


def test_jets_of_weight_zero_teach_nothing(tagger: JetTagger, parts: Parts) -> None:
    train = parts["train"]
    wrong = ForestData(
        forests.join([train.forest, train.forest]),
        np.arange(400),
        np.concatenate([train.labels, 1 - train.labels]),
        weights=np.repeat([1.0, 0.0], 200).astype(np.float32),
    )
    assert frozen(tagger, parts | {"train": wrong}, **SETTINGS).value > 0.7


def test_an_embedding_is_the_first_hidden_layer(tagger: JetTagger, parts: Parts) -> None:
    with torch.no_grad():
        expected = tagger.network.layers(parts["test"].batch(range(200)))["embedding"]
    torch.testing.assert_close(embed(tagger, parts["test"]), expected)


def test_trees_are_those_of_the_source_and_jets_those_of_the_target(train: Callable[..., Run]) -> None:
    source, target = train("--data.algorithm", "kt"), train()
    data = data_for(source, target)
    assert (data.algorithm, data.preprocess) == ("kt", "center")
    data.prepare_data()
    data.setup("test")
    own = data_for(target, target)
    own.setup("test")
    assert data.jets_of("test")[1].chosen.tolist() == own.jets_of("test")[1].chosen.tolist()


def test_a_task_is_a_recipe_on_the_files_of_the_source(train: Callable[..., Run]) -> None:
    data, own = data_for(train(), "top-qcd"), data_for(train(), train())
    assert (data.signal, data.background, data.path) == ("top", "qcd", own.path)


def test_a_task_that_no_recipe_has_is_named(train: Callable[..., Run]) -> None:
    with pytest.raises(UsageError, match="'top-qcs'"):
        transfer(train(), "top-qcs")


@pytest.mark.parametrize(
    ("path", "names", "options", "expected"),
    [
        ("jets", ("top", "qcd"), {}, None),
        ("jets", ("top", "qcd"), {"split_seed": 1}, "--data.split_seed 0, those of the target by 1"),
        ("jets", ("top", "qcd"), {"test_fraction": 0.4}, "--data.test_fraction 0.2, those of the target by 0.4"),
        ("jets", ("quark", "gluon"), {"split_seed": 1}, None),
        ("others", ("top", "qcd"), {"split_seed": 1}, None),
    ],
)
def test_jets_that_a_source_may_have_been_trained_on_are_said(
    path: str, names: tuple[str, str], options: dict[str, Any], expected: str | None
) -> None:
    words = seen_before(JetData("jets", "w", "qcd"), JetData(path, *names, **options))
    assert words is None if expected is None else expected in (words or "")


def test_base_is_the_auc_of_the_test_of_the_run(train: Callable[..., Run]) -> None:
    run = train()
    expected = run.record["metrics"]["test_auc"]
    assert auc_of(tagger_of(run), data_for(run, run)).value == pytest.approx(expected, abs=1e-6)


def test_a_transfer_says_where_from_where_to_and_what_the_paper_has(
    train: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transferring, "seen_before", lambda own, data: "it may have seen them")
    with pytest.warns(UserWarning, match=r"transfer from .*: it may have seen them"):
        found = transfer(train(), train(), epochs=1)
    assert (found.source, found.target, found.paper, found.fine_tuned) == ("w/qcd", "w/qcd", None, None)
    assert found.base is not None and 0 < found.auc.value < 1 and 0 < found.floor.value < 1

"""The network is the paper's: it equals a padded one written with torch's own layers, and no sentence sees another."""

from collections.abc import Iterator
from inspect import signature
from typing import Any

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck
from torch.nn import functional

from lightning_suite import ragged
from suite_dsa.attention import DynamicSelfAttention, StaticSelfAttention
from suite_dsa.module import ENCODER_SETTINGS, SentenceClassifier
from suite_dsa.network import Classifier, SentenceEncoder, build_encoder, heuristic_matching

OFFSETS = torch.tensor([0, 3, 4, 4, 11])
ENCODERS = [
    *(("dense-cnn", attention) for attention in ("dynamic", "static", "max")),
    *(("bilstm", attention) for attention in ("dynamic", "static", "max", "last")),
    ("kim-cnn", "max"),
]
ATTENTIONS = [
    DynamicSelfAttention(5, heads=2, head_dim=4, iterations=2),
    StaticSelfAttention(5, heads=2, head_dim=4),
]


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def encoder(encoder: Any, attention: Any, **settings: Any) -> SentenceEncoder:
    sizes: dict[str, Any] = {"kernels": (3, 5), "layers": 3, "first_dim": 4, "layer_dim": 3, "compressed_dim": 5}
    sizes |= {"first_kernel": 1, "lstm_dim": 4, "kim_kernels": (2, 3), "kim_dim": 4}
    rest = {
        "heads": 2,
        "head_dim": 4,
        "iterations": 2,
        "word_dropout": 0.4,
        "conv_dropout": 0.2,
        "dropout_gain": "drop",
    }
    return build_encoder(6, encoder=encoder, attention=attention, **sizes | rest | settings).eval()


@pytest.mark.parametrize(("words_in", "attention"), ENCODERS)
def test_a_batch_equals_its_sentences_one_by_one(words_in: str, attention: str) -> None:
    model, words = encoder(words_in, attention), torch.randn(11, 6)
    together = model(words, OFFSETS)
    for sentence, alone in zip(together, ragged.split(words, OFFSETS), strict=True):
        torch.testing.assert_close(model(alone, torch.tensor([0, len(alone)]))[0], sentence)


@pytest.mark.parametrize(("words_in", "attention"), ENCODERS)
def test_mixed_precision_gives_the_same_sentences_within_its_rounding_and_learns(words_in: str, attention: str) -> None:
    model, words = encoder(words_in, attention), torch.randn(11, 6)
    expected = model(words, OFFSETS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        sentences = model(words, OFFSETS)
    assert (sentences - expected).norm() < 0.02 * expected.norm()  # bfloat16 has eight bits
    sentences.float().sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in model.parameters())


@pytest.mark.parametrize(("words_in", "attention"), ENCODERS)
def test_a_sentence_of_no_words_is_zero(words_in: str, attention: str) -> None:
    assert not encoder(words_in, attention)(torch.randn(11, 6), OFFSETS)[2].any()


@pytest.mark.parametrize(("words_in", "attention"), ENCODERS)
@pytest.mark.parametrize("training", [False, True])
def test_an_empty_batch_gives_no_sentences(words_in: str, attention: str, training: bool) -> None:
    model = encoder(words_in, attention).train(training)
    sentences = model(torch.empty(0, 6, requires_grad=True), torch.tensor([0]))
    assert sentences.shape == (0, model.output_dim)
    sentences.sum().backward()


@pytest.mark.parametrize(("words_in", "attention"), ENCODERS)
def test_the_words_of_an_encoder_are_weighed_by_its_attention(words_in: str, attention: str) -> None:
    model = encoder(words_in, attention)
    weights = model.attention.weights(model.words(torch.randn(11, 6), OFFSETS), OFFSETS)
    assert weights.shape == (11, 2 if attention in ("dynamic", "static") else 1)
    torch.testing.assert_close(torch.ones(weights.shape[1]), weights[4:].sum(0))


@pytest.mark.parametrize(("words_in", "attention"), ENCODERS)
def test_every_parameter_learns(words_in: str, attention: str) -> None:
    model = encoder(words_in, attention).train()
    model(torch.randn(11, 6), OFFSETS).square().sum().backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_attention_weights_add_up_to_one_and_have_a_vector_a_sentence(attention: nn.Module) -> None:
    words = torch.randn(11, 5)
    weights, vectors = attention.weights(words, OFFSETS), attention.vectors(words, OFFSETS)  # type: ignore[operator]
    assert weights.shape == (11, 2)
    assert vectors.shape == (4, 2, 4)
    torch.testing.assert_close(torch.ones(2), weights[4:].sum(0))


def test_static_attention_is_equation_1() -> None:
    attention = StaticSelfAttention(5, heads=1, head_dim=4)
    words = torch.randn(3, 5)
    weights = ((attention.score.weight @ words.T).tanh().T @ attention.vector[0]).softmax(0)  # word
    values = functional.leaky_relu(attention.project(words), 0.01)
    torch.testing.assert_close(weights @ values, attention(words, torch.tensor([0, 3]))[0])


def test_gradients_of_the_encoder_are_right_in_double_precision() -> None:
    model = encoder("dense-cnn", "dynamic").double()
    words = torch.randn(11, 6, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda words: model(words, OFFSETS), (words,), fast_mode=True)


@pytest.mark.parametrize(
    ("words_in", "attention", "parameters"),
    [
        ("dense-cnn", "dynamic", 300 * 300 + 300 + 8 * 75 * (150 + 225 + 300) + 6 * 75 + 1050 * 300 + 300 + 301 * 600),
        ("bilstm", "max", 2 * 4 * 300 * (300 + 300 + 2)),
        ("kim-cnn", "max", (3 + 4 + 5) * 300 * 100 + 300),
    ],
)
def test_the_number_of_parameters_is_that_of_the_equations(words_in: str, attention: str, parameters: int) -> None:
    defaults = {name: parameter.default for name, parameter in signature(SentenceClassifier).parameters.items()}
    settings = {name: defaults[name] for name in ENCODER_SETTINGS} | {"encoder": words_in, "attention": attention}
    model = build_encoder(300, **settings)
    assert parameters == sum(parameter.numel() for parameter in model.parameters())


def test_heuristic_matching_has_the_paper_s_order() -> None:
    premise, hypothesis = torch.tensor([[2.0]]), torch.tensor([[-3.0]])
    assert heuristic_matching(premise, hypothesis).tolist() == [[-3.0, 2.0, 5.0, -6.0]]


@pytest.mark.parametrize(("layers", "kinds"), [(1, ["BatchNorm1d", "Dropout", "Linear", "LeakyReLU", "Linear"])])
def test_batch_normalisation_and_dropout_stand_before_the_hidden_layer(layers: int, kinds: list[str]) -> None:
    assert kinds == [type(part).__name__ for part in Classifier(8, 4, layers, 2, 0.4).layers]


def test_pairs_have_two_hidden_layers() -> None:
    widths = [(p.in_features, p.out_features) for p in Classifier(8, 4, 2, 3, 0.3).layers if isinstance(p, nn.Linear)]
    assert widths == [(8, 4), (4, 4), (4, 3)]


def test_a_single_sentence_can_be_trained_on() -> None:
    logits = Classifier(8, 4, 1, 2, 0.4).train()(torch.randn(1, 8))
    assert logits.isfinite().all()

"""The network is the paper's: it equals a padded one written with torch's own layers, and no sentence sees another."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck
from torch.nn import functional

from lightning_suite import ragged
from suite_dsa.attention import DynamicSelfAttention, StaticSelfAttention
from suite_dsa.dense_cnn import DenseCNN, PackedConv
from suite_dsa.network import Classifier, SentenceEncoder, heuristic_matching

OFFSETS = torch.tensor([0, 3, 4, 4, 11])
ATTENTIONS = [
    DynamicSelfAttention(5, heads=2, head_dim=4, iterations=2),
    StaticSelfAttention(5, heads=2, head_dim=4),
]


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def published_cnn(dropout: float = 0.2) -> DenseCNN:
    return DenseCNN(
        300, kernels=(3, 5), layers=4, first_dim=150, layer_dim=75, compressed_dim=300, dropout=dropout
    ).eval()


def small_cnn(dropout: float = 0.2) -> DenseCNN:
    return DenseCNN(6, kernels=(3, 5), layers=3, first_dim=4, layer_dim=3, compressed_dim=5, dropout=dropout).eval()


def padded_cnn(cnn: DenseCNN, words: Tensor, offsets: Tensor) -> Tensor:
    """Eq. 2-5 with nn.functional.conv1d on padded sentences, masked after every layer; the packed words' rows again."""
    sentences = nn.utils.rnn.pad_sequence(list(ragged.split(words, offsets)), batch_first=True)
    mask = torch.arange(sentences.shape[1]) < ragged.lengths(offsets)[:, None]  # batch word
    x0 = sentences.transpose(1, 2)  # batch word_dim word

    def h(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        y = functional.conv1d(x, weight, bias, padding=weight.shape[2] // 2)
        return functional.leaky_relu(y, 0.01) * mask[:, None]

    phis = []
    firsts = zip(cnn.first.weight.split(cnn.first_dim), cnn.first.bias.split(cnn.first_dim), strict=True)
    for (weight, bias), block in zip(firsts, cnn.blocks, strict=True):
        phi = h(x0, weight[..., None], bias)
        for layer in block.layers:
            taps = layer.weight.unflatten(0, (block.kernel, -1)).permute(1, 2, 0)  # out in tap
            phi = torch.cat([h(phi, taps, layer.bias), phi], 1)
        phis.append(phi)
    compressed = h(torch.cat([*phis, x0], 1), cnn.compress.weight[..., None], cnn.compress.bias)
    return functional.normalize(compressed, dim=1).transpose(1, 2)[mask]


def encoder(attention: nn.Module) -> SentenceEncoder:
    return SentenceEncoder(small_cnn(), attention, word_dropout=0.4).eval()  # type: ignore[arg-type]


def test_the_cnn_equals_a_padded_one() -> None:
    cnn, words = small_cnn().double(), torch.randn(11, 6, dtype=torch.float64)
    torch.testing.assert_close(padded_cnn(cnn, words, OFFSETS), cnn(words, OFFSETS))


def test_the_published_cnn_equals_a_padded_one_in_single_precision() -> None:
    cnn, words = published_cnn(), torch.randn(11, 300)
    torch.testing.assert_close(padded_cnn(cnn, words, OFFSETS), cnn(words, OFFSETS), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradients_of_the_cnn_equal_those_of_a_padded_one(dtype: torch.dtype) -> None:
    cnn, words = small_cnn().to(dtype), torch.randn(11, 6, dtype=dtype, requires_grad=True)
    sources = [words, *cnn.parameters()]
    weight = torch.randn(11, 5, dtype=dtype)
    expected = torch.autograd.grad((padded_cnn(cnn, words, OFFSETS) * weight).sum(), sources)
    actual = torch.autograd.grad((cnn(words, OFFSETS) * weight).sum(), sources)
    torch.testing.assert_close(expected, actual)


def test_the_words_of_the_cnn_have_length_one() -> None:
    torch.testing.assert_close(torch.ones(11), small_cnn()(torch.randn(11, 6), OFFSETS).norm(dim=1))


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_a_batch_equals_its_sentences_one_by_one(attention: nn.Module) -> None:
    model, words = encoder(attention), torch.randn(11, 6)
    together = model(words, OFFSETS)
    for sentence, alone in zip(together, ragged.split(words, OFFSETS), strict=True):
        torch.testing.assert_close(model(alone, torch.tensor([0, len(alone)]))[0], sentence)


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_a_sentence_of_no_words_is_zero(attention: nn.Module) -> None:
    assert not encoder(attention)(torch.randn(11, 6), OFFSETS)[2].any()


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("training", [False, True])
def test_an_empty_batch_gives_no_sentences(attention: nn.Module, training: bool) -> None:
    model = encoder(attention).train(training)
    sentences = model(torch.empty(0, 6), torch.tensor([0]))
    assert sentences.shape == (0, 8)
    sentences.sum().backward()


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
    model = encoder(DynamicSelfAttention(5, heads=2, head_dim=4, iterations=2)).double()
    words = torch.randn(11, 6, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda words: model(words, OFFSETS), (words,), fast_mode=True)


def test_the_number_of_parameters_is_that_of_the_equations() -> None:
    cnn = 300 * 300 + 300 + 8 * 75 * (150 + 225 + 300) + 6 * 75 + 1050 * 300 + 300
    attention = 600 * 300 + 600
    model = SentenceEncoder(published_cnn(), DynamicSelfAttention(300, heads=1, head_dim=600, iterations=2), 0.4)
    assert cnn + attention == sum(parameter.numel() for parameter in model.parameters())


def test_a_packed_convolution_is_a_convolution() -> None:
    layer, words = PackedConv(6, 3, kernel=5).double(), torch.randn(7, 6, dtype=torch.float64)
    taps = layer.weight.unflatten(0, (5, 3)).permute(1, 2, 0)
    expected = functional.conv1d(words.T, taps, layer.bias, padding=2).T
    torch.testing.assert_close(expected, layer(words, ragged.windows(torch.tensor([0, 7]), 7, 5)))


@pytest.mark.parametrize("kernels", [(), (2, 3), (0,)])
def test_kernels_that_have_no_middle_are_refused(kernels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="odd kernels"):
        DenseCNN(6, kernels=kernels, layers=3, first_dim=4, layer_dim=3, compressed_dim=5, dropout=0.2)


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

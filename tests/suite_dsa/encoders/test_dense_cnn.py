"""The dense CNN is the paper's: it equals a padded one written with torch's own layers."""

from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_suite import ragged
from suite_dsa.encoders.dense_cnn import DenseCNN, PackedConv

OFFSETS = torch.tensor([0, 3, 4, 4, 11])


def published_cnn() -> DenseCNN:
    return DenseCNN(300, kernels=(3, 5), layers=4, first_dim=150, layer_dim=75, compressed_dim=300, dropout=0.2).eval()


def small_cnn(first_kernel: Literal[1, "same"] = 1) -> DenseCNN:
    sizes: dict[str, Any] = {"kernels": (3, 5), "layers": 3, "first_dim": 4, "layer_dim": 3, "compressed_dim": 5}
    return DenseCNN(6, **sizes, first_kernel=first_kernel, dropout=0.2).eval()


def taps_of(layer: PackedConv, kernel: int) -> Tensor:
    """The weight of nn.Conv1d that a packed convolution's is: (out, in, tap)."""
    return layer.weight.unflatten(0, (kernel, -1)).permute(1, 2, 0)


def padded_cnn(cnn: DenseCNN, words: Tensor, offsets: Tensor) -> Tensor:
    """Eq. 2-5 with nn.functional.conv1d on padded sentences, masked after every layer; the packed words' rows again."""
    sentences = nn.utils.rnn.pad_sequence(list(ragged.split(words, offsets)), batch_first=True)
    mask = torch.arange(sentences.shape[1]) < ragged.lengths(offsets)[:, None]  # batch word
    x0 = sentences.transpose(1, 2)  # batch word_dim word

    def h(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        y = functional.conv1d(x, weight, bias, padding=weight.shape[2] // 2)
        return functional.leaky_relu(y, 0.01) * mask[:, None]

    if isinstance(cnn.first, nn.ModuleList):
        firsts = [(taps_of(layer, kernel), layer.bias) for layer, kernel in zip(cnn.first, cnn.kernels, strict=True)]
    else:
        parts = zip(cnn.first.weight.split(cnn.first_dim), cnn.first.bias.split(cnn.first_dim), strict=True)
        firsts = [(weight[..., None], bias) for weight, bias in parts]
    phis = []
    for first, block, kernel in zip(firsts, cnn.blocks, cnn.kernels, strict=True):
        phi = h(x0, *first)
        for layer in block.layers:
            phi = torch.cat([h(phi, taps_of(layer, kernel), layer.bias), phi], 1)
        phis.append(phi)
    compressed = h(torch.cat([*phis, x0], 1), cnn.compress.weight[..., None], cnn.compress.bias)
    return functional.normalize(compressed, dim=1).transpose(1, 2)[mask]


@pytest.mark.parametrize("first_kernel", [1, "same"])
def test_the_cnn_equals_a_padded_one(first_kernel: Literal[1, "same"]) -> None:
    cnn, words = small_cnn(first_kernel).double(), torch.randn(11, 6, dtype=torch.float64)
    torch.testing.assert_close(padded_cnn(cnn, words, OFFSETS), cnn(words, OFFSETS))


def test_the_published_cnn_equals_a_padded_one_in_single_precision() -> None:
    cnn, words = published_cnn(), torch.randn(11, 300)
    torch.testing.assert_close(padded_cnn(cnn, words, OFFSETS), cnn(words, OFFSETS), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("dtype", "first_kernel"), [(torch.float32, 1), (torch.float64, 1), (torch.float64, "same")])
def test_the_gradients_of_the_cnn_equal_those_of_a_padded_one(
    dtype: torch.dtype, first_kernel: Literal[1, "same"]
) -> None:
    cnn, words = small_cnn(first_kernel).to(dtype), torch.randn(11, 6, dtype=dtype, requires_grad=True)
    sources = [words, *cnn.parameters()]
    weight = torch.randn(11, 5, dtype=dtype)
    expected = torch.autograd.grad((padded_cnn(cnn, words, OFFSETS) * weight).sum(), sources)
    actual = torch.autograd.grad((cnn(words, OFFSETS) * weight).sum(), sources)
    torch.testing.assert_close(expected, actual)


def test_the_words_of_the_cnn_have_length_one() -> None:
    torch.testing.assert_close(torch.ones(11), small_cnn()(torch.randn(11, 6), OFFSETS).norm(dim=1))


@pytest.mark.parametrize("kernel", [4, 5])
def test_a_packed_convolution_is_a_convolution(kernel: int) -> None:
    layer, words = PackedConv(6, 3, kernel).double(), torch.randn(7, 6, dtype=torch.float64)
    # torch pads an even kernel with one zero more behind than before
    padded = functional.pad(words.T, ((kernel - 1) // 2, kernel // 2))
    expected = functional.conv1d(padded, taps_of(layer, kernel), layer.bias).T
    torch.testing.assert_close(expected, layer(words, ragged.windows(torch.tensor([0, 7]), 7, kernel)))


@pytest.mark.parametrize("kernels", [(), (2, 3), (0,)])
def test_kernels_that_have_no_middle_are_refused(kernels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="odd kernels"):
        DenseCNN(6, kernels=kernels, layers=3, first_dim=4, layer_dim=3, compressed_dim=5, dropout=0.2)

"""Kim's convolution with the maximum over time equals torch's own layers on padded sentences."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_suite import ragged
from suite_dsa.encoders.kim_cnn import KimCNN
from suite_dsa.pooling import MaxPooling

OFFSETS = torch.tensor([0, 3, 4, 5, 11])


def padded(cnn: KimCNN, words: Tensor, offsets: Tensor) -> Tensor:
    """nn.functional.conv1d, ReLU and the maximum over the words of padded sentences: (sentence, feature)."""
    sentences = nn.utils.rnn.pad_sequence(list(ragged.split(words, offsets)), batch_first=True).transpose(1, 2)
    inside = torch.arange(sentences.shape[2]) < ragged.lengths(offsets)[:, None, None]  # batch 1 word
    parts = []
    for layer, kernel in zip(cnn.layers, cnn.kernels, strict=True):
        taps = layer.weight.unflatten(0, (kernel, -1)).permute(1, 2, 0)  # out in tap
        around = functional.pad(sentences, ((kernel - 1) // 2, kernel // 2))
        features = functional.conv1d(around, taps, layer.bias).relu()
        parts.append(features.masked_fill(~inside, -torch.inf).amax(2))
    return torch.cat(parts, 1)


def test_it_equals_a_padded_one_in_values_and_gradients() -> None:
    cnn = KimCNN(6, kernels=(3, 4, 5), channels=7, dropout=0.5).double().eval()
    words = torch.randn(11, 6, dtype=torch.float64, requires_grad=True)
    sources = [words, *cnn.parameters()]
    expected, actual = padded(cnn, words, OFFSETS), MaxPooling(21)(cnn(words, OFFSETS), OFFSETS)
    torch.testing.assert_close(expected, actual)
    weight = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad((expected * weight).sum(), sources), torch.autograd.grad((actual * weight).sum(), sources)
    )


def test_dropout_of_features_is_dropout_of_the_sentence() -> None:
    """Kim drops half of the maxima and doubles the rest; the other half is as without dropout."""
    cnn, words = KimCNN(6, kernels=(3, 4), channels=500, dropout=0.5), torch.randn(11, 6)
    kept = MaxPooling(1000)(cnn.eval()(words, OFFSETS), OFFSETS)
    dropped = MaxPooling(1000)(cnn.train()(words, OFFSETS), OFFSETS)
    mask = dropped != 0
    torch.testing.assert_close(2 * kept[mask], dropped[mask])
    assert mask[kept > 0].double().mean().item() == pytest.approx(0.5, abs=0.05)

"""Sentence encoder with dynamic self-attention on a dense CNN, and its classifiers (arXiv:1808.07383)."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from suite_dsa.attention import DynamicSelfAttention, StaticSelfAttention
from suite_dsa.dense_cnn import DenseCNN
from suite_dsa.dropout import SLOPE, Dropout
from suite_dsa.initialisation import Reading, gain_of, he_normal_


def heuristic_matching(premise: Tensor, hypothesis: Tensor) -> Tensor:
    """Return concat[h, p, |h - p|, h * p] of Mou et al. (2016): (sentence, dim) twice -> (sentence, 4 * dim)."""
    return torch.cat([hypothesis, premise, (hypothesis - premise).abs(), hypothesis * premise], dim=-1)


def build_encoder(
    word_dim: int,
    *,
    attention: Literal["dynamic", "static"],
    heads: int,
    head_dim: int,
    iterations: int,
    kernels: Sequence[int],
    layers: int,
    first_dim: int,
    layer_dim: int,
    compressed_dim: int,
    word_dropout: float,
    conv_dropout: float,
    dropout_gain: Reading,
) -> "SentenceEncoder":
    """Return a sentence encoder with new weights; `suite_dsa.module.SentenceClassifier` explains the settings."""
    cnn = DenseCNN(
        word_dim,
        kernels=kernels,
        layers=layers,
        first_dim=first_dim,
        layer_dim=layer_dim,
        compressed_dim=compressed_dim,
        dropout=conv_dropout,
        gain=gain_of(conv_dropout, dropout_gain),
    )
    attends: DynamicSelfAttention | StaticSelfAttention
    if attention == "dynamic":
        attends = DynamicSelfAttention(compressed_dim, heads=heads, head_dim=head_dim, iterations=iterations)
    else:
        attends = StaticSelfAttention(compressed_dim, heads=heads, head_dim=head_dim)
    return SentenceEncoder(cnn, attends, word_dropout)


class SentenceEncoder(nn.Module):
    """Encodes sentences: dropout on the words, the dense CNN, an attention.

    Args:
        cnn: the dense CNN.
        attention: `DynamicSelfAttention` or `StaticSelfAttention`, of the CNN's compressed words.
        word_dropout: of the word vectors.

    Example:
        >>> cnn = DenseCNN(6, kernels=(3,), layers=2, first_dim=4, layer_dim=3, compressed_dim=5, dropout=0.2)
        >>> encoder = SentenceEncoder(cnn, DynamicSelfAttention(5, heads=1, head_dim=4, iterations=2), word_dropout=0.4)
        >>> encoder(torch.randn(7, 6), torch.tensor([0, 3, 7])).shape
        torch.Size([2, 4])
    """

    def __init__(
        self, cnn: DenseCNN, attention: DynamicSelfAttention | StaticSelfAttention, word_dropout: float
    ) -> None:
        super().__init__()
        self.drop = Dropout(word_dropout)
        self.cnn = cnn
        self.attention = attention
        self.output_dim = attention.output_dim

    def words(self, words: Tensor, offsets: Tensor) -> Tensor:
        """Return what the attention attends to: (word, word_dim), (sentence + 1,) -> (word, compressed_dim)."""
        result: Tensor = self.cnn(self.drop(words), offsets)
        return result

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        """Return the sentences: (word, word_dim), (sentence + 1,) -> (sentence, head * head_dim)."""
        result: Tensor = self.attention(self.words(words, offsets), offsets)
        return result


class Classifier(nn.Module):
    """Appendices A and B: an MLP with batch normalisation and dropout on the input of each hidden layer.

    Args:
        input_dim: width of a sentence or pair.
        hidden_dim: width of each hidden layer.
        hidden_layers: two for pairs (A), one for single sentences (B).
        classes: the number of classes.
        dropout: on the input of each hidden layer.
        gain: factor of the hidden layers' initialisation.

    Example:
        >>> Classifier(8, hidden_dim=4, hidden_layers=1, classes=3, dropout=0.4)(torch.randn(2, 8)).shape
        torch.Size([2, 3])
    """

    def __init__(
        self, input_dim: int, hidden_dim: int, hidden_layers: int, classes: int, dropout: float, gain: float = 1.0
    ) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for layer in range(hidden_layers):
            width = hidden_dim if layer else input_dim
            hidden = nn.Linear(width, hidden_dim)
            he_normal_(hidden.weight, width, gain)
            parts += [nn.BatchNorm1d(width), Dropout(dropout), hidden, nn.LeakyReLU(SLOPE)]
        output = nn.Linear(hidden_dim if hidden_layers else input_dim, classes)
        he_normal_(output.weight, output.in_features)
        parts.append(output)
        for part in parts:
            if isinstance(part, nn.Linear):
                nn.init.zeros_(part.bias)
        self.layers = nn.Sequential(*parts)

    def forward(self, sentences: Tensor) -> Tensor:
        """Return logits: (sentence, input_dim) -> (sentence, class)."""
        for part in self.layers:
            if isinstance(part, nn.BatchNorm1d) and part.training and len(sentences) == 1:
                # A single sentence has no variance: the running statistics normalise it, and it does not change them.
                sentences = functional.batch_norm(
                    sentences, part.running_mean, part.running_var, part.weight, part.bias, eps=part.eps
                )
            else:
                sentences = part(sentences)
        return sentences

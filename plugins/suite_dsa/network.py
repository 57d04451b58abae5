"""Sentence encoders, of which dynamic self-attention on a dense CNN is the paper's, and their classifiers.

Each is a network that puts words into their context and a pooling, or attention, that makes a sentence of them
(arXiv:1808.07383; the others are its baselines in Tables 1 and 2).
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from suite_dsa.attention import DynamicSelfAttention, StaticSelfAttention
from suite_dsa.dropout import SLOPE, Dropout
from suite_dsa.encoders import EncoderName, WordEncoder
from suite_dsa.encoders.bilstm import BiLSTM
from suite_dsa.encoders.dense_cnn import DenseCNN
from suite_dsa.encoders.kim_cnn import KimCNN
from suite_dsa.initialisation import Reading, gain_of, he_normal_
from suite_dsa.pooling import AttentionName, LastState, MaxPooling, Pooling


def heuristic_matching(premise: Tensor, hypothesis: Tensor) -> Tensor:
    """Return concat[h, p, |h - p|, h * p] of Mou et al. (2016): (sentence, dim) twice -> (sentence, 4 * dim)."""
    return torch.cat([hypothesis, premise, (hypothesis - premise).abs(), hypothesis * premise], dim=-1)


def number_of_parameters(*parts: nn.Module) -> int:
    """Return the number of parameters of parts of a network.

    Example:
        >>> number_of_parameters(nn.Linear(3, 2), nn.Linear(2, 1, bias=False))
        10
    """
    return sum(parameter.numel() for part in parts for parameter in part.parameters())


def rename_weights_of_before(weights: dict[str, Any]) -> None:
    """Give weights the names of today in a checkpoint of release 0.1, which knew no network but the dense CNN.

    Example:
        >>> weights = {"encoder.cnn.first.bias": 0.5}
        >>> rename_weights_of_before(weights)
        >>> weights
        {'encoder.in_context.first.bias': 0.5}
    """
    for name in [name for name in weights if name.startswith("encoder.cnn.")]:
        weights[name.replace(".cnn.", ".in_context.", 1)] = weights.pop(name)


def build_encoder(
    word_dim: int,
    *,
    encoder: EncoderName,
    attention: AttentionName,
    heads: int,
    head_dim: int,
    iterations: int,
    kernels: Sequence[int],
    layers: int,
    first_dim: int,
    first_kernel: Literal[1, "same"],
    layer_dim: int,
    compressed_dim: int,
    lstm_dim: int,
    kim_kernels: Sequence[int],
    kim_dim: int,
    word_dropout: float,
    conv_dropout: float,
    dropout_gain: Reading,
) -> "SentenceEncoder":
    """Return a sentence encoder with new weights; `suite_dsa.module.SentenceClassifier` explains the settings."""
    in_context: WordEncoder
    if encoder == "bilstm":
        in_context = BiLSTM(word_dim, hidden_dim=lstm_dim, dropout=conv_dropout)
    elif encoder == "kim-cnn":
        in_context = KimCNN(word_dim, kernels=kim_kernels, channels=kim_dim, dropout=conv_dropout)
    else:
        in_context = DenseCNN(
            word_dim,
            kernels=kernels,
            layers=layers,
            first_dim=first_dim,
            first_kernel=first_kernel,
            layer_dim=layer_dim,
            compressed_dim=compressed_dim,
            dropout=conv_dropout,
            gain=gain_of(conv_dropout, dropout_gain),
        )
    pooling: Pooling
    if attention == "dynamic":
        pooling = DynamicSelfAttention(in_context.output_dim, heads=heads, head_dim=head_dim, iterations=iterations)
    elif attention == "static":
        pooling = StaticSelfAttention(in_context.output_dim, heads=heads, head_dim=head_dim)
    elif attention == "max":
        pooling = MaxPooling(in_context.output_dim)
    else:
        pooling = LastState(in_context.output_dim)
    return SentenceEncoder(in_context, pooling, word_dropout)


class SentenceEncoder(nn.Module):
    """Encodes sentences: dropout on the words, a network that puts them into context, a pooling.

    Without arguments it is the paper's for single DSA on SST (appendix B), of word vectors of 300 numbers.

    Args:
        in_context: `DenseCNN`, `BiLSTM` or `KimCNN`; None: the first.
        attention: `DynamicSelfAttention`, `StaticSelfAttention`, `MaxPooling` or `LastState`, of the words in context;
            None: the first.
        word_dropout: of the word vectors.

    Example:
        >>> cnn = DenseCNN(6, kernels=(3,), layers=2, first_dim=4, layer_dim=3, compressed_dim=5, dropout=0.2)
        >>> encoder = SentenceEncoder(cnn, DynamicSelfAttention(5, heads=1, head_dim=4, iterations=2), word_dropout=0.4)
        >>> encoder(torch.randn(7, 6), torch.tensor([0, 3, 7])).shape
        torch.Size([2, 4])
    """

    def __init__(
        self, in_context: WordEncoder | None = None, attention: Pooling | None = None, word_dropout: float = 0.4
    ) -> None:
        super().__init__()
        self.drop: Dropout = Dropout(word_dropout)
        self.in_context: WordEncoder = DenseCNN() if in_context is None else in_context
        self.attention: Pooling = DynamicSelfAttention(self.in_context.output_dim) if attention is None else attention
        self.output_dim: int = self.attention.output_dim

    def words(self, words: Tensor, offsets: Tensor) -> Tensor:
        """Return what the attention attends to: (word, word_dim), (sentence + 1,) -> (word, in_context.output_dim)."""
        return self.in_context(self.drop(words), offsets)

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        """Return the sentences: (word, word_dim), (sentence + 1,) -> (sentence, output_dim)."""
        return self.attention(self.words(words, offsets), offsets)


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
        self,
        input_dim: int = 600,
        hidden_dim: int = 300,
        hidden_layers: int = 1,
        classes: int = 2,
        dropout: float = 0.4,
        gain: float = 1.0,
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
        self.layers: nn.Sequential = nn.Sequential(*parts)

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

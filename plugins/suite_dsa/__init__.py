"""Dynamic Self-Attention: a sentence as weighted sums of its words, with weights computed from the sentence.

Self-attention for sentences weighs each word by its agreement with a learnt vector, which is the same for every
sentence once training is over. Here the vector is computed from the sentence. Word vectors x_i, made by a densely
connected convolution, are projected for each head; then, r times over,

    a = softmax(q),   s = sum_i a_i x_i,   z = tanh(s),   q_i = q_i + x_i . z        (q = 0 at first)

so that words which agree with the sum gain weight in the next round. It is the dynamic routing of capsule networks
made into attention: the weights are shared out among the words, not among the capsules above. The vectors z of all
heads, one after another, are the sentence's code; a small classifier on top learns sentiment from one code,
inference from those of premise and hypothesis.

Deunsol Yoon, Dongbok Lee, SangKeun Lee: "Dynamic Self-Attention: Computing Attention over Words Dynamically for
Sentence Embedding", 2018, arXiv:1808.07383.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lightning_suite.plugin import Plugin

if TYPE_CHECKING:
    from suite_dsa.attention import DynamicSelfAttention as DynamicSelfAttention
    from suite_dsa.attention import StaticSelfAttention as StaticSelfAttention
    from suite_dsa.data import SentenceData as SentenceData
    from suite_dsa.encoders.bilstm import BiLSTM as BiLSTM
    from suite_dsa.encoders.dense_cnn import DenseCNN as DenseCNN
    from suite_dsa.encoders.kim_cnn import KimCNN as KimCNN
    from suite_dsa.module import SentenceClassifier as SentenceClassifier
    from suite_dsa.network import Classifier as Classifier
    from suite_dsa.network import SentenceEncoder as SentenceEncoder

__all__ = [
    "BiLSTM",
    "Classifier",
    "DenseCNN",
    "DynamicSelfAttention",
    "KimCNN",
    "SentenceClassifier",
    "SentenceData",
    "SentenceEncoder",
    "StaticSelfAttention",
    "plugin",
]

_PLACES = {
    "BiLSTM": "suite_dsa.encoders.bilstm",
    "Classifier": "suite_dsa.network",
    "DenseCNN": "suite_dsa.encoders.dense_cnn",
    "DynamicSelfAttention": "suite_dsa.attention",
    "KimCNN": "suite_dsa.encoders.kim_cnn",
    "SentenceClassifier": "suite_dsa.module",
    "SentenceData": "suite_dsa.data",
    "SentenceEncoder": "suite_dsa.network",
    "StaticSelfAttention": "suite_dsa.attention",
}
"""In which file the names are that others import."""

plugin = Plugin(
    name="dsa",
    summary="Sentence encoder with dynamic self-attention",
    module="suite_dsa.module:SentenceClassifier",
    data="suite_dsa.data:SentenceData",
    recipes="suite_dsa:recipes",
    reproductions="suite_dsa:reproductions",
    commands={
        "attention": "suite_dsa.studies.attention:attention",
        "baselines": "suite_dsa.studies.comparison:baselines",
        "twins": "suite_dsa.studies.comparison:twins",
        "vectors": "suite_dsa.studies.vectors:vectors",
    },
    paper="Yoon, Lee, Lee (2018), arXiv:1808.07383",
    extra="dsa",
    api=1,
)


def __getattr__(name: str) -> Any:
    """Return what is named above; it is imported when it is asked for: the record must be cheap to read."""
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""An impossible setting is refused by its name, before anything is built."""

from typing import Any

import pytest

from lightning_suite.errors import UsageError
from suite_dsa.module import SentenceClassifier


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("heads", 0),
        ("head_dim", -3),
        ("iterations", 0),
        ("layers", 0),
        ("kernels", (2, 4)),
        ("kernels", ()),
        ("hidden_layers", -1),
        ("word_dropout", 1.0),
        ("conv_dropout", -0.1),
        ("classifier_dropout", float("nan")),
        ("learning_rate", -1.0),
        ("weight_decay", -1.0),
        ("halve_patience", 0),
        ("attention", "dynamical"),
        ("dropout_gain", "retained"),
        ("optimizer", "sgd"),
        ("encoder", "lstm"),
        ("first_kernel", 3),
        ("lstm_dim", 0),
        ("kim_kernels", (3, 0)),
        ("kim_dim", 0),
        ("learning_rate_floor", -0.1),
        ("average", 1.0),
    ],
)
def test_an_impossible_setting_is_refused_by_name_before_anything_is_built(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"--model.{name}: expected"):
        SentenceClassifier(**{name: value})


@pytest.mark.parametrize(
    ("encoder", "attention", "message"),
    [
        ("kim-cnn", "dynamic", "kim-cnn .* expected --model.attention max, got dynamic"),
        ("dense-cnn", "last", "expected --model.encoder bilstm, got dense-cnn"),
    ],
)
def test_an_attention_that_an_encoder_has_not_is_refused(encoder: Any, attention: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SentenceClassifier(encoder=encoder, attention=attention)

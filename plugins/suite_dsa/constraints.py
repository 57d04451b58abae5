"""What the values of the module's options may be, each by itself and together."""

from typing import Any, Literal

from lightning_suite.constraints import Condition, Interval, ListOf
from lightning_suite.errors import UsageError
from suite_dsa.encoders import EncoderName
from suite_dsa.initialisation import Reading
from suite_dsa.pooling import AttentionName

_COUNT = [Interval(int, 1)]
_DROPOUT = [Interval(float, 0, 1, closed="left")]
CONSTRAINTS: dict[str, list[Any]] = {
    "encoder": [EncoderName],
    "attention": [AttentionName],
    "first_kernel": [Literal[1, "same"]],
    "dropout_gain": [Reading],
    "optimizer": [Literal["adadelta", "adam"]],
    **dict.fromkeys(("heads", "head_dim", "iterations", "layers", "first_dim", "layer_dim", "compressed_dim"), _COUNT),
    **dict.fromkeys(("lstm_dim", "kim_dim", "hidden_dim", "halve_patience"), _COUNT),
    "kim_kernels": [ListOf(_COUNT, least=1)],
    "hidden_layers": [Interval(int, 0)],
    "kernels": [ListOf([Condition("an odd number above 0", lambda size: size > 0 and size % 2 == 1)], least=1)],
    **dict.fromkeys(("word_dropout", "conv_dropout", "classifier_dropout"), _DROPOUT),
    "learning_rate": [Interval(float, 0, closed="neither"), None],
    "weight_decay": [Interval(float, 0)],
    "halve_threshold": [Interval(float, 0)],
    "learning_rate_floor": [Interval(float, 0)],
    "average": [Interval(float, 0, 1, closed="left")],
}


def check_together(encoder: EncoderName, attention: AttentionName) -> None:
    """Check that an attention is defined for the words of an encoder.

    Raises:
        UsageError: it is not.
    """
    if encoder == "kim-cnn" and attention != "max":
        raise UsageError(
            f"--model.encoder kim-cnn keeps the greatest value of each feature: expected --model.attention max, "
            f"got {attention}"
        )
    if attention == "last" and encoder != "bilstm":
        raise UsageError(
            f"--model.attention last takes the last states of a recurrent network: expected --model.encoder bilstm, "
            f"got {encoder}. The others are dynamic, static and max"
        )

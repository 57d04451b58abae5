"""What the values of the module's options may be, each by itself and together."""

from typing import Any, Literal

from lightning_suite.constraints import Interval
from lightning_suite.errors import UsageError

_DIM, _DROPOUT = Interval(int, 1), Interval(float, 0, 1, closed="left")

CONSTRAINTS: dict[str, list[Any]] = {
    "predictor": [Literal["network", "ngram", "mixture"]],
    "ngram_order": [Interval(int, 2)],
    "embedding_dim": [_DIM, None],
    "hidden_dim": [_DIM],
    "layers": [Interval(int, 1)],
    "tied": [bool],
    "dropout": [Literal["step", "sequence"]],
    "token_dropout": [_DROPOUT],
    "input_dropout": [_DROPOUT],
    "hidden_dropout": [_DROPOUT],
    "output_dropout": [_DROPOUT],
    "weight_dropout": [_DROPOUT],
    "optimizer": [Literal["adam", "adamw"]],
    "learning_rate": [Interval(float, 0, closed="neither")],
    "schedule": [Literal["constant", "cosine"]],
    "weight_decay": [Interval(float, 0)],
    "cache": [Interval(int, 0)],
    "dynamic": [Interval(float, 0)],
    "sample_every": [Interval(int, 0)],
    "samples": [Interval(int, 1)],
    "generated": [Interval(int, 1)],
    "temperature": [Interval(float, 0)],
    "top_p": [Interval(float, 0, 1, closed="right")],
}


def check_together(predictor: str, cache: int, dynamic: float) -> None:
    """Raise UsageError where options do not go together; the names are those of `suite_tweets.module.TweetModel`."""
    if dynamic and not cache and predictor != "mixture":
        raise UsageError(
            "--model.dynamic: expected --model.cache of 1 or more beside it, or --model.predictor mixture: without "
            "them nothing is measured a second time"
        )

"""Sentence encoders with random weights, which need no training, and checkpoints of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_suite.run import KEY
from suite_dsa.module import SentenceClassifier
from suite_dsa.vocabulary import Vocabulary

WORDS = ["a", "film", "good", "bad", "very", "the", "plot", "is", "thin", "warm"]
SENTENCES = ["a good film", "bad", "the plot is very very very thin", "", "zyzzyva ?", "the plot is warm"]
SMALL = {"heads": 2, "head_dim": 6, "first_dim": 8, "layer_dim": 4, "compressed_dim": 8, "hidden_dim": 4}


def untrained(tokenizer: str = "ptb", columns: int = 1, **settings: Any) -> SentenceClassifier:
    """An encoder of two heads that knows ten words."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        module = SentenceClassifier(**SMALL | settings)
        vectors = torch.randn(len(WORDS) + 1, 5)
        words = Vocabulary(WORDS, range(1, len(WORDS) + 1)).state()
        state = {"vocabulary": words, "labels": ["blame", "praise"], "columns": columns, "tokenizer": tokenizer}
        changes = {"changes.weight": torch.zeros_like(vectors)} if settings.get("train_vectors") else {}
        module.on_load_checkpoint({"sentences": state, "state_dict": {"vectors": vectors, **changes}})
        module.vectors.copy_(vectors)
    return module.eval()


@pytest.fixture
def encoder() -> SentenceClassifier:
    return untrained()


@pytest.fixture
def make_checkpoint(tmp_path: Path) -> Callable[..., Path]:
    """Writes the checkpoint of an encoder with such settings, in a folder of its own."""

    def make(name: str = "dsa", **settings: Any) -> Path:
        module = untrained(**settings)
        stored = {"settings": {"plugin": "dsa", "model": dict(module.hparams)}}
        content: dict[str, Any] = {"state_dict": module.state_dict(), KEY: stored}
        module.on_save_checkpoint(content)
        (tmp_path / name).mkdir()
        torch.save(content, tmp_path / name / "dsa.ckpt")
        return tmp_path / name / "dsa.ckpt"

    return make


@pytest.fixture
def checkpoint(make_checkpoint: Callable[..., Path]) -> Path:
    return make_checkpoint()


@pytest.fixture
def sentences() -> list[str]:
    return list(SENTENCES)

"""A sentence encoder with random weights, which needs no training, and a checkpoint of it."""

from pathlib import Path

import pytest
import torch

from lightning_suite.run import KEY
from suite_dsa.module import SentenceClassifier
from suite_dsa.vocabulary import Vocabulary

WORDS = ["a", "film", "good", "bad", "very", "the", "plot", "is", "thin", "warm"]
SENTENCES = ["a good film", "bad", "the plot is very very very thin", "", "zyzzyva ?", "the plot is warm"]


@pytest.fixture
def encoder() -> SentenceClassifier:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        module = SentenceClassifier(heads=2, head_dim=6, first_dim=8, layer_dim=4, compressed_dim=8, hidden_dim=4)
        vectors = torch.randn(len(WORDS) + 1, 5)
        words = Vocabulary(WORDS, range(1, len(WORDS) + 1)).state()
        state = {"vocabulary": words, "labels": ["blame", "praise"], "columns": 1, "tokenizer": "ptb"}
        module.on_load_checkpoint({"sentences": state, "state_dict": {"vectors": vectors}})
        module.vectors.copy_(vectors)
    return module.eval()


@pytest.fixture
def checkpoint(encoder: SentenceClassifier, tmp_path: Path) -> Path:
    content = {"state_dict": encoder.state_dict(), KEY: {"settings": {"plugin": "dsa", "model": dict(encoder.hparams)}}}
    encoder.on_save_checkpoint(content)
    torch.save(content, tmp_path / "dsa.ckpt")
    return tmp_path / "dsa.ckpt"


@pytest.fixture
def sentences() -> list[str]:
    return list(SENTENCES)

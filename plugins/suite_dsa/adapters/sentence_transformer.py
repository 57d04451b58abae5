"""A trained encoder as the module of a `sentence_transformers.SentenceTransformer`.

Prompts, pools of processes, evaluators, fine-tuning and saving are then that library's. A saved folder holds a
checkpoint, which ``lightning_suite.load`` and ``suite predict`` read too.
"""

from pathlib import Path
from typing import Any, final

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import InputModule
from torch import Tensor

from lightning_suite import load
from lightning_suite.files import atomic_path
from lightning_suite.inputs import texts_of
from lightning_suite.run import KEY

CHECKPOINT = "dsa.ckpt"
"""The file of a saved module."""


def as_sentence_transformer(model: Any) -> SentenceTransformer:
    """Return a SentenceTransformer that encodes with a trained module, `suite_dsa.module.SentenceClassifier`.

    The module's own encoder can be trained further: where weights were averaged, it is the average that then learns.
    """
    return SentenceTransformer(modules=[DynamicSelfAttention(model)], device=str(model.device))


@final
class DynamicSelfAttention(InputModule):  # type: ignore[misc]  # its package may be absent when types are checked
    """A sentence encoder as the only module of a SentenceTransformer.

    Args:
        model: the trained `suite_dsa.module.SentenceClassifier`.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        for part in (model.encoder, model.changes):  # averaged weights do not learn in the module's own training
            if part is not None:
                part.requires_grad_(True)

    def train(self, mode: bool = True) -> "DynamicSelfAttention":
        """Let dropout work; the weights in use stay the averaged ones, where there are others that learnt them."""
        super().train(mode)
        self.model.training = False  # of the module alone, not of its layers
        return self

    def preprocess(self, inputs: list[str], prompt: str | None = None, **kwargs: Any) -> dict[str, Tensor]:
        """Return rows of the vocabulary and offsets of sentences."""
        _, rows, offsets = self.model.pack([(prompt or "") + text for text in texts_of(inputs, "encode")[0]])
        return {"rows": rows, "offsets": offsets}

    def forward(self, features: dict[str, Tensor], **kwargs: Any) -> dict[str, Tensor]:
        """Add the embeddings, (sentence, head * head_dim)."""
        words = self.model.word_vectors(features["rows"])
        return features | {"sentence_embedding": self.model.encoder(words, features["offsets"])}

    def get_embedding_dimension(self) -> int:
        """Return head * head_dim."""
        dim: int = self.model.encoder.output_dim
        return dim

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write a checkpoint of the module, which is read without running code, whatever ``safe_serialization`` is."""
        settings = {"plugin": "dsa", "model": dict(self.model.hparams)}
        checkpoint = {"state_dict": self.model.state_dict(), KEY: {"settings": settings}}
        self.model.on_save_checkpoint(checkpoint)
        with atomic_path(Path(output_path) / CHECKPOINT) as unfinished:
            torch.save(checkpoint, unfinished)

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **kwargs: Any) -> "DynamicSelfAttention":
        """Return the module that a folder holds."""
        where = {name: value for name, value in kwargs.items() if name in ("token", "cache_folder", "revision")}
        found = cls.load_file_path(model_name_or_path, CHECKPOINT, subfolder, **where)
        return cls(load(Path(found or Path(model_name_or_path, subfolder, CHECKPOINT))))

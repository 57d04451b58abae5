"""A trained encoder as the Massive Text Embedding Benchmark wants it: its ``EncoderProtocol`` (mteb 2).

import mteb
mteb.evaluate(MtebEncoder("runs/dsa/2026-01-31-120000-default"), mteb.get_tasks(["Banking77Classification"]))
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from torch import Tensor

from lightning_suite import load
from lightning_suite.needs import needs
from suite_dsa.encoding import Embeddings
from suite_dsa.similarity import Vectors, similarity, similarity_pairwise

if TYPE_CHECKING:
    from mteb.models import ModelMeta


def numbers_in_vectors(model: Any) -> int:
    """Return how many numbers the word vectors of a module have, those of all its sources."""
    tables = [model.vectors] if model.sources is None else model.sources.buffers()
    return sum(table.numel() for table in tables if table.is_floating_point())  # the others say which rows a word has


@final
class MtebEncoder:
    """A trained encoder for mteb.

    Args:
        model_name: a run folder or a checkpoint.
        revision: a name for this state of the run, under which mteb files its results.
        device: where to encode; by default the CPU.
        kwargs: what mteb passes to models of other kinds; not used.
    """

    def __init__(
        self, model_name: str | Path, revision: str | None = None, *, device: str | None = None, **kwargs: Any
    ) -> None:
        self.model: Any = load(model_name)
        self._name, self._revision, self._device = Path(model_name).name, revision, device

    def encode(
        self,
        inputs: Iterable[Mapping[str, list[str]]],
        *,
        batch_size: int = 256,
        show_progress_bar: bool | None = None,
        precision: str = "float32",
        **kwargs: Any,
    ) -> Embeddings:
        """Return the embeddings of the texts of a loader of batches; task and kind of text make no difference."""
        texts = [text for batch in inputs for text in batch["text"]]
        embeddings: Embeddings = self.model.encode(
            texts, batch_size, show_progress_bar=show_progress_bar, device=self._device, precision=precision
        )
        return embeddings

    def similarity(self, embeddings1: Vectors, embeddings2: Vectors) -> Tensor:
        """Return the cosine of each of the first with each of the second."""
        return similarity(embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Vectors, embeddings2: Vectors) -> Tensor:
        """Return the cosine of each of the first with the second of the same number."""
        return similarity_pairwise(embeddings1, embeddings2)

    @property
    def mteb_model_meta(self) -> "ModelMeta":
        """What mteb writes beside its results.

        Raises:
            UsageError: mteb is not installed.
        """
        with needs("the description of a model for mteb", "mteb>=2"):
            from mteb.models.model_meta import ModelMeta, ScoringFunction
        vectors = numbers_in_vectors(self.model)
        others = sum(parameter.numel() for parameter in self.model.encoder.parameters())
        return ModelMeta.create_empty(
            {
                "name": f"lightning-suite/{self._name}",
                "revision": self._revision or "trained-here",
                "embed_dim": self.model.encoder.output_dim,
                "n_parameters": others + vectors,  # to mteb, vectors are among them
                "n_embedding_parameters": vectors,
                "similarity_fn_name": ScoringFunction.COSINE,
                "framework": ["PyTorch"],
            }
        )

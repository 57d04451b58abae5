"""A trained encoder as a scikit-learn transformer: sentences in, their embeddings out, in pipelines and searches."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from lightning_suite import load


@final
class SentenceEmbeddings(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Transforms sentences into the embeddings of a trained encoder; ``fit`` learns nothing.

    A search over other parameters of a pipeline encodes the same sentences again and again; scikit-learn's own cache,
    ``Pipeline(..., memory=folder)``, encodes them once.

    Example:
        What ``suite fit`` prints at its end is the path to give:

            from sklearn.linear_model import LogisticRegression
            from sklearn.pipeline import make_pipeline

            labels = make_pipeline(SentenceEmbeddings("runs/dsa/2026-01-31-120000-default"), LogisticRegression())
            labels.fit(["a gorgeous movie", "flat and joyless"], ["praise", "blame"])

    Args:
        run: a run folder, a checkpoint, or a trained module.
        batch_size: sentences that are encoded at once.
        normalize: scale each embedding to length 1.

    Attributes:
        module_: the trained module.
    """

    def __init__(self, run: Any, *, batch_size: int = 256, normalize: bool = False) -> None:
        self.run = run
        self.batch_size = batch_size
        self.normalize = normalize

    def fit(self, X: Iterable[str] | None = None, y: object = None) -> Self:
        """Load the encoder.

        Raises:
            UsageError: there is no such run.
        """
        module: Any = self.run
        if isinstance(self.run, str | Path):
            module = load(self.run)
        self.module_ = module
        self._n_features_out = module.encoder.output_dim
        return self

    def transform(self, X: Iterable[str]) -> NDArray[np.float32]:
        """Return the embeddings: (sentence,) strings -> (sentence, head * head_dim).

        Raises:
            TypeError: X is one string, or something in it is not a string.
        """
        check_is_fitted(self, "module_")
        if isinstance(X, str):
            raise TypeError(f"transform: expected several sentences, such as a list, got one string: {X!r:.60}")
        embeddings: NDArray[np.float32] = self.module_.encode(X, self.batch_size, normalize_embeddings=self.normalize)
        return embeddings

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        tags.requires_fit = True
        return tags

"""The encoder answers the calls that mteb makes; what mteb itself does with it is tried where mteb is installed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightning_suite.errors import UsageError
from suite_dsa.adapters.mteb import MtebEncoder
from suite_dsa.module import SentenceClassifier

TASK = {"task_metadata": None, "hf_split": "test", "hf_subset": "default", "prompt_type": None}


def test_texts_of_all_batches_are_encoded_in_order(
    checkpoint: Path, encoder: SentenceClassifier, sentences: list[str]
) -> None:
    inputs: list[dict[str, Any]] = [{"text": sentences[:4], "title": [""] * 4}, {"text": sentences[4:]}]
    embeddings = MtebEncoder(checkpoint).encode(inputs, batch_size=2, show_progress_bar=False, **TASK)
    np.testing.assert_allclose(encoder.encode(sentences), embeddings, atol=1e-6)


def test_similarities_are_cosines(checkpoint: Path, encoder: SentenceClassifier, sentences: list[str]) -> None:
    model, embeddings = MtebEncoder(checkpoint), encoder.encode(sentences, normalize_embeddings=True)
    np.testing.assert_allclose(embeddings @ embeddings.T, model.similarity(embeddings, embeddings), atol=1e-6)
    np.testing.assert_allclose(np.ones(6), model.similarity_pairwise(embeddings, embeddings), atol=1e-6)


def test_a_run_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run folder"):
        MtebEncoder(tmp_path / "absent")


def test_it_is_an_encoder_to_mteb(checkpoint: Path) -> None:
    pytest.importorskip("mteb", reason="mteb is not installed")
    from mteb.models.models_protocols import EncoderProtocol

    model = MtebEncoder(checkpoint, revision="first")
    assert isinstance(model, EncoderProtocol)
    meta = model.mteb_model_meta
    assert (meta.name, meta.revision, meta.embed_dim) == ("lightning-suite/dsa.ckpt", "first", 12)


def test_mteb_evaluates_it(checkpoint: Path, tmp_path: Path) -> None:
    mteb = pytest.importorskip("mteb", reason="mteb is not installed")
    from mteb.mocks.mock_tasks import MockClassificationTask, MockSTSTask

    model = MtebEncoder(checkpoint)
    results = mteb.evaluate(model, [MockClassificationTask(), MockSTSTask()], cache=None)
    assert [len(result.scores["test"]) > 0 for result in results.task_results] == [True, True]

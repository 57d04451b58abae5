"""The encoder answers the calls that mteb makes; what mteb itself does with it is tried where mteb is installed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lightning_suite.errors import UsageError
from suite_dsa.adapters.mteb import MtebEncoder, numbers_in_vectors
from suite_dsa.module import SentenceClassifier
from suite_dsa.network import number_of_parameters
from suite_dsa.vocabulary import Vocabulary

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


def test_word_vectors_are_counted_in_one_source_and_in_several(encoder: SentenceClassifier) -> None:
    weights = {
        "sources.table_0": torch.zeros(3, 4),
        "sources.rows_0": torch.zeros(7),
        "sources.offsets_0": torch.ones(8),
    }
    weights |= {
        "sources.table_1": torch.zeros(5, 2),
        "sources.rows_1": torch.zeros(6),
        "sources.offsets_1": torch.ones(8),
    }
    several = SentenceClassifier()
    state = {"vocabulary": Vocabulary([], []).state(), "labels": ["a", "b"], "columns": 1, "tokenizer": "ptb"}
    several.on_load_checkpoint({"sentences": state, "state_dict": weights})

    assert numbers_in_vectors(encoder) == 11 * 5
    assert numbers_in_vectors(several) == 3 * 4 + 5 * 2


def test_it_is_an_encoder_to_mteb(checkpoint: Path) -> None:
    pytest.importorskip("mteb", reason="mteb is not installed")
    from mteb.models.models_protocols import EncoderProtocol

    model = MtebEncoder(checkpoint, revision="first")
    assert isinstance(model, EncoderProtocol)
    meta = model.mteb_model_meta
    assert (meta.name, meta.revision, meta.embed_dim) == ("lightning-suite/dsa.ckpt", "first", 12)
    assert meta.n_embedding_parameters == 11 * 5
    assert meta.n_active_parameters == number_of_parameters(model.model.encoder)


def test_mteb_evaluates_it(checkpoint: Path, tmp_path: Path) -> None:
    mteb = pytest.importorskip("mteb", reason="mteb is not installed")
    from mteb.mocks.mock_tasks import MockClassificationTask, MockSTSTask

    model = MtebEncoder(checkpoint)
    results = mteb.evaluate(model, [MockClassificationTask(), MockSTSTask()], cache=None)
    assert [len(result.scores["test"]) > 0 for result in results.task_results] == [True, True]

"""The transformer does what scikit-learn asks of one, in pipelines too."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from lightning_suite.errors import UsageError
from suite_dsa.module import SentenceClassifier

pytest.importorskip("sklearn", reason="scikit-learn, of the extra 'dsa', is not installed")
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from suite_dsa.adapters.scikit_learn import SentenceEmbeddings


def test_sentences_become_the_embeddings_of_the_run(
    checkpoint: Path, encoder: SentenceClassifier, sentences: list[str]
) -> None:
    embeddings = SentenceEmbeddings(str(checkpoint)).fit_transform(sentences)
    np.testing.assert_allclose(encoder.encode(sentences), embeddings, atol=1e-6)


def test_a_module_will_do_in_place_of_a_run(encoder: SentenceClassifier, sentences: list[str]) -> None:
    scaled = SentenceEmbeddings(encoder, normalize=True, batch_size=2).fit_transform(sentences)
    np.testing.assert_allclose(encoder.encode(sentences, normalize_embeddings=True), scaled, atol=1e-6)


def test_a_clone_has_the_parameters_and_is_not_fitted(checkpoint: Path, sentences: list[str]) -> None:
    fitted = SentenceEmbeddings(checkpoint, normalize=True).fit()
    copy = clone(fitted)
    assert copy.get_params() == {"run": checkpoint, "batch_size": 256, "normalize": True}
    with pytest.raises(NotFittedError):
        copy.transform(sentences)


def test_a_pickled_transformer_needs_its_run_no_more(checkpoint: Path, sentences: list[str]) -> None:
    fitted = SentenceEmbeddings(checkpoint).fit()
    content = pickle.dumps(fitted)
    checkpoint.unlink()
    np.testing.assert_array_equal(fitted.transform(sentences), pickle.loads(content).transform(sentences))


def test_it_is_a_step_of_a_pipeline(checkpoint: Path) -> None:
    labels = make_pipeline(SentenceEmbeddings(checkpoint), LogisticRegression(C=1e4))
    texts = ["a good film", "the plot is warm", "bad", "the plot is thin"]
    labels.fit(texts, [1, 1, 0, 0])
    assert labels.predict(texts).tolist() == [1, 1, 0, 0]
    assert labels.set_params(sentenceembeddings__batch_size=1).predict(texts).tolist() == [1, 1, 0, 0]


def test_columns_are_numbered(checkpoint: Path) -> None:
    names = SentenceEmbeddings(checkpoint).fit().get_feature_names_out()
    assert names.tolist() == [f"sentenceembeddings{number}" for number in range(12)]


def test_one_string_is_no_table_of_sentences(checkpoint: Path) -> None:
    with pytest.raises(TypeError, match=r"transform: expected several sentences, .* got one string: 'a good film'"):
        SentenceEmbeddings(checkpoint).fit().transform("a good film")


def test_a_run_that_is_not_there_is_a_mistake_of_fit(tmp_path: Path) -> None:
    transformer = SentenceEmbeddings(tmp_path / "absent")
    with pytest.raises(UsageError, match="no run folder and no checkpoint is at"):
        transformer.fit(["a film"])

"""Our encoding beside sentence-transformers' own, through the same weights: the same shapes, types, order and values.

Runs where sentence-transformers is installed; it is not among the requirements of the tests, for it is heavy.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lightning_suite import load
from suite_dsa.module import SentenceClassifier

library = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")


@pytest.fixture
def theirs(encoder: SentenceClassifier) -> Any:
    return encoder.as_sentence_transformer()


def assert_same(expected: Any, actual: Any) -> None:
    """The same type, dtype, shape and values; of lists, item by item."""
    assert type(expected) is type(actual)
    if isinstance(expected, list):
        for one, other in zip(expected, actual, strict=True):
            assert_same(one, other)
        return
    assert (expected.dtype, expected.shape) == (actual.dtype, actual.shape)
    np.testing.assert_allclose(np.asarray(expected), np.asarray(actual), atol=1e-6)


@pytest.mark.parametrize("normalize_embeddings", [False, True])
@pytest.mark.parametrize("kind", [{}, {"convert_to_tensor": True}, {"convert_to_numpy": False}])
def test_a_list_gives_what_theirs_gives(
    encoder: SentenceClassifier, theirs: Any, sentences: list[str], kind: dict[str, bool], normalize_embeddings: bool
) -> None:
    for batch_size in (1, 4):
        arguments = {"batch_size": batch_size, "normalize_embeddings": normalize_embeddings, **kind}
        assert_same(theirs.encode(sentences, **arguments), encoder.encode(sentences, **arguments))


@pytest.mark.parametrize("kind", [{}, {"convert_to_tensor": True}, {"convert_to_numpy": False}])
def test_a_string_gives_what_theirs_gives(encoder: SentenceClassifier, theirs: Any, kind: dict[str, bool]) -> None:
    assert_same(theirs.encode("a good film", **kind), encoder.encode("a good film", **kind))


@pytest.mark.parametrize("kind", [tuple, np.array])  # a generator is one input to theirs, and fails
def test_other_collections_give_what_theirs_give(
    encoder: SentenceClassifier, theirs: Any, sentences: list[str], kind: Any
) -> None:
    assert_same(theirs.encode(kind(sentences)), encoder.encode(kind(sentences)))


@pytest.mark.parametrize("precision", ["float32", "int8", "uint8", "binary", "ubinary"])
@pytest.mark.parametrize("convert_to_tensor", [False, True])
def test_every_precision_is_theirs(
    encoder: SentenceClassifier, theirs: Any, sentences: list[str], precision: Any, convert_to_tensor: bool
) -> None:
    ours = encoder.encode(sentences, precision=precision, convert_to_tensor=convert_to_tensor)
    expected = theirs.encode(sentences, precision=precision, convert_to_tensor=convert_to_tensor)
    assert (type(expected), expected.dtype, expected.shape) == (type(ours), ours.dtype, ours.shape)
    # A value at the border of a step may fall to either side, by the order in which sums were taken.
    assert np.abs(np.asarray(expected).astype(float) - np.asarray(ours).astype(float)).max() <= 1


def test_quantisation_of_the_same_numbers_is_theirs_to_the_bit() -> None:
    from suite_dsa.quantization import quantize

    embeddings = np.random.default_rng(0).normal(size=(150, 20)).astype(np.float32)
    for precision in ("int8", "uint8", "binary", "ubinary"):
        expected = library.quantize_embeddings(embeddings, precision)
        np.testing.assert_array_equal(expected, quantize(embeddings, precision), strict=True)


@pytest.mark.parametrize("precision", ["int8", "uint8"])
def test_both_refuse_to_quantise_one_embedding_by_its_own_range(
    encoder: SentenceClassifier, theirs: Any, precision: Any
) -> None:
    for model in (encoder, theirs):
        with pytest.raises(ValueError, match=r"single|one"):
            model.encode("a good film", precision=precision)


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"precision": "float16"}])
def test_both_refuse_the_same_arguments(encoder: SentenceClassifier, theirs: Any, wrong: dict[str, Any]) -> None:
    for model in (encoder, theirs):
        with pytest.raises(ValueError):
            model.encode(["a good film"], **wrong)


def test_no_sentence_is_the_one_difference(encoder: SentenceClassifier, theirs: Any) -> None:
    assert len(theirs.encode([])) == len(encoder.encode([])) == 0
    assert encoder.encode([]).shape == (0, 12)  # theirs forgets how many columns there are


@pytest.mark.parametrize("measure", ["cosine", "dot", "euclidean", "manhattan"])
def test_every_similarity_is_theirs(
    encoder: SentenceClassifier, theirs: Any, sentences: list[str], measure: Any
) -> None:
    embeddings = encoder.encode(sentences)
    theirs.similarity_fn_name = measure
    for one, other in ((embeddings, embeddings[1:]), (embeddings[0], embeddings), (list(embeddings), embeddings)):
        torch.testing.assert_close(theirs.similarity(one, other), encoder.similarity(one, other, measure))
    torch.testing.assert_close(
        theirs.similarity_pairwise(embeddings, embeddings[::-1].copy()),
        encoder.similarity_pairwise(embeddings, embeddings[::-1].copy(), measure),
    )


def test_cosine_is_the_default_of_both(encoder: SentenceClassifier, theirs: Any, sentences: list[str]) -> None:
    embeddings = encoder.encode(sentences)
    torch.testing.assert_close(theirs.similarity(embeddings, embeddings), encoder.similarity(embeddings, embeddings))


def test_it_says_how_wide_its_embeddings_are(theirs: Any) -> None:
    assert theirs.get_embedding_dimension() == 12


def test_a_prompt_stands_before_each_sentence(encoder: SentenceClassifier, theirs: Any) -> None:
    assert_same(encoder.encode(["very good film"]), theirs.encode(["good film"], prompt="very "))


def test_a_saved_model_is_read_by_both(
    encoder: SentenceClassifier, theirs: Any, sentences: list[str], tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the model card
        theirs.save(str(tmp_path / "model"), create_model_card=False)
    again = library.SentenceTransformer(str(tmp_path / "model"), device="cpu", trust_remote_code=True)
    assert_same(encoder.encode(sentences), again.encode(sentences))
    (file,) = tmp_path.rglob("dsa.ckpt")
    assert_same(encoder.encode(sentences), load(file).encode(sentences))


def test_what_is_no_sentence_is_refused_by_its_number(theirs: Any) -> None:
    with pytest.raises(TypeError, match="sentence 2 is None"):
        theirs.preprocess(["a good film", None])


@pytest.mark.parametrize("average", [0.0, 0.9])
@pytest.mark.parametrize("train_vectors", [False, True])
def test_it_can_be_trained_further(make_checkpoint: Any, average: float, train_vectors: bool) -> None:
    theirs = load(make_checkpoint(average=average, train_vectors=train_vectors)).as_sentence_transformer()
    features = theirs.preprocess(["a good film", "bad"])
    theirs.train()
    theirs(features)["sentence_embedding"].sum().backward()
    model = theirs[0].model
    learning = [model.encoder.attention.project.weight, *([model.changes.weight] if train_vectors else [])]
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in learning)
    assert model.encoder.drop.training
    before = theirs.eval()(features)["sentence_embedding"]
    for weight in learning:
        weight.data -= weight.grad
    assert not torch.allclose(theirs(features)["sentence_embedding"], before)

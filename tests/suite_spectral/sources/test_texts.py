"""Vocabulary: the rows are scikit-learn's, and what a checkpoint keeps is enough to make them."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from sklearn.feature_extraction.text import TfidfVectorizer

from suite_spectral.sources.texts import Vocabulary

TEXTS = [
    "Wheat and corn prices rose; wheat rose most.",
    "The bank raised its rates, the rates of the bank.",
    "Corn, WHEAT and barley",
    "Пшеница и кукуруза дороже, Пшеница",
    "a I",
]


def expected(learnt: list[str], texts: list[str], size: int | None, stop_words: str | None) -> torch.Tensor:
    vectorizer = TfidfVectorizer(sublinear_tf=True, max_features=size, stop_words=stop_words)
    vectorizer.fit(learnt)
    return torch.from_numpy(vectorizer.transform(texts).toarray())


@pytest.mark.parametrize("size", [None, 5])
@pytest.mark.parametrize("stop_words", ["english", "none"])
def test_the_rows_are_those_of_scikit_learn(size: int | None, stop_words: str) -> None:
    rows = Vocabulary.learn(TEXTS, size, stop_words).rows(TEXTS)  # type: ignore[arg-type]
    wanted = expected(TEXTS, TEXTS, size, None if stop_words == "none" else stop_words)
    torch.testing.assert_close(rows.to_dense(), wanted, rtol=0, atol=1e-15)


@settings(max_examples=30)
@given(some.lists(some.text(some.sampled_from("abİßΣ_1 -\n'é\u0301ǅ"), max_size=20), min_size=1, max_size=5))
def test_any_text_gives_the_row_of_scikit_learn(texts: list[str]) -> None:
    learnt = [*texts, "aa bb ab ß1 ii"]
    rows = Vocabulary.learn(learnt, None, "none").rows(texts)
    torch.testing.assert_close(rows.to_dense(), expected(learnt, texts, None, None), rtol=0, atol=1e-14)


def test_rows_are_of_unit_length() -> None:
    lengths = Vocabulary.learn(TEXTS).rows(TEXTS[:4]).to_dense().norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones(4, dtype=torch.float64))


def test_a_text_without_a_known_word_is_an_empty_row() -> None:
    vocabulary = Vocabulary.learn(TEXTS)
    assert vocabulary.rows(["zebra", "corn"]).to_dense().count_nonzero(dim=1).tolist() == [0, 1]


def test_texts_without_a_known_word_are_reported() -> None:
    assert Vocabulary.learn(TEXTS).unknown(TEXTS) == [4]


def test_no_text_gives_no_row() -> None:
    vocabulary = Vocabulary.learn(TEXTS)
    assert vocabulary.rows([]).shape == (0, len(vocabulary.words))


def test_the_most_frequent_words_are_kept() -> None:
    assert Vocabulary.learn(TEXTS[:3], 2, "english").words == ["bank", "wheat"]


def test_the_state_survives_a_checkpoint(tmp_path: Path) -> None:
    vocabulary = Vocabulary.learn(TEXTS)
    torch.save(vocabulary.state(), tmp_path / "state.pt")
    found = Vocabulary.from_state(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(found.rows(TEXTS).to_dense(), vocabulary.rows(TEXTS).to_dense())


def test_texts_without_any_word_teach_nothing() -> None:
    with pytest.raises(ValueError, match="empty vocabulary"):
        Vocabulary.learn(["a", "the"])


def test_idf_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"one idf a word, 2, got shape \(3,\)"):
        Vocabulary(["corn", "wheat"], torch.ones(3))

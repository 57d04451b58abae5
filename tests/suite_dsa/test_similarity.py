"""Similarities of embeddings, beside the formulas."""

import numpy as np
import pytest
import torch

from suite_dsa.similarity import similarity, similarity_pairwise

A = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
B = np.random.default_rng(2).normal(size=(5, 3)).astype(np.float32)

FORMULAS = {
    "cosine": lambda a, b: a @ b / np.sqrt((a @ a) * (b @ b)),
    "dot": lambda a, b: a @ b,
    "euclidean": lambda a, b: -np.sqrt(((a - b) ** 2).sum()),
    "manhattan": lambda a, b: -np.abs(a - b).sum(),
}


@pytest.mark.parametrize("measure", FORMULAS)
def test_all_of_one_set_are_compared_with_all_of_another(measure: str) -> None:
    expected = [[FORMULAS[measure](a, b) for b in B] for a in A]
    np.testing.assert_allclose(expected, similarity(A, B, measure), rtol=1e-4, atol=1e-5)  # type: ignore[arg-type]


@pytest.mark.parametrize("measure", FORMULAS)
def test_pairs_are_compared(measure: str) -> None:
    expected = [FORMULAS[measure](a, b) for a, b in zip(A, B[:4], strict=True)]
    np.testing.assert_allclose(expected, similarity_pairwise(A, B[:4], measure), rtol=1e-4, atol=1e-5)  # type: ignore[arg-type]


def test_cosine_is_the_default_and_forgets_lengths() -> None:
    torch.testing.assert_close(similarity(A, B, "cosine"), similarity(3 * A, B))


def test_a_single_vector_is_a_set_of_one() -> None:
    assert similarity(A[0], B).shape == (1, 5)
    assert similarity_pairwise(A[0], B[0]).shape == ()


def test_lists_of_vectors_will_do() -> None:
    expected = similarity(A, B)
    torch.testing.assert_close(expected, similarity(list(A), [torch.from_numpy(b) for b in B]))


def test_quantised_vectors_are_compared_as_numbers() -> None:
    assert similarity(np.array([[3, 4]], np.int8), np.array([[100, 100]], np.int8)).item() == pytest.approx(
        0.98995, 1e-4
    )


def test_the_same_vector_and_zero() -> None:
    assert similarity(A[0], A[0]).item() == pytest.approx(1)
    assert similarity(A[0], 0 * A[0]).item() == 0


def test_misfits_are_refused_with_their_shapes() -> None:
    with pytest.raises(ValueError, match=r"vectors of the same dims, got \(4, 3\) and \(5, 2\)"):
        similarity(A, B[:, :2])
    with pytest.raises(ValueError, match=r"as many vectors, got \(4, 3\) and \(5, 3\)"):
        similarity_pairwise(A, B)
    with pytest.raises(ValueError, match="expected cosine, dot, euclidean or manhattan, got 'angle'"):
        similarity(A, B, "angle")  # type: ignore[arg-type]

"""X as scikit-learn's users pass it."""

from typing import Any

import numpy as np
import pytest
import torch

from suite_spectral.estimator_inputs import Input, as_arrays, given_graph, refuse_negative

WEIGHTS = torch.tensor([[0.0, 1.0], [1.0, 0.0]])


def test_a_dense_tensor_is_an_array_and_a_sparse_one_a_matrix_of_scipy() -> None:
    assert as_arrays(WEIGHTS.bfloat16()).dtype == np.float32
    for sparse in (WEIGHTS.to_sparse_csr(), WEIGHTS.to_sparse()):
        assert as_arrays(sparse).toarray().tolist() == WEIGHTS.tolist()


def test_answers_are_of_the_kind_of_x() -> None:
    assert isinstance(Input(WEIGHTS, WEIGHTS).answer(WEIGHTS), torch.Tensor)
    assert isinstance(Input(WEIGHTS, None).answer(WEIGHTS), np.ndarray)


def test_a_matrix_of_weights_is_a_graph() -> None:
    assert given_graph(WEIGHTS).scipy().toarray().tolist() == WEIGHTS.tolist()


@pytest.mark.parametrize(
    ("weights", "said"),
    [([[0.0, 1.0]], "a square matrix"), ([[0.0, 1.0], [0.0, 0.0]], "symmetric"), ([[0.0, -1.0], [-1.0, 0.0]], "0 or")],
)
def test_other_matrices_are_refused(weights: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        given_graph(torch.tensor(weights))


def test_a_graph_without_edges_has_no_negative_weight() -> None:
    refuse_negative(torch.zeros(2, 2).to_sparse_csr())

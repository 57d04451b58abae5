"""Which weights are symmetric, and which would be with both directions of every edge."""

import pytest
import scipy.sparse

from suite_spectral.graphs.symmetry import is_symmetric, lacks_directions


@pytest.mark.parametrize(
    ("weights", "symmetric", "lacks"),
    [
        ([[1, 2], [2, 0]], True, True),
        ([[1, 2], [0, 0]], False, True),
        ([[1, 2], [3, 0]], False, False),
        ([[0, 1, 2], [0, 0, 3], [2, 3.5, 0]], False, False),
        ([[0, 1 / 3], [1 / 3 + 1e-13, 0]], True, True),
        ([[0, 0], [0, 0]], True, True),
    ],
)
def test_edges_may_lack_a_direction_and_not_have_two_weights(weights, symmetric, lacks):
    matrix = scipy.sparse.csr_array(weights, dtype=float)
    assert (is_symmetric(matrix), lacks_directions(matrix)) == (symmetric, lacks)


def test_a_matrix_that_is_not_square_is_not_symmetric():
    assert not is_symmetric(scipy.sparse.csr_array((2, 3)))

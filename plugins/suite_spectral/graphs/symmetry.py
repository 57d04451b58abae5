"""Whether weights are symmetric, or would be if each edge that has one direction had the other as well.

A graph of nearest neighbours as libraries hand it over has edges in one direction: y is among the nearest of x, and x
not among those of y. That contradicts nothing, and (W + W') / 2 is the graph that is meant. Two different weights of
one edge contradict each other.
"""

import scipy.sparse

ROUNDING = 1e-10
"""A matrix whose halves differ by no more than this part of its largest entry is symmetric."""


def is_symmetric(matrix: scipy.sparse.csr_array, rounding: float = ROUNDING) -> bool:
    """Return whether a matrix is square and equal to its transpose, up to rounding.

    Example:
        >>> is_symmetric(scipy.sparse.csr_array([[0, 2], [2, 0]]))
        True

    Args:
        matrix: (point, point) weights.
        rounding: what the halves may differ by, as a part of the largest entry.
    """
    if matrix.shape[0] != matrix.shape[1]:
        return False
    difference = abs(matrix - matrix.T)
    return not difference.nnz or bool(difference.max() <= rounding * abs(matrix).max())


def lacks_directions(matrix: scipy.sparse.csr_array, rounding: float = ROUNDING) -> bool:
    """Return whether a square matrix is symmetric in all edges that have both directions.

    Example:
        >>> lacks_directions(scipy.sparse.csr_array([[0, 2], [0, 0]]))
        True
        >>> lacks_directions(scipy.sparse.csr_array([[0, 2], [1, 0]]))
        False
    """
    return is_symmetric(scipy.sparse.csr_array(matrix.multiply(matrix.T != 0)), rounding)

"""MatrixMarket: the same matrices as scipy reads, and no wrong file that ends the process."""

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from lightning_suite.errors import DataError
from suite_spectral.sources.matrix_market import read_matrix

PLACE = Path("graph.mtx")
SQUARE = np.random.default_rng(0).standard_normal((5, 5))
GRAPH = "%%MatrixMarket matrix coordinate real symmetric\n% two edges\n\n3 3 2\n2 1 0.5\n3 2 1e0\n"


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize(
    "matrix", [SQUARE, SQUARE + SQUARE.T, SQUARE - SQUARE.T, SQUARE[:2], np.eye(3, dtype=np.int64), np.zeros((2, 3))]
)
def test_a_matrix_is_read_as_scipy_reads_it(matrix: Any, sparse: bool) -> None:
    file = io.BytesIO()
    scipy.io.mmwrite(file, scipy.sparse.coo_array(matrix) if sparse else matrix)
    np.testing.assert_allclose(read_matrix(file.getvalue().decode(), PLACE).toarray(), matrix, rtol=1e-15)


def test_an_entry_without_a_value_is_one() -> None:
    text = "%%MatrixMarket MATRIX Coordinate pattern general\n2 2 1\n1 2\n"
    assert read_matrix(text, PLACE).toarray().tolist() == [[0, 1], [0, 0]]


def test_entries_that_are_listed_twice_are_added() -> None:
    text = "%%MatrixMarket matrix coordinate real general\n1 1 2\n1 1 2\n1 1 3\n"
    assert read_matrix(text, PLACE).toarray().tolist() == [[5]]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("%%MatrixMarket", "MatrixMarket", r"graph.mtx:1: .*expected a header"),
        ("real", "complex", "expected as field one of real, double, integer, .*got 'complex'"),
        ("symmetric", "hermitian", "expected as symmetry one of general"),
        ("3 3 2", "3 4 2", r"graph.mtx:4: .*as many rows as columns in a symmetric matrix, got '3 4 2'"),
        ("3 3 2", "3 3", r"graph.mtx:4: .*the numbers of rows, columns and entries"),
        ("3 3 2", "3 3 -2", "the numbers of rows, columns and entries"),
        ("3 3 2", "3 3 99999999999999999999", "each at most 100,000,000"),
        ("3 3 2", "3 3 3", "expected 3 entries, as line 4 says, got '2'"),
        ("3 3 2", "2 2 2", r"graph.mtx:6: .*a row from 1 to 2 and a column from 1 to 2, got '3 2'"),
        ("2 1 0.5", "0 1 0.5", r"graph.mtx:5: .*got '0 1'"),
        ("2 1 0.5", "2 -1 0.5", r"graph.mtx:5: .*got '2 -1'"),
        ("2 1 0.5", "2.5 1 0.5", r"graph.mtx:5: .*got '2.5 1'"),
        ("2 1 0.5", "nan 1 0.5", r"graph.mtx:5: .*got 'nan 1'"),
        ("2 1 0.5", "2 1", r"graph.mtx:5: .*expected 3 numbers, got '2 1'"),
        ("2 1 0.5", "2 1 half", r"graph.mtx:5: .*expected 3 numbers, got '2 1 half'"),
    ],
)
def test_what_the_header_does_not_say_is_refused_with_its_line(old: str, new: str, said: str) -> None:
    assert old in GRAPH
    with pytest.raises(DataError, match=said):
        read_matrix(GRAPH.replace(old, new, 1), PLACE)


def test_a_mutated_file_is_read_or_refused() -> None:
    draw = random.Random(0)
    for _ in range(1000):
        text = list(GRAPH)
        for _ in range(draw.randint(1, 4)):
            text[draw.randrange(len(text))] = draw.choice("0123456789 -.e%\nab")
        try:
            assert read_matrix("".join(text), PLACE).shape[0] <= 10**8
        except DataError:
            continue


def test_a_size_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(DataError, match=r"graph\.mtx:2: .*expected the numbers of rows, columns and entries"):
        read_matrix(f"%%MatrixMarket matrix coordinate real general\n{'3' * 5000} 3 2\n", PLACE)


def test_only_a_line_end_ends_an_entry() -> None:
    with pytest.raises(DataError, match=r"graph\.mtx:4: .*expected 3 numbers"):
        read_matrix(GRAPH.replace("0.5\n3", "0.5\u20283").replace("\n\n", "\n"), PLACE)

"""Graphs from lists of edges and from matrices: undirected, each edge once, and nothing doubtful in silence."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as some

from lightning_suite.errors import DataError
from suite_spectral.sources.edges import (
    Network,
    array_edges,
    looks_like_edges,
    matrix_network,
    read_edges,
)

PLACE = Path("graph.edges")


def weights(network: Network) -> list[list[float]]:
    found: list[list[float]] = network.weights.toarray().tolist()
    return found


def test_an_edge_is_in_both_rows() -> None:
    assert weights(read_edges(PLACE, "a b 2.5\n")) == [[0, 2.5], [2.5, 0]]


def test_without_weights_an_edge_weighs_one() -> None:
    assert weights(read_edges(PLACE, "a b\n")) == [[0, 1], [1, 0]]


@pytest.mark.parametrize("content", ["a b\nb a\n", "a b\na b\n", "a,b\nb,a", "# two\na\tb\n\n% of them\nb\ta\n"])
def test_an_edge_listed_twice_counts_once(content: str) -> None:
    assert weights(read_edges(PLACE, content)) == [[0, 1], [1, 0]]


def test_a_loop_stays_once_on_the_diagonal() -> None:
    assert weights(read_edges(PLACE, "a a 3\na b 1\n")) == [[3, 1], [1, 0]]


def test_an_edge_of_weight_zero_leaves_its_nodes() -> None:
    network = read_edges(PLACE, "a b 0\nb c 1\n")
    assert (network.names, network.weights.nnz) == (["a", "b", "c"], 2)


def test_named_nodes_come_as_they_first_appear() -> None:
    assert read_edges(PLACE, "z y\ny a\n").names == ["z", "y", "a"]


def test_numbered_nodes_come_in_the_order_of_their_numbers() -> None:
    assert read_edges(PLACE, "10 9\n2 10\n").names == ["2", "9", "10"]


def test_a_line_that_names_the_columns_is_no_edge() -> None:
    assert read_edges(PLACE, "Source,Target,Weight\na,b,2\n").names == ["a", "b"]


def test_names_may_have_spaces_where_tabs_stand_between() -> None:
    assert read_edges(PLACE, "San Marino\tRome\n").names == ["San Marino", "Rome"]


@given(some.lists(some.tuples(some.integers(0, 20), some.integers(0, 20)), min_size=1))
def test_spaces_and_commas_give_the_same_graph(pairs: list[tuple[int, int]]) -> None:
    spaced, separated = (read_edges(PLACE, "".join(f"{a}{between}{b}\n" for a, b in pairs)) for between in (" ", ","))
    assert spaced.names == separated.names
    assert weights(spaced) == weights(separated)


def test_a_wrong_weight_between_numbered_nodes_is_found_in_its_line() -> None:
    with pytest.raises(DataError, match="edges:3: this edge has weight 2 here and 1 in line 1"):
        read_edges(PLACE, "1 2 1\n2 3 1\n2 1 2\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a b 1\nb a 2\n", "edges:2: this edge has weight 2 here and 1 in line 1"),
        ("a b 1\nb c -1\n", "edges:2: expected a finite weight of 0 or more, got -1"),
        ("a b inf\n", "edges:1: expected a finite weight of 0 or more, got inf"),
        ("a b much\n", "edges:1: expected a number as weight, got 'much'"),
        ("a b\nb c 2\n", "edges:2: expected 2 fields .*, got 3"),
        ("a\n", "edges:1: expected 2 or 3 fields .*, got 1"),
        ("a,\n", "edges:1: expected two nodes, got 'a' and ''"),
        ("# nothing\n", "there is no edge in it"),
    ],
)
def test_a_wrong_list_is_refused(content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_edges(PLACE, content)


def test_a_numbered_node_without_an_edge_is_there() -> None:
    assert array_edges(np.array([[0, 1]]), None, 4, PLACE).weights.shape == (4, 4)


def test_a_third_column_is_the_weight() -> None:
    assert weights(array_edges(np.array([[0, 1, 7]]), None, None, PLACE)) == [[0, 7], [7, 0]]


@pytest.mark.parametrize(
    ("edges", "values", "nodes", "message"),
    [
        ([[0, 1], [1, 4]], None, 4, r"row 1: node 4, but y has labels for 4 nodes"),
        ([[1, 2], [1, 4]], None, 4, "numbered from 0, not from 1"),
        ([[0, -1]], None, None, r"row 0: expected two nodes numbered from 0, got \[0, -1\]"),
        ([[0, 0.5]], None, None, r"got \[0.0, 0.5\]"),
        ([[0, 10**9]], None, None, "node 1000000000 in a list of 1 edges"),
        ([[0, 1]], [1, 2], None, "expected 1 numbers, one an edge"),
        ([[0, 1], [1, 0]], [1, 2], None, "row 1: this edge has weight 2 here and 1 in row 0"),
        ([[0], [1]], None, None, r"got int64 of shape \(2, 1\)"),
    ],
)
def test_a_wrong_array_is_refused(
    edges: list[list[float]], values: list[float] | None, nodes: int | None, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        array_edges(np.array(edges), None if values is None else np.array(values), nodes, PLACE)


def test_a_matrix_that_is_symmetric_up_to_rounding_is_made_so() -> None:
    found = matrix_network(scipy.sparse.csr_array(np.array([[0, 1 / 3], [1 / 3 + 1e-13, 0]])), PLACE).weights
    assert (found != found.T).nnz == 0


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[0, 1], [2, 0]], r"entry \(0, 1\), counted from 0, is 1, and \(1, 0\) is 2"),
        ([[0, -1], [-1, 0]], "row 0, column 1, .* got -1; 2 such entries"),
        ([[0, 1, 1], [1, 0, 1]], "expected a square matrix as a graph, got 2 rows and 3 columns"),
    ],
)
def test_a_matrix_that_is_no_graph_is_refused(matrix: list[list[float]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        matrix_network(scipy.sparse.csr_array(np.array(matrix, dtype=float)), PLACE)


def test_the_entry_that_contradicts_its_twin_is_named_and_not_one_without_a_twin() -> None:
    matrix = scipy.sparse.csr_array(np.array([[0, 9.0, 0], [0, 0, 1], [0, 2, 0]]))
    with pytest.raises(DataError, match=r"entry \(1, 2\), counted from 0, is 1, and \(2, 1\) is 2"):
        matrix_network(matrix, PLACE)


@pytest.mark.parametrize(
    ("content", "answer"),
    [("1 2\n2 3\n", True), ("1 2 0.5\n", True), ("1.5 2\n", False), ("a b\n", False), ("1 2\n3\n", False), ("", False)],
)
def test_a_list_of_edges_is_told_from_other_lines(content: str, answer: bool) -> None:
    assert looks_like_edges(content) is answer


@pytest.mark.parametrize("node", ["9" * 5000, "x" * 200_000])
@pytest.mark.parametrize("delimiter", [" ", ",", "\t"])
def test_a_node_of_any_length_is_a_name(node: str, delimiter: str) -> None:
    content = f"1{delimiter}{node}\n2{delimiter}1\n"
    assert read_edges(PLACE, content).names == ["1", node, "2"]
    assert looks_like_edges(content) is node.isdecimal()

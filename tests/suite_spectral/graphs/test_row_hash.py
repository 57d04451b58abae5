import torch

from suite_spectral.graphs.row_hash import find_rows, first_match, row_hash


def test_equal_points_are_found_bit_for_bit() -> None:
    points = torch.tensor([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0]])
    queries = torch.tensor([[-0.0, 3.0], [1.0, 2.0], [1.0, 2.0000002], [2.0, 1.0]])
    assert find_rows(queries, points).tolist() == [1, 0, -1, -1]


def test_equal_points_are_found_alone_as_among_others() -> None:
    points = torch.randn(500, 9, generator=torch.Generator().manual_seed(0))
    alone = torch.cat([find_rows(points[i : i + 1], points) for i in range(0, 500, 50)])
    assert alone.tolist() == list(range(0, 500, 50))


def test_equal_rows_have_equal_hashes_and_others_do_not() -> None:
    rows = torch.tensor([[0.0, 1, 2], [0, 2, 1], [0, 1, 2], [0, 1, 2.0000002]]).double()
    for matrix in (rows, rows.to_sparse_csr()):
        hashes = row_hash(matrix)
        assert hashes[0] == hashes[2]
        assert len(set(hashes.tolist())) == 3


def test_the_first_of_equal_numbers_is_found() -> None:
    assert first_match(torch.tensor([7, 5]), torch.tensor([3, 7, 7])).tolist() == [1, -1]


def test_among_none_nothing_is_found() -> None:
    assert first_match(torch.tensor([7]), torch.tensor([], dtype=torch.int64)).tolist() == [-1]

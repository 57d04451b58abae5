import torch

from suite_spectral.new_points.row_hash import codes_of, found_among, places_of


def test_equal_points_are_found_bit_for_bit() -> None:
    points = torch.tensor([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0]])
    queries = torch.tensor([[-0.0, 3.0], [1.0, 2.0], [1.0, 2.0000002], [2.0, 1.0]])
    assert places_of(queries, points).tolist() == [1, 0, -1, -1]


def test_equal_points_are_found_alone_as_among_others() -> None:
    points = torch.randn(500, 9, generator=torch.Generator().manual_seed(0))
    alone = torch.cat([places_of(points[i : i + 1], points) for i in range(0, 500, 50)])
    assert alone.tolist() == list(range(0, 500, 50))


def test_equal_rows_have_equal_codes_and_others_do_not() -> None:
    rows = torch.tensor([[0.0, 1, 2], [0, 2, 1], [0, 1, 2], [0, 1, 2.0000002]]).double()
    for given in (rows, rows.to_sparse_csr()):
        codes = codes_of(given)
        assert codes[0] == codes[2]
        assert len(set(codes.tolist())) == 3


def test_the_first_of_equal_numbers_is_found() -> None:
    assert found_among(torch.tensor([7, 5]), torch.tensor([3, 7, 7])).tolist() == [1, -1]


def test_among_none_nothing_is_found() -> None:
    assert found_among(torch.tensor([7]), torch.tensor([], dtype=torch.int64)).tolist() == [-1]

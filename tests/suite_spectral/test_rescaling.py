import torch

from suite_spectral.rescaling import scaled_pixels, unit_rows


def test_rows_have_unit_length_and_zeros_stay() -> None:
    features = torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.0, 2.0]]).double()
    assert unit_rows(features).norm(dim=1).tolist() == [1, 0, 1]


def test_sparse_rows_are_scaled_as_dense_ones() -> None:
    features = torch.tensor([[3.0, 0.0, 4.0], [0.0, 0.0, 0.0], [0.0, 2.0, 0.0]]).double()
    assert torch.equal(unit_rows(features.to_sparse_csr()).to_dense(), unit_rows(features))


def test_places_and_channels_of_pixels_have_scales_of_their_own() -> None:
    assert scaled_pixels(torch.tensor([[2.0, 4.0, 0.5]]), 2.0, 0.1).tolist() == [[1, 2, 5]]


def test_a_sparse_row_that_stores_nothing_but_zeros_stays() -> None:
    features = torch.sparse_csr_tensor([0, 1, 2], [0, 1], torch.tensor([0.0, 2.0]), size=(2, 2), check_invariants=False)
    assert unit_rows(features).values().tolist() == [0, 1]

import torch

from suite_spectral.eigen.component_vectors import component_vectors
from suite_spectral.eigen.spectrum import Spectrum


def test_each_component_gets_its_own_eigenvectors_where_those_of_the_graph_mix_them() -> None:
    one = torch.block_diag(torch.ones(5, 5), torch.ones(6, 6)).double()
    one[4, 5] = one[5, 4] = 0.1
    weights = torch.block_diag(one, one)
    root = weights.sum(dim=1).sqrt()
    values, vectors = torch.linalg.eigh(torch.eye(22) - weights / root[:, None] / root)
    spectrum = Spectrum(values[:5], vectors[:, :5], torch.zeros(5), torch.tensor([0] * 11 + [1] * 11), "dense")
    parts = component_vectors(spectrum, 4)
    assert [part.component for part in parts] == [0, 1]
    for part in parts:
        inside = weights[part.points][:, part.points]
        product = part.vectors - inside @ (part.vectors / root[part.points, None]) / root[part.points, None]
        ritz = part.vectors.T @ product
        torch.testing.assert_close(ritz, torch.diag(ritz.diag()), atol=1e-9, rtol=0)
        torch.testing.assert_close(product, part.vectors @ ritz, atol=1e-9, rtol=0)

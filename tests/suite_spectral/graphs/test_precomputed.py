import torch

from suite_spectral.graphs.precomputed import EdgeWeights, Precomputed


def test_given_edges_average_what_they_lead_to() -> None:
    queries = torch.tensor([[1.0, 3.0, 0.0], [0.0, 0.0, 0.0]]).double().to_sparse_csr()
    found = EdgeWeights(torch.empty(0, dtype=torch.int64)).average(
        queries, torch.tensor([[4.0], [8.0], [100.0]]).double()
    )
    assert found.values.tolist() == [[7], [0]]
    assert found.degrees.tolist() == [4, 0]


def test_a_node_is_known_by_its_edges_and_its_number() -> None:
    matrix = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]).double().to_sparse_csr()
    weights = Precomputed().build(matrix).weights
    assert weights.find(matrix, torch.tensor([0, 1, 7])).tolist() == [0, 1, -1]
    assert weights.find(matrix).tolist() == [-1, -1, -1]

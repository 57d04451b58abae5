from collections.abc import Callable
from itertools import pairwise

import numpy as np

from suite_recnn.clustering import cluster
from suite_recnn.interpretation.hard_splitting import ways_of
from suite_recnn.jets import Jets, kinematics
from suite_recnn.lund import lund_coordinates
from suite_recnn.observables.measures import soft_drop_mass


def test_the_mass_at_the_hard_splitting_is_the_soft_drop_mass(make_jets: Callable[..., Jets]) -> None:
    jets = make_jets([40, 25, 2, 60, 9, 33])
    trees = cluster(jets.momenta, jets.offsets)
    ways = ways_of(trees)
    found = ways.hard >= 0
    assert found.sum() >= 4
    masses = np.exp(ways.log_mass[np.arange(len(jets)), ways.hard]) - 0.1
    np.testing.assert_allclose(masses[found], soft_drop_mass(jets)[found], rtol=1e-6, atol=1e-6)


def test_a_way_goes_from_the_root_to_a_constituent_along_the_harder_branches(make_jets: Callable[..., Jets]) -> None:
    jets = make_jets([20, 1, 7])
    trees = cluster(jets.momenta, jets.offsets)
    ways = ways_of(trees)
    assert (ways.nodes[:, 0] == trees.offsets[1:] - 1).all()
    assert ways.nodes[1].tolist()[1:] == [-1] * (ways.nodes.shape[1] - 1)
    pt = kinematics(trees.momenta).pt
    for jet, way in enumerate(ways.nodes):
        nodes = way[way >= 0]
        assert trees.children[nodes[-1], 0] < 0
        for node, harder in pairwise(nodes):
            pair = trees.children[node] + trees.offsets[jet]
            assert harder == pair[0]
            assert pt[pair[0]] >= pt[pair[1]]
        assert ways.splits[jet].sum() == len(nodes) - 1
        assert np.isnan(ways.log_mass[jet, len(nodes) :]).all()


def test_a_jet_without_a_hard_splitting_has_none(make_jets: Callable[..., Jets]) -> None:
    jets = make_jets([20, 1])
    trees = cluster(jets.momenta, jets.offsets)
    assert ways_of(trees, z_cut=0.5).hard.tolist() == [-1, -1]
    assert ways_of(trees, z_cut=-1.0).hard.tolist() == [0, -1]
    z = lund_coordinates(trees).z
    ways = ways_of(trees)
    if ways.hard[0] > 0:
        assert (z[ways.nodes[0, : ways.hard[0]]] <= 0.1).all()

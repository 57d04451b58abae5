"""Jets clustered again: compiled, in numpy, and by FastJet, which knows nothing of either."""

import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import fastjet
import numpy as np
import pyarrow.parquet
import pytest
from numpy.typing import NDArray

from lightning_suite.compiled_loops import REQUIRE, compiled_loops
from lightning_suite.errors import OpsError
from suite_recnn.clustering import ALGORITHMS, Algorithm, Trees, cluster, reference

SEQUENTIAL = {
    "cambridge-aachen": fastjet.cambridge_algorithm,
    "kt": fastjet.kt_algorithm,
    "anti-kt": fastjet.antikt_algorithm,
}
Form = Callable[..., Trees]
FILES = sorted(Path(__file__).resolve().parents[3].glob("shared/data/jets/*.parquet"))

built = pytest.mark.skipif(
    importlib.util.find_spec("suite_recnn._clustering") is None and os.environ.get(REQUIRE) != "1",
    reason="suite_recnn._clustering is not compiled",
)


def massless(pt: NDArray[np.float64], y: NDArray[np.float64], phi: NDArray[np.float64]) -> NDArray[np.float64]:
    return pt[:, None] * np.stack([np.cos(phi), np.sin(phi), np.sinh(y), np.cosh(y)], axis=1)


def shower(constituents: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """One jet: a parton that splits, and splits again, ever more narrowly."""
    partons = np.array([[600.0, generator.uniform(-2, 2), generator.uniform(-np.pi, np.pi)]])
    while len(partons) < constituents:
        place = generator.choice(len(partons), p=partons[:, 0] / partons[:, 0].sum())
        pt, y, phi = partons[place]
        z, angle, around = (
            generator.uniform(0.05, 0.5),
            10 ** -generator.uniform(0.3, 2),
            generator.uniform(0, 2 * np.pi),
        )
        away = angle * np.array([np.cos(around), np.sin(around)])
        partons[place] = pt * (1 - z), *((y, phi) - z * away)
        partons = np.vstack([partons, [pt * z, *((y, phi) + (1 - z) * away)]])
    return massless(*generator.permutation(partons).T)


def showers(jets: int, most: int = 60) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    generator = np.random.default_rng(5)
    parts = [shower(int(n), generator) for n in generator.integers(1, most, jets)]
    return np.concatenate(parts), np.cumsum([0, *map(len, parts)])


def one_jet(momenta: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    return momenta, np.array([0, len(momenta)])


def tree_of(trees: Trees, jet: int) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    nodes = slice(trees.offsets[jet], trees.offsets[jet + 1])
    return trees.momenta[nodes], trees.children[nodes]


def sets_of(children: NDArray[np.int32]) -> list[frozenset[int]]:
    """The constituents below each node."""
    below: list[frozenset[int]] = []
    for place, (left, right) in enumerate(children):
        below.append(frozenset([place]) if left < 0 else below[left] | below[right])
    return below


def sets_of_fastjet(momenta: NDArray[np.float64], algorithm: str) -> set[frozenset[int]]:
    """The constituents below each node of FastJet's history, with a radius that nothing is outside of."""
    particles = [fastjet.PseudoJet(*map(float, momentum)) for momentum in momenta]
    for place, particle in enumerate(particles):
        particle.set_user_index(place)
    sequence = fastjet.ClusterSequence(particles, fastjet.JetDefinition(SEQUENTIAL[algorithm], 1000.0))
    subsets: set[frozenset[int]] = set()

    def walk(jet: fastjet.PseudoJet) -> frozenset[int]:
        one, other = fastjet.PseudoJet(), fastjet.PseudoJet()
        whole = walk(one) | walk(other) if jet.has_parents(one, other) else frozenset([jet.user_index()])
        subsets.add(whole)
        return whole

    for jet in sequence.inclusive_jets():
        walk(jet)
    return subsets


def assert_same_as_fastjet(momenta: NDArray[np.float64], offsets: NDArray[np.int64], algorithm: Algorithm) -> None:
    trees = cluster(momenta, offsets, algorithm)
    for jet, (begin, end) in enumerate(pairwise(offsets)):
        actual = sets_of(tree_of(trees, jet)[1])
        assert set(actual) == sets_of_fastjet(momenta[begin:end], algorithm), f"jet {jet}"
        assert len(set(actual)) == len(actual) == 2 * (end - begin) - 1


@pytest.fixture
def not_compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As where the extension is missing."""
    monkeypatch.setitem(sys.modules, "suite_recnn._clustering", None)
    monkeypatch.delenv(REQUIRE, raising=False)
    compiled_loops.cache_clear()
    yield
    compiled_loops.cache_clear()


# Against others


@built
@pytest.mark.parametrize("algorithm", SEQUENTIAL)
def test_the_trees_are_those_of_fastjet(algorithm: Algorithm) -> None:
    assert_same_as_fastjet(*showers(200), algorithm)


@built
@pytest.mark.parametrize("algorithm", SEQUENTIAL)
@pytest.mark.skipif(not FILES, reason="there is no ../shared/data/jets")
def test_the_trees_of_simulated_jets_are_those_of_fastjet(algorithm: Algorithm) -> None:
    rows = -(-200 // len(FILES))
    lists = [
        next(pyarrow.parquet.ParquetFile(file).iter_batches(rows, columns=["constituents"]))["constituents"]
        for file in FILES
    ]
    parts = [part.flatten() for part in lists]
    momenta = np.concatenate(
        [np.stack([part.field(axis) for axis in ("px", "py", "pz", "E")], axis=1) for part in parts]
    )
    offsets = np.cumsum([0, *(count.as_py() for part in lists for count in part.value_lengths())])
    assert len(offsets) > 200
    assert_same_as_fastjet(momenta.astype(np.float64), offsets, algorithm)


@built
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_compiled_trees_are_the_reference_s_to_the_last_bit(algorithm: Algorithm) -> None:
    momenta, offsets = showers(60)
    expected = reference(momenta, offsets, algorithm, seed=3)
    for one, other in zip(expected, cluster(momenta, offsets, algorithm, seed=3), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@built
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_compiled_trees_are_the_reference_s_where_all_distances_are_equal(algorithm: Algorithm) -> None:
    """On a grid most pairs are as close as others, and many particles are the same."""
    generator = np.random.default_rng(2)
    cells = generator.integers(0, 5, (150, 2)) / 4
    momenta = massless(2.0 ** generator.integers(0, 3, 150), cells[:, 0], cells[:, 1])
    offsets = np.array([0, 3, 40, 41, 90, 150])
    np.testing.assert_array_equal(
        reference(momenta, offsets, algorithm).children, cluster(momenta, offsets, algorithm).children
    )


# What a tree is


@pytest.fixture(params=[cluster, reference])
def form(request: pytest.FixtureRequest) -> Form:
    if request.param is cluster and importlib.util.find_spec("suite_recnn._clustering") is None:
        pytest.skip("suite_recnn._clustering is not compiled")
    return request.param


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_tree_merges_until_its_root_holds_every_constituent_once(form: Form, algorithm: Algorithm) -> None:
    momenta, offsets = showers(30)
    trees = form(momenta, offsets, algorithm)
    assert trees.offsets.tolist() == [0, *np.cumsum(2 * np.diff(offsets) - 1)]
    for jet in range(30):
        p, children = tree_of(trees, jet)
        leaves = (len(p) + 1) // 2
        np.testing.assert_array_equal(p[:leaves], momenta[offsets[jet] : offsets[jet + 1]])
        assert (children[:leaves] == -1).all()
        assert sorted(children[leaves:].ravel()) == list(range(len(p) - 1))
        assert (children[leaves:].max(axis=1, initial=-1) < np.arange(leaves, len(p))).all()
        np.testing.assert_array_equal(p[leaves:], p[children[leaves:, 0]] + p[children[leaves:, 1]])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_left_child_has_the_higher_transverse_momentum(form: Form, algorithm: Algorithm) -> None:
    trees = form(*one_jet(shower(40, np.random.default_rng(0))), algorithm)
    left, right = trees.momenta[trees.children[40:]].swapaxes(0, 1)
    assert (np.hypot(left[:, 0], left[:, 1]) >= np.hypot(right[:, 0], right[:, 1])).all()


def test_of_equal_transverse_momenta_the_left_child_has_the_smaller_number(form: Form) -> None:
    momenta = massless(np.full(2, 10.0), np.array([0.3, -0.3]), np.array([0.0, np.pi / 2]))
    momenta[1, :2] = momenta[0, 1], momenta[0, 0]
    assert form(*one_jet(momenta)).children[-1].tolist() == [0, 1]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_jet_of_one_constituent_is_its_own_tree(form: Form, algorithm: Algorithm) -> None:
    trees = form(*one_jet(np.array([[3.0, 4.0, 0.0, 5.0]])), algorithm)
    assert (trees.momenta.tolist(), trees.children.tolist(), trees.offsets.tolist()) == (
        [[3.0, 4.0, 0.0, 5.0]],
        [[-1, -1]],
        [0, 1],
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_two_constituents_are_merged_the_harder_one_left(form: Form, algorithm: Algorithm) -> None:
    momenta = np.array([[1.0, 0.0, 0.0, 1.0], [0.0, 4.0, 0.0, 4.0]])
    trees = form(*one_jet(momenta), algorithm)
    assert trees.children.tolist() == [[-1, -1], [-1, -1], [1, 0]]
    assert trees.momenta[2].tolist() == [1.0, 4.0, 0.0, 5.0]


def test_no_jets_are_no_trees(form: Form) -> None:
    trees = form(np.empty((0, 4)), np.zeros(1, dtype=np.int64))
    assert [array.shape for array in trees] == [(0, 4), (0, 2), (1,)]


# Which pairs are merged


def test_cambridge_aachen_merges_the_closest_whatever_their_momenta(form: Form) -> None:
    momenta = massless(np.array([100.0, 90.0, 1.0]), np.array([0.0, 0.3, -0.4]), np.zeros(3))
    assert form(*one_jet(momenta), "cambridge-aachen").children[3:].tolist() == [[0, 1], [3, 2]]


def test_kt_begins_with_the_softest(form: Form) -> None:
    momenta = massless(np.array([100.0, 90.0, 1.0]), np.array([0.0, 0.3, -0.4]), np.zeros(3))
    assert form(*one_jet(momenta), "kt").children[3:].tolist() == [[0, 2], [3, 1]]


def test_anti_kt_begins_with_the_hardest(form: Form) -> None:
    momenta = massless(np.array([100.0, 1.0, 1.0]), np.array([0.0, 0.3, 0.4]), np.zeros(3))
    assert form(*one_jet(momenta), "anti-kt").children[3:].tolist() == [[0, 1], [3, 2]]


def test_azimuths_are_close_across_the_seam(form: Form) -> None:
    momenta = massless(np.full(3, 10.0), np.zeros(3), np.array([3.1, -3.1, 2.9]))
    assert sets_of(form(*one_jet(momenta)).children)[3] == {0, 1}


def test_rapidity_and_not_pseudorapidity_measures_distance(form: Form) -> None:
    """A heavy particle at rest in rapidity moves along the beam with its mass: here its pseudorapidity is 2.3."""
    heavy = np.array([[1.0, 0.0, 5.0, 51.0]])  # rapidity 0.1
    light = massless(np.array([10.0, 10.0]), np.array([0.0, 1.4]), np.zeros(2))
    assert sets_of(form(*one_jet(np.concatenate([heavy, light]))).children)[3] == {0, 1}


def test_a_pt_chain_takes_the_hardest_next(form: Form) -> None:
    momenta = massless(np.array([1.0, 8.0, 4.0, 8.0, 2.0]), np.zeros(5), np.zeros(5))
    assert form(*one_jet(momenta), "pt-chain").children[5:].tolist() == [[1, 3], [5, 2], [6, 4], [7, 0]]


@pytest.mark.parametrize("algorithm", [name for name in ALGORITHMS if name != "random"])
def test_the_order_of_the_constituents_changes_nothing(form: Form, algorithm: Algorithm) -> None:
    momenta = shower(40, np.random.default_rng(7))
    order = np.random.default_rng(8).permutation(40)
    expected = set(sets_of(form(*one_jet(momenta), algorithm).children))
    permuted = sets_of(form(*one_jet(momenta[order]), algorithm).children)
    assert {frozenset(order[list(subset)].tolist()) for subset in permuted} == expected


# Random trees


def test_random_trees_follow_from_the_seed(form: Form) -> None:
    momenta, offsets = showers(20)
    first, again, other = (form(momenta, offsets, "random", seed=seed).children for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_random_trees_of_equal_jets_differ(form: Form) -> None:
    momenta = shower(30, np.random.default_rng(0))
    trees = form(np.concatenate([momenta, momenta]), np.array([0, 30, 60]), "random")
    assert (tree_of(trees, 0)[1] != tree_of(trees, 1)[1]).any()


def test_every_pair_is_equally_likely_to_be_merged_first(form: Form) -> None:
    jets = 3000
    momenta = np.tile(massless(np.array([1.0, 2.0, 3.0]), np.zeros(3), np.zeros(3)), (jets, 1))
    first = np.sort(form(momenta, np.arange(0, 3 * jets + 1, 3), "random").children[3::5], axis=1)
    counts = [(first == pair).all(axis=1).sum() for pair in ([0, 1], [0, 2], [1, 2])]
    assert np.abs(np.array(counts) - jets / 3).max() < 4 * (jets * 2 / 9) ** 0.5


@pytest.mark.parametrize("seed", [-1, 0, 2**64 - 1, 2**70])
def test_any_integer_is_a_seed(form: Form, seed: int) -> None:
    assert len(form(*one_jet(shower(9, np.random.default_rng(0))), "random", seed=seed).momenta) == 17


# What must not disturb it


@built
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_number_of_threads_changes_nothing(algorithm: Algorithm) -> None:
    momenta, offsets = showers(300, most=20)
    expected = cluster(momenta, offsets, algorithm)
    for one, other in zip(expected, cluster(momenta, offsets, algorithm, threads=3), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_identical_and_collinear_particles_are_merged_like_others(form: Form, algorithm: Algorithm) -> None:
    one = massless(np.array([10.0]), np.array([0.5]), np.array([1.0]))
    momenta = np.concatenate([np.repeat(one, 20, axis=0), one * np.arange(1, 21)[:, None]])
    assert len(set(sets_of(form(*one_jet(momenta), algorithm).children))) == 79


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("size", [0.0, 1e-200, 1.0, 1e29])
def test_particles_along_the_beam_or_at_rest_are_merged_like_others(
    form: Form, algorithm: Algorithm, size: float
) -> None:
    p = size * np.array([[0, 0, 1, 1], [0, 0, -1, 1], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0.9], [0, 0, 1, -1]])
    momenta = np.concatenate([p, 2 * p, shower(5, np.random.default_rng(0)), -3 * p])
    trees = form(*one_jet(momenta), algorithm)
    assert len(set(sets_of(trees.children))) == 45
    np.testing.assert_array_equal(trees.children, reference(*one_jet(momenta), algorithm).children)


def test_particles_along_the_beam_are_distinguished_by_their_momentum(form: Form) -> None:
    momenta = np.array([[0, 0, 900.0, 900.0], [0, 0, 100.0, 100.0], [0, 0, 150.0, 150.0], [0, 0, -150.0, 150.0]])
    assert sets_of(form(*one_jet(momenta)).children)[4:] == [{1, 2}, {0, 1, 2}, {0, 1, 2, 3}]


@pytest.mark.parametrize("algorithm", ["cambridge-aachen", "kt", "anti-kt"])
def test_a_jet_of_hundreds_of_constituents_is_clustered(form: Form, algorithm: Algorithm) -> None:
    momenta = shower(300, np.random.default_rng(1))
    assert set(sets_of(form(*one_jet(momenta), algorithm).children)) == sets_of_fastjet(momenta, algorithm)


def test_momenta_in_single_precision_or_out_of_order_in_memory_are_taken(form: Form) -> None:
    momenta = shower(12, np.random.default_rng(0)).astype(np.float32)
    expected = form(*one_jet(momenta.astype(np.float64)))
    for array in (momenta, np.asfortranarray(momenta), np.repeat(momenta, 2, axis=0)[::2]):
        np.testing.assert_array_equal(form(array, np.array([0, 12], dtype=np.int32)).children, expected.children)


# What is refused


@pytest.mark.parametrize(
    ("momenta", "offsets", "message"),
    [
        (np.zeros((3, 3)), np.array([0, 3]), r"shape \(constituent, 4\), got float64 of shape \(3, 3\)"),
        (np.zeros((3, 4), dtype=int), np.array([0, 3]), "floating-point of shape .* got int64"),
        (np.zeros((3, 4)), np.array([[0, 3]]), r"shape \(jet \+ 1,\), got int64 of shape \(1, 2\)"),
        (np.zeros((3, 4)), np.array([0.0, 3.0]), "offsets must be integers .* got float64"),
        (np.zeros((3, 4)), np.array([], dtype=int), r"got int64 of shape \(0,\)"),
        (np.zeros((3, 4)), np.array([1, 3]), "begin with 0 and end with the number of constituents, 3; got 1 and 3"),
        (np.zeros((3, 4)), np.array([0, 2]), "end with the number of constituents, 3; got 0 and 2"),
        (np.zeros((3, 4)), np.array([0, 2, 2, 3]), "jet 1 has no constituents: leave it out; .* got 2 and 2"),
        (np.zeros((3, 4)), np.array([0, 2, 1, 3]), "jet 1 ends 1 before it begins; .* got 2 and 1"),
    ],
)
def test_arrays_that_are_not_jets_are_refused(
    form: Form, momenta: NDArray[np.float64], offsets: NDArray[np.int64], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        form(momenta, offsets)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_a_momentum_that_is_not_finite_is_named(form: Form, bad: float) -> None:
    momenta, offsets = np.ones((6, 4)), np.array([0, 2, 6])
    momenta[4, 3] = bad
    with pytest.raises(
        ValueError, match=rf"got \[1.0, 1.0, 1.0, {bad}\] for constituent 2 of jet 1".replace("+", r"\+")
    ):
        form(momenta, offsets)


def test_an_unknown_algorithm_is_refused_with_the_known_ones(form: Form) -> None:
    with pytest.raises(ValueError, match="cambridge-aachen, kt, anti-kt, pt-chain, random, got 'cambridge'"):
        form(*one_jet(np.ones((2, 4))), "cambridge")


def test_no_threads_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one thread, got 0"):
        cluster(*one_jet(np.ones((2, 4))), threads=0)


# Without the compiled form


def test_without_the_compiled_form_the_reference_serves_and_one_warning_says_so(not_compiled: None) -> None:
    jet = one_jet(shower(9, np.random.default_rng(0)))
    with pytest.warns(RuntimeWarning, match=r"suite_recnn\._clustering was not compiled\. To repair it, compile it"):
        trees = cluster(*jet)
    np.testing.assert_array_equal(trees.children, reference(*jet).children)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cluster(*jet)


def test_without_the_compiled_form_it_fails_where_that_is_required(
    not_compiled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REQUIRE, "1")
    with pytest.raises(OpsError, match=r"LIGHTNING_SUITE_REQUIRE_OPS is 1, but .* was not compiled"):
        cluster(*one_jet(np.ones((2, 4))))

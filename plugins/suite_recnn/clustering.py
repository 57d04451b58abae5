"""Clusters the constituents of each jet into a binary tree.

Two roots are merged until one is left: their four-momenta are added, and the sum is a new root. Unlike in jet
finding there is no radius, so that all constituents are merged. The sequential algorithms always merge the pair with
the smallest

    min(pt_i^2p, pt_j^2p) ((y_i - y_j)^2 + (phi_i - phi_j)^2),   p = 0: Cambridge/Aachen, 1: kt, -1: anti-kt

with rapidity y and azimuth phi (Cacciari, Salam and Soyez: "The anti-kt jet clustering algorithm", 2008,
arXiv:0802.1189, eq. 1). ``pt-chain`` adds the constituents to the hardest one in order of falling transverse momentum,
and ``random`` merges any two: the other topologies that Louppe et al. (2017, arXiv:1702.00748) compare.
"""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.compiled_loops import compiled_loops

ALGORITHMS = ("cambridge-aachen", "kt", "anti-kt", "pt-chain", "random")
Algorithm = Literal["cambridge-aachen", "kt", "anti-kt", "pt-chain", "random"]

LARGEST = 1e30  # GeV; below it no square and no distance overflows
BEAM_RAPIDITY = 1e5
SMALLEST_PT2 = 1e-100


class Trees(NamedTuple):
    """Binary trees, one for each jet, end to end.

    A tree's constituents come first, in their order, then its mergings in the order in which they happened, so that
    children come before parents and the root is the last. A jet of n constituents has 2 n - 1 nodes.

    Attributes:
        momenta: (node, 4) px, py, pz, E in GeV; of a merging the sum of the constituents below it.
        children: (node, 2) the two merged nodes, counted within the tree; the left one has the higher transverse
            momentum, of equal ones the smaller number. A constituent has -1, -1.
        offsets: (jet + 1,) where each tree begins.
    """

    momenta: NDArray[np.float64]
    children: NDArray[np.int32]
    offsets: NDArray[np.int64]


def cluster(
    momenta: NDArray[np.floating[Any]],
    offsets: NDArray[np.integer[Any]],
    algorithm: Algorithm = "cambridge-aachen",
    *,
    seed: int = 0,
    threads: int = 1,
) -> Trees:
    """Return the trees of jets: compiled, or by `reference` with one warning where nothing was compiled.

    Of pairs that are equally close, the one with the older nodes is merged. A momentum along the beam has a huge
    rapidity, distinct for each pz, as in FastJet. The trees do not depend on the number of threads.

    Args:
        momenta: (constituent, 4) px, py, pz, E in GeV.
        offsets: (jet + 1,) where each jet begins; the last is the number of constituents.
        algorithm: one of ``ALGORITHMS``.
        seed: of ``random``; the tree of a jet follows from it and from the jet's number in the call.
        threads: the number of threads.

    Raises:
        ValueError: the arrays have other shapes or types, offsets do not fit, a jet has no constituents, or a momentum
            is not finite.
        OpsError: there is no compiled form, and LIGHTNING_SUITE_REQUIRE_OPS is 1.

    Example:
        >>> momenta = np.array([[3.0, 0, 0, 3], [0, 1, 0, 1], [2, 0.1, 0, 2.1]])
        >>> cluster(momenta, np.array([0, 3])).children.tolist()
        [[-1, -1], [-1, -1], [-1, -1], [0, 2], [3, 1]]
    """
    momenta, offsets = _checked(momenta, offsets, algorithm)
    if threads < 1:
        raise ValueError(f"cluster: expected at least one thread, got {threads}")
    compiled = compiled_loops("suite_recnn._clustering", "jets are clustered in numpy, which is far slower")
    if compiled is None:
        return reference(momenta, offsets, algorithm, seed=seed)
    nodes, children = compiled.cluster(momenta, offsets, ALGORITHMS.index(algorithm), seed % 2**64, threads)
    return Trees(nodes, children, _node_offsets(offsets))


def reference(
    momenta: NDArray[np.floating[Any]],
    offsets: NDArray[np.integer[Any]],
    algorithm: Algorithm = "cambridge-aachen",
    *,
    seed: int = 0,
) -> Trees:
    """Return the same trees as `cluster`, in numpy: all distances are computed again for every merging.

    Raises:
        ValueError: see `cluster`.
    """
    momenta, offsets = _checked(momenta, offsets, algorithm)
    node_offsets = _node_offsets(offsets)
    nodes, children = np.empty((node_offsets[-1], 4)), np.full((node_offsets[-1], 2), -1, dtype=np.int32)
    for jet, (begin, end) in enumerate(pairwise(offsets)):
        tree = slice(node_offsets[jet], node_offsets[jet + 1])
        p, pairs, leaves = nodes[tree], children[tree], int(end - begin)
        p[:leaves] = momenta[begin:end]
        if algorithm == "pt-chain":
            steps = _in_order_of_pt(p, leaves)
        elif algorithm == "random":
            steps = _at_random(leaves, seed, jet)
        else:
            steps = _nearest(p, leaves, algorithm)
        for node, (one, other) in enumerate(steps, start=leaves):
            p[node] = p[one] + p[other]
            first, second = sorted((one, other))
            pairs[node] = (first, second) if _pt2(p[first]) >= _pt2(p[second]) else (second, first)
    return Trees(nodes, children, node_offsets)


# These generators yield the two nodes to merge; before the next step the caller puts their sum into p as the next node.


def _nearest(p: NDArray[np.float64], leaves: int, algorithm: Algorithm) -> Iterator[tuple[int, int]]:
    roots = list(range(leaves))
    coordinates = [_coordinates(p[node], algorithm) for node in roots]
    for node in range(leaves, 2 * leaves - 1):
        y, phi, factor = np.array([coordinates[root] for root in roots]).T
        dphi = np.abs(phi[:, None] - phi)
        dphi = np.minimum(dphi, 2 * math.pi - dphi)
        distances = (y[:, None] - y) ** 2 + dphi**2  # root, root
        np.fill_diagonal(distances, np.inf)
        # The smaller factor of the closest pair belongs to one of its roots, whose partner is the nearest to it.
        one = int((factor * distances.min(axis=1)).argmin())
        other = int(distances[one].argmin())
        yield roots[one], roots[other]
        roots = [root for i, root in enumerate(roots) if i not in (one, other)] + [node]
        coordinates.append(_coordinates(p[node], algorithm))


def _in_order_of_pt(p: NDArray[np.float64], leaves: int) -> Iterator[tuple[int, int]]:
    order = sorted(range(leaves), key=lambda node: -_pt2(p[node]))
    chain = order[0]
    for node, softer in enumerate(order[1:], start=leaves):
        yield chain, softer
        chain = node


def _at_random(leaves: int, seed: int, jet: int) -> Iterator[tuple[int, int]]:
    """Merge any two, by SplitMix64 (Steele, Lea and Flood, 2014) with the scrambled seed and jet as its state."""
    whole = 2**64
    state = _scrambled((_scrambled(seed % whole) + jet) % whole)

    def below(limit: int) -> int:
        nonlocal state
        state = (state + 0x9E3779B97F4A7C15) % whole
        return (_scrambled(state) >> 32) * limit >> 32

    living = list(range(leaves))
    for node in range(leaves, 2 * leaves - 1):
        one, other = below(len(living)), below(len(living) - 1)
        other += other >= one
        yield living[one], living[other]
        living[one] = node
        living[other] = living[-1]
        living.pop()


def _scrambled(bits: int) -> int:
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB % 2**64
    return bits ^ bits >> 31


def _pt2(p: NDArray[np.float64]) -> float:
    return float(p[0] * p[0] + p[1] * p[1])


def _coordinates(p: NDArray[np.float64], algorithm: Algorithm) -> tuple[float, float, float]:
    """Return rapidity, azimuth and pt^2p of a momentum, by the C library's functions as in the compiled form."""
    px, py, pz, energy = p.tolist()
    pt2, along = _pt2(p), abs(pz)
    mass2 = max((energy + pz) * (energy - pz) - pt2, 0.0)
    square = (energy + along) * (energy + along)
    ratio = (pt2 + mass2) / square if square > 0 else 0.0
    size = -0.5 * math.log(ratio) if energy + along > 0 and 0 < ratio < 1e300 else BEAM_RAPIDITY + along
    bounded = max(pt2, SMALLEST_PT2)
    factor = {"cambridge-aachen": 1.0, "kt": bounded, "anti-kt": 1 / bounded}[algorithm]
    return -size if pz < 0 else size, math.atan2(py, px) if pt2 > 0 else 0.0, factor


def _node_offsets(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    return 2 * offsets - np.arange(len(offsets))


def _checked(
    momenta: NDArray[np.floating[Any]], offsets: NDArray[np.integer[Any]], algorithm: Algorithm
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return momenta and offsets as the compiled form needs them, which does not check them."""
    if algorithm not in ALGORITHMS:
        raise ValueError(f"cluster: algorithm must be one of {', '.join(ALGORITHMS)}, got {algorithm!r}")
    if momenta.ndim != 2 or momenta.shape[1] != 4 or not np.issubdtype(momenta.dtype, np.floating):
        raise ValueError(
            f"cluster: momenta must be floating-point of shape (constituent, 4), got {momenta.dtype} of shape "
            f"{momenta.shape}"
        )
    if offsets.ndim != 1 or not len(offsets) or not np.issubdtype(offsets.dtype, np.integer):
        raise ValueError(
            f"cluster: offsets must be integers of shape (jet + 1,), got {offsets.dtype} of shape {offsets.shape}"
        )
    if offsets[0] != 0 or offsets[-1] != len(momenta):
        raise ValueError(
            f"cluster: offsets must begin with 0 and end with the number of constituents, {len(momenta)}; got "
            f"{offsets[0]} and {offsets[-1]}"
        )
    begins = np.ascontiguousarray(offsets, dtype=np.int64)
    counts = np.diff(begins)
    if (counts < 1).any():
        jet = int((counts < 1).argmax())
        what = "has no constituents: leave it out" if counts[jet] == 0 else f"ends {-counts[jet]} before it begins"
        raise ValueError(f"cluster: jet {jet} {what}; offsets must rise, got {begins[jet]} and {begins[jet + 1]}")
    good = np.abs(momenta) < LARGEST  # false for not-a-number
    if not good.all():
        constituent = int((~good.all(axis=1)).argmax())
        jet = int(np.searchsorted(begins, constituent, side="right")) - 1
        raise ValueError(
            f"cluster: momenta must be finite and below {LARGEST:g} GeV, got {momenta[constituent].tolist()} for "
            f"constituent {constituent - begins[jet]} of jet {jet}"
        )
    return np.ascontiguousarray(momenta, dtype=np.float64), begins

"""Spectral clustering of many points by way of a few landmarks: time and memory grow with n, not with n^2.

Sparse landmarks (LSC; Chen and Cai, 2011): each point is written as a mixture of its r nearest landmarks, Z (point,
landmark), with Gaussian weights that add up to 1. With Lambda the diagonal of Z's column sums, the points' graph is
W = Z Lambda^-1 Z', all of whose degrees are 1. Its eigenvectors are the left singular vectors of Z Lambda^-1/2, and
those come from the landmarks' own matrix Lambda^-1/2 Z' Z Lambda^-1/2, (landmark, landmark).

Nyström (Fowlkes and others, 2004): the whole Gaussian graph is taken for C A^-1 C', where C holds the weights between
points and landmarks and A those among landmarks. With its degrees d = C A^-1 C' 1, the eigenvectors of
D^-1/2 C A^-1 C' D^-1/2 come from A^-1/2 C' D^-1 C A^-1/2 the same way. C is never stored but computed in blocks.

Either way an eigenvector is a sum over landmarks, so a new point has a value by the formula that the old ones have.
"""

import warnings
from typing import Literal, NamedTuple

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.eigen.spectrum import Spectrum
from suite_spectral.graphs.gaussian_affinity import GaussianLandmarkWeights
from suite_spectral.graphs.landmark_graph import LandmarkGraph, LandmarkWeights
from suite_spectral.one_thread import one_thread
from suite_spectral.shares.share import Share

Placing = Literal["kmeans", "random"]

SAMPLE_PER_LANDMARK = 20
"""Points of the sample for each landmark that k-means places in it."""
ROUNDS = 10
"""Rounds of k-means: landmarks need to be spread, not to have settled."""
SMALLEST = 1e-9
"""Eigenvalues of A below this share of its largest are rounding errors, and are left out of its inverse."""
FLOOR = 1e-12
"""The least that the square of a singular value is taken for, so that no vector is divided by 0."""


def place_landmarks(
    points: Tensor, count: int, *, placing: Placing = "kmeans", seed: int = 0, share: Share | None = None
) -> Tensor:
    """Return landmarks for some points, (landmark, dim): centroids of a sample, or points drawn at random.

    Args:
        points: (point, dim), those that are here.
        count: how many landmarks, at most as many as points.
        placing: how.
        seed: of what is drawn.
        share: of several processes, which all return the same; None: all points are here.

    Raises:
        UsageError: ``count`` is below 1, or ``placing`` is neither kmeans nor random.
    """
    if count < 1:
        raise UsageError(f"landmarks: expected at least 1, got {count}")
    if placing not in ("kmeans", "random"):
        raise UsageError(f"placing {placing!r}: expected kmeans or random")
    share = Share.alone(len(points)) if share is None else share
    count = min(count, share.n)
    draw = np.random.default_rng(seed)
    size = count if placing == "random" else min(share.n, SAMPLE_PER_LANDMARK * count)
    some = np.sort(draw.choice(share.n, size, replace=False))
    here = some[(some >= share.rows.start) & (some < share.rows.stop)] - share.start
    sample = torch.from_numpy(share.joined(points[torch.from_numpy(here).to(points.device)].cpu().numpy())).to(points)
    if len(sample) == count:
        return sample
    first = draw.choice(len(sample), count, replace=False)

    def centres() -> NDArray[np.float64]:
        from sklearn.cluster import KMeans

        with one_thread(), warnings.catch_warnings():
            values = sample.double().cpu().numpy()
            # of few distinct points some landmarks are the same, which says nothing of the clusters
            warnings.filterwarnings("ignore", message="Number of distinct clusters")
            found = KMeans(count, init=values[np.sort(first)], n_init=1, max_iter=ROUNDS).fit(values)
        settled: NDArray[np.float64] = found.cluster_centers_
        return settled

    return torch.from_numpy(share.group.first_says(centres)).to(points)


def sparse_landmarks(graph: LandmarkGraph, count: int) -> "Landmarks":
    """Return the eigenvectors of a landmark graph, component by component, exact up to rounding.

    Of several processes each has the rows of its own points; process 0 alone solves for the landmarks.

    Args:
        graph: the graph.
        count: how many eigenvalues are wanted; one more is returned if there are enough landmarks.

    Raises:
        UsageError: there are fewer landmarks than wanted eigenvalues.
    """
    if count > len(graph.landmarks):
        raise UsageError(f"expected at least {count} landmarks that points are near to, got {len(graph.landmarks)}")
    inner = scipy.sparse.csr_array(graph.share.total(lambda rows: graph.block(rows).T @ graph.block(rows)))
    number, parts = scipy.sparse.csgraph.connected_components(inner, directed=False)
    home = parts[graph.mixtures.indices[:: graph.nearest]]  # component of each point
    sizes = graph.share.total(lambda rows: np.bincount(home[rows], minlength=number))
    order = np.argsort(-sizes, kind="stable")
    members = [np.flatnonzero(parts == part) for part in order]
    values, right = graph.share.group.first_says(lambda: _right_vectors(inner, graph.counts.numpy(), members, count))
    rank = np.empty(number, dtype=np.int64)
    rank[order] = np.arange(number)
    spectrum = Spectrum(
        torch.from_numpy(values),
        torch.from_numpy(graph.mixtures @ right).to(graph.device),
        torch.zeros(len(values), dtype=torch.float64),
        torch.from_numpy(rank[home]),
        f"{len(graph.landmarks)} landmarks",
    )
    table = torch.from_numpy(right).to(graph.device) / graph.counts.sqrt().to(graph.device)[:, None]
    ones = torch.ones(len(graph.landmarks), dtype=torch.float64, device=graph.device)
    return Landmarks(graph.weights, table, ones, spectrum, graph.degrees())


def _right_vectors(
    inner: scipy.sparse.csr_array, counts: NDArray[np.float64], members: list[NDArray[np.int64]], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return eigenvalues of L, and the right singular vectors over the singular values, (landmark, vector).

    Args:
        inner: (landmark, landmark), Lambda^-1/2 Z' Z Lambda^-1/2.
        counts: the column sums of Z.
        members: the landmarks of each component, that of most points first.
        count: how many are wanted; one more is returned if there is.
    """
    pairs: list[tuple[float, int, NDArray[np.float64]]] = []
    for rank, some in enumerate(members):
        dense = inner[some][:, some].toarray()
        # The vector of the eigenvalue 0 is known. It is moved behind all others: where the landmarks are only weakly
        # connected, these would else be mixed with it.
        known = np.sqrt(counts[some])
        known /= np.linalg.norm(known)
        squares, vectors = np.linalg.eigh(dense - 2 * np.outer(known, known))
        squares, vectors = np.append(squares[1:], 1), np.column_stack([vectors[:, 1:], known])
        for j in range(len(some) - 1, max(-1, len(some) - 2 - count), -1):
            pairs.append((1 - float(squares[j]), rank, vectors[:, j]))
    pairs.sort(key=lambda pair: pair[:2])
    pairs = pairs[: count + 1]
    values = np.array([value for value, _, _ in pairs]).clip(0)
    singular = np.sqrt((1 - values).clip(FLOOR))
    right = np.zeros((inner.shape[0], len(pairs)))
    for j, (_, rank, vector) in enumerate(pairs):
        right[members[rank], j] = vector / singular[j]
    return values, right


def nystroem(points: Tensor, weights: GaussianLandmarkWeights, count: int) -> "Landmarks":
    """Return Nyström's approximate eigenvectors of the Gaussian graph of all points, in three passes over blocks of C.

    Args:
        points: (point, dim).
        weights: of points to the landmarks, w(x, y) = exp(-|x - y|^2 / (2 sigma^2)).
        count: how many eigenvalues are wanted; one more is returned if there are enough landmarks.

    Raises:
        UsageError: sigma is not positive, or the landmarks' matrix has less rank than wanted eigenvalues.
    """
    landmarks, sigma = weights.landmarks, weights.sigma
    if not sigma > 0:
        raise UsageError(f"sigma: expected a number above 0, got {sigma}")
    own, basis = torch.linalg.eigh(weights.kernel(landmarks))
    kept = own > SMALLEST * own[-1]
    if int(kept.sum()) < count:
        raise UsageError(
            f"expected the weights among {len(landmarks)} landmarks to have rank {count} or more, got "
            f"{int(kept.sum())}: sigma {sigma:.3g} is too large, or the landmarks are too few"
        )
    whiten = basis[:, kept] / own[kept].sqrt()  # A^-1/2, without its last rotation: (landmark, rank)
    total = sum((block.sum(dim=0) for _, block in weights.blocks(points)), torch.zeros_like(own))
    divisor = whiten @ (whiten.T @ total)
    degrees = torch.empty(len(points), dtype=torch.float64, device=points.device)
    inner = torch.zeros(len(own), len(own), dtype=torch.float64, device=points.device)
    least = torch.finfo(torch.float64).eps
    for part, block in weights.blocks(points):
        # The approximation may give a far point no degree; its own weight of 1 is then the least it has.
        degrees[part] = torch.where((sums := block @ divisor) > least, sums, 1)
        inner += block.T @ (block / degrees[part, None])
    squares, vectors = torch.linalg.eigh(whiten.T @ inner @ whiten)
    last = slice(max(0, len(squares) - count - 1), None)
    squares, vectors = squares[last].flip(0), vectors[:, last].flip(1)
    table = whiten @ vectors / squares.clamp_min(FLOOR).sqrt()
    root = degrees.sqrt()
    columns = torch.empty(len(points), len(squares), dtype=torch.float64, device=points.device)
    for part, block in weights.blocks(points):
        columns[part] = block @ table / root[part, None]
    spectrum = Spectrum(
        (1 - squares).clamp_min(0).cpu(),
        columns,
        torch.zeros(len(squares), dtype=torch.float64),
        torch.zeros(len(points), dtype=torch.int64),
        f"Nyström, {len(landmarks)} landmarks",
    )
    return Landmarks(weights, table, divisor, spectrum, root)


class Landmarks(NamedTuple):
    """Eigenvectors as sums over landmarks, for old and new points alike.

    With k(x, l) the weight of a point to a landmark, the value of D^-1/2 u_j at x is
    sum_l k(x, l) table_lj / sum_l k(x, l) divisor_l.

    Attributes:
        weights: k, of any points.
        table: (landmark, vector) float64.
        divisor: (landmark,) float64; ones for sparse landmarks.
        spectrum: the eigenvalues and vectors for the old points.
        root: (point,) float64, the square roots of the old points' degrees.
    """

    weights: LandmarkWeights
    table: Tensor
    divisor: Tensor
    spectrum: Spectrum
    root: Tensor

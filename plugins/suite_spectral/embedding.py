"""Points in few dimensions by the eigenvectors of their graph (Laplacian eigenmaps), in scikit-learn's signatures.

As there, the weight of a point with itself is left out, and the vectors are those of the random walk, D^-1/2 U (Belkin
and Niyogi, "Laplacian Eigenmaps for Dimensionality Reduction and Data Representation", 2003). The first is constant. Of
a graph of several components the constant one comes first too, and then what tells the components apart.
"""

import warnings
from collections.abc import Callable
from typing import Any, Literal, final

import numpy as np
import scipy.linalg
import scipy.sparse.csgraph
import scipy.sparse.linalg
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.utils import check_array

from lightning_suite.constraints import Condition, Interval, check
from lightning_suite.errors import SuiteError
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.spectrum import spectrum
from suite_spectral.estimator_graphs import DISTANCES, given_graph, nearest_of_distances
from suite_spectral.estimator_inputs import as_tensor, is_network, network_weights, read, seed_of
from suite_spectral.estimator_settings import OTHER_VALUES, solver_of, tolerance_of
from suite_spectral.graphs.dense_graph import DenseGraph, GivenGraph
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.graphs.neighbour_graph import neighbour_graph
from suite_spectral.one_thread import one_thread, threads
from suite_spectral.settings import Solver

TOLERANCE = 1e-4
"""Of the residuals as a share of the gap: k-means is content with less, coordinates are looked at."""

SMALL = 1500
"""Points up to which the eigenvectors of D - W come from LAPACK, and beyond from ARPACK."""

SHIFT = 1e-5
"""How far below 0 ARPACK looks for the smallest eigenvalues, as a share of the mean degree."""

CONSTRAINTS: dict[str, list[Any]] = {
    "n_components": [Interval(int, 1)],
    "affinity": [
        Literal["nearest_neighbors", "rbf", "precomputed", "precomputed_nearest_neighbors"],
        Condition("a function of the points", callable),
    ],
    "gamma": [Interval(float, 0), None],
    "n_neighbors": [Interval(int, 1), None],
    **{name: OTHER_VALUES[name] for name in ("eigen_solver", "eigen_tol", "n_jobs")},
}


def spectral_embedding(
    adjacency: Any,
    *,
    n_components: int = 8,
    eigen_solver: Solver | Literal["amg"] | None = None,
    random_state: Any = None,
    eigen_tol: float | Literal["auto"] | None = "auto",
    norm_laplacian: bool = True,
    drop_first: bool = True,
) -> NDArray[Any]:
    """Return the points of a graph by the smallest eigenvectors of its Laplacian, (point, component).

    The entry of largest magnitude in a column is positive.

    Example:
        >>> path = np.array([[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]])
        >>> spectral_embedding(path, n_components=1).round(3).tolist()
        [[0.577], [0.289], [-0.289], [-0.577]]

    Args:
        adjacency: (point, point) weights, dense or sparse, or a graph of networkx.
        n_components: how many eigenvectors.
        eigen_solver: as of ``suite_spectral.SpectralClustering``; without effect on D - W.
        random_state: of the solver's start.
        eigen_tol: what the residuals may be as a share of the eigengap; auto: 1e-4; 0: as little as can be.
        norm_laplacian: whether of D^-1/2 (D - W) D^-1/2, or of D - W.
        drop_first: whether the constant vector is left out.

    Raises:
        ValueError: the weights or a parameter are not what they should be, or there are too few points.

    Warns:
        UserWarning: the graph is not connected.
    """
    values = {"n_components": n_components, "eigen_solver": eigen_solver, "eigen_tol": eigen_tol}
    check({name: CONSTRAINTS[name] for name in values}, values, error=ValueError)
    weights = network_weights(adjacency) if is_network(adjacency) else adjacency
    weights = check_array(weights, accept_sparse="csr", dtype=[np.float64, np.float32])
    kind, wanted = weights.dtype, n_components + drop_first
    if wanted > weights.shape[0]:
        raise ValueError(f"n_components: expected at most {weights.shape[0] - drop_first}, got {n_components}")
    graph = _without_loops(given_graph(as_tensor(weights)))
    seed = seed_of(random_state)
    try:
        with one_thread():
            if norm_laplacian:
                laplacian = Laplacian(graph)
                solver = solver_of(eigen_solver, stored=scipy.sparse.issparse(weights))
                tolerance = tolerance_of(eigen_tol, TOLERANCE)
                pairs = spectrum(laplacian, wanted, solver=solver, seed=seed, tolerance=tolerance)
                root = np.where(laplacian.root > 0, laplacian.root, 1.0)
                parts, vectors = int(pairs.components.max()) + 1, pairs.vectors.numpy()[:, :wanted]
                rows = _constant_first(vectors, parts, root) / root[:, None]
            else:
                parts, vectors = _of_unnormalised(graph.scipy(), wanted, seed)
                rows = _constant_first(vectors, parts, np.ones(graph.n))
    except SuiteError as error:
        raise ValueError(f"{error}") from error
    if parts > 1:
        warnings.warn(
            f"the graph is not fully connected: the first of the {wanted} vectors tell its {parts} components apart",
            UserWarning,
            stacklevel=2,
        )
    largest = np.take_along_axis(rows, np.abs(rows).argmax(axis=0)[None], axis=0)
    return np.asarray((rows * np.where(largest < 0, -1, 1))[:, int(drop_first) :], dtype=kind)


def _without_loops(graph: GivenGraph) -> GivenGraph:
    if isinstance(graph, DenseGraph):
        matrix = graph.matrix.clone()
        matrix.fill_diagonal_(0)
        return DenseGraph(matrix)
    weights = graph.scipy()
    return SparseGraph.from_scipy(scipy.sparse.csr_array(weights - scipy.sparse.diags_array(weights.diagonal())))


def _of_unnormalised(weights: scipy.sparse.csr_array, wanted: int, seed: int) -> tuple[int, NDArray[np.float64]]:
    """Return how many components a graph has, and the smallest eigenvectors of D - W, (point, vector)."""
    matrix = scipy.sparse.csgraph.laplacian(weights).tocsc()
    parts, _ = scipy.sparse.csgraph.connected_components(weights, directed=False)
    if weights.shape[0] <= max(SMALL, wanted + 1):
        _, vectors = scipy.linalg.eigh(matrix.toarray(), subset_by_index=(0, wanted - 1))
    else:
        start = np.random.default_rng(seed).standard_normal(weights.shape[0])
        shift = -SHIFT * weights.sum() / weights.shape[0]
        values, vectors = scipy.sparse.linalg.eigsh(matrix, wanted, sigma=shift, v0=start)
        vectors = vectors[:, values.argsort()]
    return int(parts), vectors


def _constant_first(vectors: NDArray[np.float64], parts: int, root: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return eigenvectors with those of the eigenvalue 0, one for each component, turned: first is ``root``."""
    null = vectors[:, :parts]
    along = null.T @ root
    turn, _ = np.linalg.qr(np.column_stack([along, np.eye(len(along))]))
    return np.column_stack([null @ turn, vectors[:, parts:]])


@final
class SpectralEmbedding(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Points in few dimensions by the eigenvectors of their graph, in place of scikit-learn's ``SpectralEmbedding``.

    Example:
        >>> line = np.arange(20.0)[:, None]
        >>> place = SpectralEmbedding(1, n_neighbors=4).fit_transform(line)[:, 0]
        >>> bool((np.diff(place) > 0).all() or (np.diff(place) < 0).all())
        True

    Args:
        n_components: how many coordinates.
        affinity: nearest_neighbors; rbf: Gaussian of all pairs; precomputed: X is a matrix of weights or a graph of
            networkx; precomputed_nearest_neighbors: X are distances, of which those to the n_neighbors nearest points
            count; or a function of X that returns the weights of all pairs.
        gamma: of rbf; None: 1 / dim.
        random_state: of the solver's start; a number, or a RandomState or Generator of numpy.
        eigen_solver, eigen_tol: as of ``spectral_embedding``.
        n_neighbors: neighbours of a point, itself counted; None: a tenth of the points.
        n_jobs: threads that are used, -1 for all; None: as many as torch is set to.

    Attributes:
        embedding_: (point, component) of the type of X.
        affinity_matrix_: (point, point) the weights, csr where edges are stored, else an array.
        n_features_in_: dims of a point.
        feature_names_in_: (dim,) the names of the columns, where X is a frame.
        n_neighbors_: how many neighbours were used, for nearest_neighbors.
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        affinity: str | Callable[[Any], Any] = "nearest_neighbors",
        gamma: float | None = None,
        random_state: Any = None,
        eigen_solver: Solver | Literal["amg"] | None = None,
        eigen_tol: float | Literal["auto"] | None = "auto",
        n_neighbors: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.affinity = affinity
        self.gamma = gamma
        self.random_state = random_state
        self.eigen_solver = eigen_solver
        self.eigen_tol = eigen_tol
        self.n_neighbors = n_neighbors
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        given = self.affinity in ("precomputed", DISTANCES)
        tags.input_tags.pairwise = tags.input_tags.positive_only = given
        return tags

    def fit(self, X: Any, y: Any = None) -> "SpectralEmbedding":
        """Embed points.

        Args:
            X: (point, dim) array, frame, scipy sparse matrix or tensor of points; or what ``affinity`` says.
            y: not used; scikit-learn's pipelines pass it.

        Raises:
            ValueError: X or a parameter is not what it should be.
        """
        check(CONSTRAINTS, self.get_params(deep=False), error=ValueError)
        rows = read(self, X, reset=True).rows
        with threads(self.n_jobs):
            self.affinity_matrix_: Any = self._weights(rows)
            self.embedding_ = spectral_embedding(
                self.affinity_matrix_,
                n_components=self.n_components,
                eigen_solver=self.eigen_solver,
                random_state=self.random_state,
                eigen_tol=self.eigen_tol,
            ).astype(rows.dtype, copy=False)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> NDArray[Any]:
        """Return the coordinates of points, (point, component); see ``fit``."""
        embedding: NDArray[Any] = self.fit(X).embedding_
        return embedding

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_.shape[1])

    def _weights(self, rows: Any) -> Any:
        if callable(self.affinity):
            return self.affinity(rows)
        if self.affinity == "rbf":
            return rbf_kernel(rows, gamma=self.gamma)
        count = max(rows.shape[0] // 10, 1) if self.n_neighbors is None else self.n_neighbors
        if self.affinity == DISTANCES:
            nearest = nearest_of_distances(rows, count)
            return (nearest + nearest.T) / 2
        if self.affinity == "precomputed":
            return rows
        self.n_neighbors_ = count
        try:
            return neighbour_graph(as_tensor(rows, sparse=False), count).scipy()
        except SuiteError as error:
            raise ValueError(f"{error}") from error

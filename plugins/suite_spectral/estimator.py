"""Spectral clustering as a scikit-learn estimator and function, over the same functions as the Lightning module."""

import warnings
from collections.abc import Callable
from typing import Any, Literal, final

import numpy as np
import scipy.sparse
import torch
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from lightning_suite.errors import SuiteError
from lightning_suite.setting import with_meanings
from suite_spectral.estimator_graphs import DISTANCES, Weigher, affinity_class
from suite_spectral.estimator_inputs import Input, earlier_of, read, seed_of
from suite_spectral.estimator_settings import NAMES, settings_of
from suite_spectral.graphs.dense_graph import DenseGraph, GivenGraph
from suite_spectral.graphs.graph import Graph, SparseGraph
from suite_spectral.one_thread import threads
from suite_spectral.settings import (
    DEFAULTS,
    Assign,
    Mutual,
    Refine,
    Route,
    RowScaling,
    Search,
    Settings,
    Sigma,
    Solver,
    Weights,
)
from suite_spectral.solving.building import measured
from suite_spectral.solving.routes import solve
from suite_spectral.solving.solution import Solution
from suite_spectral.solving.warm_start import NO_START, Earlier


def spectral_clustering(
    affinity: Any,
    *,
    n_clusters: int | None = 8,
    n_components: int | None = None,
    eigen_solver: Solver | Literal["amg"] | None = None,
    random_state: Any = None,
    n_init: int = DEFAULTS.n_init,
    eigen_tol: float | Literal["auto"] | None = "auto",
    assign_labels: Assign = DEFAULTS.assign,
    verbose: bool = False,
) -> Any:
    """Return the clusters of a graph that is given by its weights, (point,); see ``SpectralClustering``.

    Example:
        >>> import numpy as np
        >>> spectral_clustering(np.kron(np.eye(2), np.ones((3, 3))) + 0.1, n_clusters=2)
        array([0, 0, 0, 1, 1, 1])

    Args:
        affinity: (point, point) weights, dense or sparse, or a graph of networkx.

    Raises:
        ValueError: the weights or a parameter are not what they should be.
    """
    parameters = dict(locals())
    weights = parameters.pop("affinity")
    return SpectralClustering(affinity="precomputed", **parameters).fit(weights).labels_


@final
@with_meanings(Settings, names=NAMES, null="None")
class SpectralClustering(ClusterMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Normalised spectral clustering that labels new points too, and says how good its answer is.

    It takes the place of scikit-learn's ``SpectralClustering``, whose parameters it has. Other defaults: affinity
    nearest_neighbors, and gamma None.

    Example:
        >>> import numpy as np
        >>> points = np.array([[0.0, 0], [0, 1], [1, 0], [9, 9], [9, 8], [8, 9]])
        >>> clusters = SpectralClustering(2, n_neighbors=4, random_state=0).fit(points)
        >>> clusters.labels_, clusters.predict([[1.0, 1]])
        (array([0, 0, 0, 1, 1, 1]), array([0]))

    Args:
        {settings}
        affinity: nearest_neighbors; rbf: Gaussian of all pairs; self-tuning: the same with a scale for each point;
            cosine, for features of 0 or more; any kernel of ``sklearn.metrics.pairwise`` by name, or a function of two
            points that returns a number; precomputed: X is a matrix of weights, dense or sparse, or a networkx graph;
            precomputed_nearest_neighbors: X are distances, of which those to the n_neighbors nearest points count.
        gamma: 1 / (2 sigma^2), another way to give sigma; of another kernel its own gamma, 1 where it is None. Without
            effect where nothing is Gaussian.
        eigen_solver: None is auto; amg is multilevel where the edges are stored, and else auto.
        eigen_tol: what the residuals may be as a share of the eigengap; auto, None: 0.03; 0: as little as can be.
        degree: of the polynomial kernel.
        coef0: of the polynomial and the sigmoid kernel.
        kernel_params: further arguments of a function as affinity.
        n_jobs: threads that are used, -1 for all; None: as many as torch is set to. Clusters do not depend on it.
        verbose: whether to print what is being done.
        random_state: of all that is drawn; a number, or a RandomState or Generator of numpy.
        largest: deprecated, the old name of max_clusters.
        memory: deprecated, the old name of memory_gib.

    Attributes:
        labels_: (point,) the clusters of what was fitted, of its kind: an array, or a tensor on the same device.
        n_clusters_: how many there are.
        n_features_in_: dims of a point.
        feature_names_in_: (dim,) the names of the columns, where X is a frame.
        affinity_matrix_: (point, point) the weights of the graph; a csr_array where edges are stored, else an array.
        eigenvalues_: (value,) the smallest of L, and the one behind.
        embedding_: (point, vector) what k-means saw.
        ncut_: the normalised cut.
        lower_bound_: what no clusters of so many can be below; nan where it is not known.
        n_components_: connected components of the graph.
        loose_: (loose,) the points that were left out while the others were clustered, because they lie in components
            too small for a cluster or hang on by one edge; each then joined a cluster.
        n_iter_: steps of the eigensolver; 0 where it has none.
        report_: one line on graph, solver and choices.
    """

    def __init__(
        self,
        n_clusters: int | None = 8,
        *,
        eigen_solver: Solver | Literal["amg"] | None = DEFAULTS.solver,
        n_components: int | None = DEFAULTS.n_components,
        random_state: Any = None,
        n_init: int = DEFAULTS.n_init,
        gamma: float | None = None,
        affinity: str | Callable[..., float] = "nearest_neighbors",
        n_neighbors: int | None = DEFAULTS.n_neighbors,
        eigen_tol: float | Literal["auto"] | None = "auto",
        assign_labels: Assign = DEFAULTS.assign,
        degree: float = 3,
        coef0: float = 1,
        kernel_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
        verbose: bool = False,
        weights: Weights = DEFAULTS.weights,
        mutual: Mutual = DEFAULTS.mutual,
        refine: Refine | None = DEFAULTS.refine,
        search: Search = DEFAULTS.search,
        sigma: Sigma = DEFAULTS.sigma,
        rows: RowScaling = DEFAULTS.rows,
        regularisation: float | None = DEFAULTS.regularisation,
        max_clusters: int = DEFAULTS.max_clusters,
        route: Route = DEFAULTS.route,
        landmarks: int = DEFAULTS.landmarks,
        memory_gib: float = DEFAULTS.memory_gib,
        largest: Any = "deprecated",
        memory: Any = "deprecated",
    ) -> None:
        self.n_clusters = n_clusters
        self.eigen_solver = eigen_solver
        self.n_components = n_components
        self.random_state = random_state
        self.n_init = n_init
        self.gamma = gamma
        self.affinity = affinity
        self.n_neighbors = n_neighbors
        self.eigen_tol = eigen_tol
        self.assign_labels = assign_labels
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.weights = weights
        self.mutual = mutual
        self.refine = refine
        self.search = search
        self.sigma = sigma
        self.rows = rows
        self.regularisation = regularisation
        self.max_clusters = max_clusters
        self.route = route
        self.landmarks = landmarks
        self.memory_gib = memory_gib
        self.largest = largest
        self.memory = memory

    @property
    def affinity_matrix_(self) -> Any:
        """The weights of the graph, (point, point); computed where the graph does not store them.

        Raises:
            AttributeError: nothing was fitted, or landmarks stand for the graph.
        """
        check_is_fitted(self)
        if self.route == "landmarks":
            raise AttributeError(
                "route 'landmarks' has no affinity_matrix_: landmarks stand for the graph of all points"
            )
        if self._weigher.rows is not None:
            return self._weigher.kernel(self._weigher.rows)
        graph: Graph | None = self._graph
        if graph is None:
            content = self._fitted.extension.weights.content()
            assert content is not None  # of points, which are kept
            graph = measured(content, self._settings(None), self._fitted)
        if isinstance(graph, SparseGraph):
            return graph.scipy()
        if isinstance(graph, DenseGraph):
            return graph.matrix.cpu().numpy()
        return graph.multiply(torch.eye(graph.n, dtype=torch.float64, device=graph.device)).cpu().numpy()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        given = self.affinity in ("precomputed", DISTANCES)
        tags.input_tags.pairwise = given
        tags.input_tags.positive_only = affinity_class(self.affinity).nonnegative or given
        return tags

    def fit(self, X: Any, y: Any = None, warm_start: "SpectralClustering | None" = None) -> "SpectralClustering":
        """Cluster points.

        Args:
            X: (point, dim) array, frame, scipy sparse matrix or tensor of points; for precomputed (point, point)
                weights or a graph of networkx, for precomputed_nearest_neighbors distances.
            y: not used; scikit-learn's pipelines pass it.
            warm_start: earlier clusters, to start from their eigenvectors; a graph has the earlier points first.

        Raises:
            ValueError: X or a parameter is not what it should be.

        Warns:
            UserWarning: the graph is not connected.
        """
        inputs = read(self, X, reset=True)
        settings = self._settings(inputs)
        earlier = None if warm_start is None else earlier_of(warm_start)
        if earlier is not None and settings.regularisation is None:
            raise ValueError(f"warm_start: {NO_START.format('regularisation', 'None')}")
        self._weigher = Weigher(self.affinity, self.n_neighbors, self._kernel_parameters())
        try:
            with threads(self.n_jobs):
                content = self._weigher.fit(inputs)
                start = None if earlier is None else earlier.start(content)
                seed = seed_of(self.random_state)
                solution = solve(content, settings, start=start, seed=seed, progress=self._say)
                self._earlier = Earlier.of(solution, settings)
        except SuiteError as error:
            raise ValueError(f"{error}") from error
        self._keep(inputs, solution)
        return self

    def predict(self, X: Any) -> Any:
        """Return the clusters of new points, (query,); a point that was fitted has the label it got then.

        Args:
            X: (query, dim) points; for precomputed the weights between new and fitted points, (query, point), for
                precomputed_nearest_neighbors their distances.

        Raises:
            ValueError: X is not what it should be.
        """
        inputs, content = self._queries(X)
        labels = self._fitted.assign(content)
        known = self._weigher.known(inputs, labels.device)
        return inputs.answer(torch.where(known >= 0, self._fitted.labels[known.clamp_min(0)], labels))

    def score(self, X: Any, y: Any = None) -> float:
        """Return the adjusted Rand index of the predicted clusters and known classes: 1 where they agree.

        Args:
            X: see ``predict``.
            y: (query,) the classes.

        Raises:
            ValueError: X is not what it should be, or there is no y.
        """
        if y is None:
            raise ValueError("score: expected the known classes y, got None; without them, compare ncut_ of fits")
        return float(adjusted_rand_score(y, np.asarray(self.predict(X)).ravel()))

    def embed(self, X: Any) -> Any:
        """Return the rows of new points in the eigenvectors, (query, vector); see ``predict``."""
        inputs, content = self._queries(X)
        return inputs.answer(self._fitted.embed(content))

    def _queries(self, X: Any) -> tuple[Input, Tensor]:
        check_is_fitted(self)
        inputs = read(self, X, reset=False)
        return inputs, self._weigher.weights(inputs, self._fitted.centroids.device)

    def _kernel_parameters(self) -> dict[str, Any]:
        if callable(self.affinity):
            return self.kernel_params or {}
        gamma = 1.0 if self.gamma is None else self.gamma
        return {**(self.kernel_params or {}), "gamma": gamma, "degree": self.degree, "coef0": self.coef0}

    def _settings(self, inputs: Input | None) -> Settings:
        """Return the settings; of what was read they depend on whether a graph that is given is sparse."""
        given = self.affinity == "precomputed" and inputs is not None and scipy.sparse.issparse(inputs.rows)
        stored = given or self.affinity in ("nearest_neighbors", DISTANCES)
        return settings_of(self.get_params(deep=False), affinity_class(self.affinity).name, stored=stored)

    def _say(self, words: str) -> None:
        if self.verbose:
            print(f"Computing {words}")

    def _keep(self, inputs: Input, solution: Solution) -> None:
        clustering = solution.clustering
        self._fitted = solution.fitted
        self._graph = solution.graph if isinstance(solution.graph, GivenGraph) and self._weigher.rows is None else None
        self.labels_ = inputs.answer(solution.fitted.labels)
        self.n_clusters_ = solution.fitted.n_clusters
        self.eigenvalues_ = inputs.answer(solution.fitted.eigenvalues)
        self.embedding_ = inputs.answer(clustering.rows)
        self.ncut_ = clustering.ncut
        self.lower_bound_ = clustering.lower_bound
        self.n_components_ = clustering.n_components
        self.loose_ = inputs.answer(clustering.loose)
        self.n_iter_ = clustering.spectrum.steps
        self.report_ = solution.line
        if self.n_components_ > 1 and clustering.core is None:  # else another warning has said so
            warnings.warn(
                f"the graph is not fully connected: {self.n_components_} components, clustered one by one",
                UserWarning,
                stacklevel=3,
            )

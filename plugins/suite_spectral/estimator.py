"""Spectral clustering as a scikit-learn estimator, over the same functions as the Lightning module."""

import warnings
from numbers import Integral
from typing import Any, Literal, final

import numpy as np
import scipy.sparse
import torch
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from lightning_suite.constraints import check
from lightning_suite.errors import SuiteError
from lightning_suite.setting import constraints_of, with_meanings
from suite_spectral.estimator_inputs import Input, as_arrays, given_graph, refuse_negative
from suite_spectral.graphs.affinities import AFFINITIES
from suite_spectral.graphs.affinity import Affinity
from suite_spectral.graphs.graph import sparse_rows
from suite_spectral.graphs.neighbour_graph import NearestNeighbours
from suite_spectral.settings import (
    DEFAULTS,
    POSITIVE,
    Assign,
    Mutual,
    Route,
    RowScaling,
    Search,
    Settings,
    Sigma,
    Solver,
    Weights,
)
from suite_spectral.solving.routes import solve
from suite_spectral.solving.solution import Solution

OfPoints = Literal["nearest_neighbors", "rbf", "self-tuning", "cosine", "precomputed"]

NAMES = {"assign_labels": "assign", "eigen_solver": "solver", "eigen_tol": "tolerance"}
"""Parameters that scikit-learn calls otherwise than ``Settings``."""

RENAMED = {"largest": "max_clusters", "memory": "memory_gib"}
"""Parameters of the last release, which give way to others."""

_OF_SETTINGS = constraints_of(Settings)


@final
@with_meanings(Settings, names=NAMES, null="None")
class SpectralClustering(ClusterMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Normalised spectral clustering that labels new points too, and says how good its answer is.

    Parameters are called as those of scikit-learn's ``SpectralClustering`` where it has them.

    Example:
        >>> import numpy as np
        >>> points = np.array([[0.0, 0], [0, 1], [1, 0], [9, 9], [9, 8], [8, 9]])
        >>> clusters = SpectralClustering(2, n_neighbors=3, random_state=0).fit(points)
        >>> clusters.labels_, clusters.predict([[1.0, 1]])
        (array([0, 0, 0, 1, 1, 1]), array([0]))

    Args:
        {settings}
        affinity: nearest_neighbors; rbf: Gaussian of all pairs; self-tuning: the same with a scale for each point;
            cosine, for features of 0 or more; precomputed: X is a symmetric matrix of weights, dense or sparse.
        gamma: 1 / (2 sigma^2), another way to give sigma.
        random_state: of all that is drawn.
        largest: deprecated, the old name of max_clusters.
        memory: deprecated, the old name of memory_gib.

    Attributes:
        labels_: (point,) the clusters of what was fitted, of its kind: an array, or a tensor on the same device.
        n_clusters_: how many there are.
        n_features_in_: dims of a point.
        eigenvalues_: (value,) the smallest of L, and the one behind.
        embedding_: (point, vector) what k-means saw.
        ncut_: the normalised cut.
        lower_bound_: what no clusters of so many can be below; nan where it is not known.
        n_components_: connected components of the graph.
        report_: one line on graph, solver and choices.
    """

    def __init__(
        self,
        n_clusters: int | None = 8,
        *,
        affinity: OfPoints = "nearest_neighbors",
        n_neighbors: int | None = DEFAULTS.n_neighbors,
        weights: Weights = DEFAULTS.weights,
        mutual: Mutual = DEFAULTS.mutual,
        search: Search = DEFAULTS.search,
        gamma: float | None = None,
        sigma: Sigma = DEFAULTS.sigma,
        rows: RowScaling = DEFAULTS.rows,
        assign_labels: Assign = DEFAULTS.assign,
        n_components: int | None = DEFAULTS.n_components,
        eigen_solver: Solver = DEFAULTS.solver,
        eigen_tol: float | None = DEFAULTS.tolerance,
        regularisation: float = DEFAULTS.regularisation,
        n_init: int = DEFAULTS.n_init,
        max_clusters: int = DEFAULTS.max_clusters,
        route: Route = DEFAULTS.route,
        landmarks: int = DEFAULTS.landmarks,
        memory_gib: float = DEFAULTS.memory_gib,
        random_state: Any = None,
        largest: Any = "deprecated",
        memory: Any = "deprecated",
    ) -> None:
        self.n_clusters = n_clusters
        self.affinity = affinity
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.mutual = mutual
        self.search = search
        self.gamma = gamma
        self.sigma = sigma
        self.rows = rows
        self.assign_labels = assign_labels
        self.n_components = n_components
        self.eigen_solver = eigen_solver
        self.eigen_tol = eigen_tol
        self.regularisation = regularisation
        self.n_init = n_init
        self.max_clusters = max_clusters
        self.route = route
        self.landmarks = landmarks
        self.memory_gib = memory_gib
        self.random_state = random_state
        self.largest = largest
        self.memory = memory

    @property
    def _kind(self) -> type[Affinity]:
        """The class of the affinity; any for a name that ``fit`` refuses."""
        return AFFINITIES.get(self.affinity, NearestNeighbours)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self._kind.of_graph
        tags.input_tags.positive_only = self._kind.nonnegative
        return tags

    def fit(self, X: Any, y: Any = None) -> "SpectralClustering":
        """Cluster points.

        Args:
            X: (point, dim) array, scipy sparse matrix or tensor of points; (point, point) weights for precomputed.
            y: not used; scikit-learn's pipelines pass it.

        Raises:
            ValueError: X or a parameter is not what it should be.
        """
        inputs = self._read(X, reset=True)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        try:
            solution = solve(
                given_graph(inputs.content) if self._kind.of_graph else inputs.content, self._settings(), seed=seed
            )
        except SuiteError as error:
            raise ValueError(f"{error}") from error
        self._keep(inputs, solution)
        return self

    def predict(self, X: Any) -> Any:
        """Return the clusters of new points, (query,); a point that was fitted has the label it got then.

        Args:
            X: (query, dim) points; for precomputed the weights between new and fitted points, (query, point).

        Raises:
            ValueError: X is not what it should be.
        """
        inputs = self._queries(X)
        return inputs.answer(self._fitted.assign(inputs.content))

    def embed(self, X: Any) -> Any:
        """Return the rows of new points in the eigenvectors, (query, vector); see ``predict``."""
        inputs = self._queries(X)
        return inputs.answer(self._fitted.embed(inputs.content))

    def _queries(self, X: Any) -> Input:
        check_is_fitted(self)
        inputs = self._read(X, reset=False)
        content = inputs.content.to(self._fitted.centroids.device)
        if self._fitted.affinity_class.of_graph:
            content = content.to_sparse_csr() if content.layout == torch.strided else content
            refuse_negative(content)
        return inputs._replace(content=content)

    def _read(self, X: Any, *, reset: bool) -> Input:
        like = X if isinstance(X, Tensor) else None
        if like is not None and like.device.type != "cpu":
            return Input(self._checked_on_device(like, reset), like)
        rows: Any = X if like is None else as_arrays(like.detach())
        kinds = [np.float64, np.float32]
        rows = validate_data(
            self, rows, accept_sparse="csr", dtype=kinds, reset=reset, ensure_min_samples=2 if reset else 1
        )
        if scipy.sparse.issparse(rows):
            if self._kind.sparse:
                rows = scipy.sparse.csr_array(rows)
                return Input(sparse_rows(rows, torch.from_numpy(rows.data[:0]).dtype), like)
            rows = rows.toarray()
        rows = np.ascontiguousarray(rows)
        # Torch cannot share memory that may only be read.
        return Input(torch.from_numpy(rows if rows.flags.writeable else rows.copy()), like)

    def _checked_on_device(self, points: Tensor, reset: bool) -> Tensor:
        """Check of a tensor, which stays where it is, what scikit-learn checks of arrays."""
        points = points.detach()
        if points.ndim != 2 or not points.is_floating_point():
            raise ValueError(f"expected points (point, dim) of real numbers, got {points.dtype} {tuple(points.shape)}")
        if not bool(torch.isfinite(points).all()):
            raise ValueError("the points contain NaN or infinity")
        if reset:
            self.n_features_in_ = points.shape[1]
        elif points.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {points.shape[1]} features, but {self.n_features_in_} were fitted")
        return points

    def _settings(self) -> Settings:
        values = self._with_present_names()
        constraints = {
            name: _OF_SETTINGS[NAMES.get(name, name)] for name in values if NAMES.get(name, name) in _OF_SETTINGS
        }
        check(constraints | {"affinity": [OfPoints], "gamma": [POSITIVE, None]}, values, error=ValueError)
        if self.gamma is not None:
            if self.sigma is not None:
                raise ValueError("give gamma or sigma, not both: gamma = 1 / (2 sigma^2)")
            values["sigma"] = (2 * self.gamma) ** -0.5
        # Whole numbers of numpy wrap around or are not written to a checkpoint.
        whole = {name: int(values[name]) for name in constraints if isinstance(values[name], Integral)}
        return Settings(**{NAMES.get(name, name): whole.get(name, values[name]) for name in constraints})

    def _with_present_names(self) -> dict[str, Any]:
        """Return the parameters by their present names, with a FutureWarning for each old one."""
        values: dict[str, Any] = self.get_params(deep=False)
        for old, new in RENAMED.items():
            value = values.pop(old)
            if not (isinstance(value, str) and value == "deprecated"):
                warnings.warn(f"{old} is called {new} now; the old name ends with the next release", FutureWarning, 2)
                values[new] = value
        if values["route"] == "better":
            warnings.warn(
                "route 'better' is called 'best_of' now; the old name ends with the next release", FutureWarning, 2
            )
            values["route"] = "best_of"
        return values

    def _keep(self, inputs: Input, solution: Solution) -> None:
        clustering = solution.clustering
        self._fitted = solution.fitted
        self.labels_ = inputs.answer(solution.fitted.labels)
        self.n_clusters_ = solution.fitted.n_clusters
        self.eigenvalues_ = inputs.answer(solution.fitted.eigenvalues)
        self.embedding_ = inputs.answer(clustering.rows)
        self.ncut_ = clustering.ncut
        self.lower_bound_ = clustering.lower_bound
        self.n_components_ = clustering.n_components
        self.report_ = solution.line

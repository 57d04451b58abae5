"""Spectral clustering as a scikit-learn estimator, over the same functions as the Lightning module."""

from numbers import Integral, Real
from typing import Any, Literal, NamedTuple, final, get_args

import numpy as np
import scipy.sparse
import torch
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from lightning_suite.errors import SuiteError
from suite_spectral.clusters.labelling import TwoWay
from suite_spectral.eigen.row_scaling import Rows
from suite_spectral.eigen.solvers import Solver
from suite_spectral.graphs.graph import SparseGraph, sparse_rows
from suite_spectral.graphs.neighbour_graph import Mutual, Weights
from suite_spectral.graphs.neighbours import Search
from suite_spectral.new_points.fitted import assign, embed
from suite_spectral.settings import Affinity, Route, Settings, Sigma
from suite_spectral.solving.routes import solve
from suite_spectral.solving.solution import Solution

_KNOWN: dict[str, tuple[str, ...]] = {
    "affinity": ("nearest_neighbors", "rbf", "self-tuning", "cosine", "precomputed"),
    "weights": get_args(Weights),
    "mutual": get_args(Mutual),
    "search": get_args(Search),
    "rows": get_args(Rows),
    "assign_labels": get_args(TwoWay),
    "eigen_solver": get_args(Solver),
    "route": get_args(Route),
}


def _numbers(given: Tensor) -> Any:
    """A tensor on the CPU as scikit-learn reads it: an array, or a scipy matrix of a sparse one."""
    if given.dtype == torch.bfloat16:
        given = given.float()
    if given.layout == torch.strided:
        return given.numpy()
    rows = given.to_sparse_csr()
    parts = rows.values(), rows.col_indices(), rows.crow_indices()
    return scipy.sparse.csr_array(tuple(part.numpy() for part in parts), shape=tuple(rows.shape))


def _refuse_negative(weights: Tensor) -> None:
    if len(weights.values()) and float(weights.values().min()) < 0:
        raise ValueError("precomputed weights: expected weights of 0 or more")


class _Input(NamedTuple):
    """What was given, as ``suite_spectral.solving.routes.solve`` takes it.

    Attributes:
        content: points, features or a graph.
        like: the tensor that answers are given like; None for arrays.
    """

    content: Tensor
    like: Tensor | None

    def answer(self, values: Tensor) -> Any:
        """Values as the same kind of thing that was given."""
        return values.to(self.like.device) if self.like is not None else values.cpu().numpy()


@final
class SpectralClustering(ClusterMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Normalised spectral clustering that labels new points too, and says how good its answer is.

    Parameters are called as those of scikit-learn's ``SpectralClustering`` where it has them.

    Args:
        n_clusters: how many clusters; None: as many as the largest relative gap between the eigenvalues says.
        affinity: nearest_neighbors; rbf: Gaussian of all pairs; self-tuning: the same with a scale for each point;
            cosine, for features of 0 or more; precomputed: X is a symmetric matrix of weights, dense or sparse.
        n_neighbors: neighbours of a point, itself counted; None: chosen, with the weights, by a rule without labels.
        weights: of the edges between neighbours: connectivity (1), gaussian or self-tuning.
        mutual: whether one of two points must be a neighbour of the other, both, or the mean of the two weights counts.
        search: how neighbours are found.
        gamma: 1 / (2 sigma^2), another way to give sigma.
        sigma: width of the Gaussian; None: a median distance; "stable" (of rbf): that or a part of it, by a rule
            without labels.
        rows: what k-means sees: plain eigenvectors, njw: rows at unit length, random-walk: divided by sqrt(degree).
        assign_labels: kmeans; for two clusters also sign, median or ncut of the second eigenvector.
        eigen_solver: see ``suite_spectral.eigen.solvers``.
        eigen_tol: of the solver, as a share of the gap; None: its own.
        regularisation: what is added to the degrees, as a share of their mean.
        n_init: starts of k-means.
        largest: most clusters that are chosen where n_clusters is None.
        route: exact, with every point in the graph; landmarks, some points that stand for all, for very many; better,
            both, of which the one of the lower normalised cut. Landmarks are there for nearest_neighbors and rbf.
        landmarks: how many, and at most half of the points.
        memory: GiB that the weights of all pairs may take.
        random_state: of all that is drawn.

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
        affinity: Literal["nearest_neighbors", "rbf", "self-tuning", "cosine", "precomputed"] = "nearest_neighbors",
        n_neighbors: int | None = 10,
        weights: Weights = "connectivity",
        mutual: Mutual = "mean",
        search: Search = "auto",
        gamma: float | None = None,
        sigma: Sigma = None,
        rows: Rows = "random-walk",
        assign_labels: TwoWay = "kmeans",
        eigen_solver: Solver = "auto",
        eigen_tol: float | None = None,
        regularisation: float = 0.0,
        n_init: int = 10,
        largest: int = 20,
        route: Route = "exact",
        landmarks: int = 1000,
        memory: float = 4.0,
        random_state: Any = None,
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
        self.eigen_solver = eigen_solver
        self.eigen_tol = eigen_tol
        self.regularisation = regularisation
        self.n_init = n_init
        self.largest = largest
        self.route = route
        self.landmarks = landmarks
        self.memory = memory
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self.affinity == "precomputed"
        tags.input_tags.positive_only = self.affinity == "cosine"
        return tags

    def fit(self, X: Any, y: Any = None) -> "SpectralClustering":
        """Clusters points.

        Args:
            X: (point, dim) array, scipy sparse matrix or tensor of points; (point, point) weights for precomputed.
            y: nothing; scikit-learn's pipelines give it.

        Raises:
            ValueError: X or a parameter is not what it should be.
        """
        given = self._read(X, reset=True)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        try:
            solution = solve(self._content(given.content), self._settings(), seed=seed)
        except SuiteError as error:
            raise ValueError(f"{error}") from error
        self._keep(given, solution)
        return self

    def predict(self, X: Any) -> Any:
        """The clusters of new points, (query,); a point that was fitted has the label it got then.

        Args:
            X: (query, dim) points; for precomputed the weights between new and fitted points, (query, point).

        Raises:
            ValueError: X is not what it should be.
        """
        given = self._queries(X)
        return given.answer(assign(self._fitted, given.content))

    def embed(self, X: Any) -> Any:
        """The rows of new points in the eigenvectors, (query, vector); see ``predict``."""
        given = self._queries(X)
        return given.answer(embed(self._fitted, given.content))

    def _queries(self, X: Any) -> _Input:
        check_is_fitted(self)
        given = self._read(X, reset=False)
        content = given.content.to(self._fitted.centroids.device)
        if self._fitted.affinity == "precomputed":
            content = content.to_sparse_csr() if content.layout == torch.strided else content
            _refuse_negative(content)
        return given._replace(content=content)

    def _read(self, X: Any, *, reset: bool) -> _Input:
        like = X if isinstance(X, Tensor) else None
        if like is not None and like.device.type != "cpu":
            return _Input(self._checked_on_device(like, reset), like)
        rows: Any = X if like is None else _numbers(like.detach())
        kinds = [np.float64, np.float32]
        rows = validate_data(
            self, rows, accept_sparse="csr", dtype=kinds, reset=reset, ensure_min_samples=2 if reset else 1
        )
        if scipy.sparse.issparse(rows):
            if self.affinity in ("cosine", "precomputed"):
                rows = scipy.sparse.csr_array(rows)
                return _Input(sparse_rows(rows, torch.from_numpy(rows.data[:0]).dtype), like)
            rows = rows.toarray()
        rows = np.ascontiguousarray(rows)
        # Torch cannot share memory that may only be read.
        return _Input(torch.from_numpy(rows if rows.flags.writeable else rows.copy()), like)

    def _checked_on_device(self, points: Tensor, reset: bool) -> Tensor:
        """What scikit-learn checks of arrays, for a tensor that stays where it is."""
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

    def _content(self, content: Tensor) -> Tensor | SparseGraph:
        if self.affinity != "precomputed":
            return content
        if content.shape[0] != content.shape[1]:
            raise ValueError(f"precomputed weights: expected a square matrix, got shape {tuple(content.shape)}")
        matrix = content.double()
        if matrix.layout == torch.strided:
            matrix = matrix.to_sparse_csr()
        if matrix.device.type != "cpu":
            return SparseGraph(matrix)
        graph = SparseGraph(matrix)
        difference = abs(graph.scipy() - graph.scipy().T)
        if difference.nnz and difference.max() > 1e-8 * abs(graph.scipy()).max():
            raise ValueError("precomputed weights: expected a symmetric matrix; (W + W') / 2 is one")
        _refuse_negative(matrix)
        return SparseGraph.from_scipy((graph.scipy() + graph.scipy().T) / 2)

    def _settings(self) -> Settings:
        if self.gamma is not None and self.sigma is not None:
            raise ValueError("give gamma or sigma, not both: gamma = 1 / (2 sigma^2)")
        for name in ("gamma", "sigma", "eigen_tol"):
            value = getattr(self, name)
            if value is None or (name == "sigma" and isinstance(value, str) and value == "stable"):
                continue
            if not isinstance(value, Real) or not float(value) > 0:
                raise ValueError(f"{name}: expected a number above 0, got {value!r}")
        for name, least in (("n_clusters", 1), ("n_neighbors", 2), ("largest", 2), ("landmarks", 2)):
            value = getattr(self, name)
            if value is None and name in ("n_clusters", "n_neighbors"):
                continue
            if not isinstance(value, Integral) or value < least:
                raise ValueError(f"{name}: expected a whole number of {least} or more, got {value!r}")
        for name, known in _KNOWN.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name}: expected one of {', '.join(known)}, got {getattr(self, name)!r}")
        affinity: Affinity = self.affinity
        return Settings(
            n_clusters=None if self.n_clusters is None else int(self.n_clusters),
            affinity=affinity,
            n_neighbors=None if self.n_neighbors is None else int(self.n_neighbors),
            weights=self.weights,
            mutual=self.mutual,
            search=self.search,
            sigma=self.sigma if self.gamma is None else (2 * self.gamma) ** -0.5,
            rows=self.rows,
            assign=self.assign_labels,
            solver=self.eigen_solver,
            regularisation=self.regularisation,
            n_init=self.n_init,
            largest=int(self.largest),
            route=self.route,
            landmarks=int(self.landmarks),
            memory=self.memory,
            tolerance=self.eigen_tol,
            radius=1.0,  # of pixels, which come through the module alone
            sigma_color=1.0,
            sigma_position=1.0,
        )

    def _keep(self, given: _Input, solution: Solution) -> None:
        found = solution.clustering
        self._fitted = solution.fitted
        self.labels_ = given.answer(solution.fitted.labels)
        self.n_clusters_ = solution.fitted.n_clusters
        self.eigenvalues_ = given.answer(solution.fitted.eigenvalues)
        self.embedding_ = given.answer(found.rows)
        self.ncut_ = found.ncut
        self.lower_bound_ = found.lower_bound
        self.n_components_ = found.n_components
        self.report_ = solution.line

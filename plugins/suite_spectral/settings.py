"""How something is clustered: every choice in one record, and which of them cannot be.

The Lightning module and the scikit-learn estimator both make a ``Settings`` of what they were given.
"""

from dataclasses import dataclass
from typing import Literal

from lightning_suite.errors import UsageError
from suite_spectral.clusters.labelling import TwoWay
from suite_spectral.eigen.row_scaling import Rows
from suite_spectral.eigen.solvers import Solver
from suite_spectral.graphs.neighbour_graph import Mutual, Weights
from suite_spectral.graphs.neighbours import Search

Affinity = Literal["nearest_neighbors", "rbf", "self-tuning", "cosine", "precomputed", "pixels"]
Kind = Literal["points", "texts", "graph", "image"]
Route = Literal["exact", "landmarks", "better"]
Sigma = float | Literal["stable"] | None

FOR_KIND: dict[Kind, Affinity] = {
    "points": "nearest_neighbors",
    "texts": "cosine",
    "graph": "precomputed",
    "image": "pixels",
}
"""The similarity that each kind of data is clustered by when none is asked for."""

WITH_LANDMARKS: tuple[Affinity, ...] = ("nearest_neighbors", "rbf")
"""The similarities that landmarks can stand in for."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How something is clustered; see ``suite_spectral.module.SpectralClusterer`` for each."""

    n_clusters: int | None
    affinity: Affinity
    n_neighbors: int | None
    weights: Weights
    mutual: Mutual
    search: Search
    sigma: Sigma
    rows: Rows
    assign: TwoWay
    solver: Solver
    regularisation: float
    n_init: int
    largest: int
    route: Route
    landmarks: int
    memory: float
    tolerance: float | None
    radius: float
    sigma_color: float
    sigma_position: float


def refuse_impossible(settings: Settings, n: int) -> None:
    """Refuses settings that no data, or not so many points, can be clustered with.

    Raises:
        UsageError: it is so.
    """
    wanted = settings.n_clusters
    if wanted is not None and wanted < 1:
        raise UsageError(f"n_clusters: expected 1 or more, or none for as many as the eigengap says, got {wanted}")
    if wanted is not None and wanted > n:
        raise UsageError(f"n_clusters: {wanted} clusters were asked for, and there are {n:,} points")
    if n < 2:
        raise UsageError(f"expected at least 2 points to cluster, got n_samples = {n}")
    if settings.assign != "kmeans" and wanted not in (None, 2):
        raise UsageError(f"assign {settings.assign!r} makes 2 clusters of the second eigenvector, not {wanted}")
    refuse_stable_sigma(settings.sigma, settings.affinity)
    if settings.route != "exact":
        _refuse_landmarks(settings)


def refuse_stable_sigma(sigma: Sigma, affinity: str) -> None:
    """Refuses a sigma by the rule where the similarity is not the Gaussian of all pairs.

    Raises:
        UsageError: it is so.
    """
    if sigma == "stable" and affinity != "rbf":
        raise UsageError(
            f"sigma 'stable' is chosen for the affinity rbf, not for {affinity!r}; there give a number or none. "
            "The number of neighbours is chosen where n_neighbors is none"
        )


def _refuse_landmarks(settings: Settings) -> None:
    route, affinity, wanted = settings.route, settings.affinity, settings.n_clusters
    if affinity not in WITH_LANDMARKS:
        raise UsageError(
            f"route {route!r}: landmarks are for the affinities {' and '.join(WITH_LANDMARKS)}, not {affinity!r}; "
            "take route 'exact'"
        )
    if settings.landmarks < (wanted or 2):
        raise UsageError(f"landmarks: expected at least {wanted or 2}, as many as clusters, got {settings.landmarks}")
    if affinity == "rbf" and settings.assign != "kmeans":
        raise UsageError(
            f"route {route!r}: assign {settings.assign!r} needs the degrees of all points, which landmarks do not give "
            "for rbf; take assign 'kmeans' or route 'exact'"
        )

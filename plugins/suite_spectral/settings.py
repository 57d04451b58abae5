"""How something is clustered: each choice once, with its default, its range and its meaning.

The Lightning module, the scikit-learn estimator and the commands take all of these from here. Nothing heavy is
imported, so that the help of a command is quick.
"""

from dataclasses import dataclass, replace
from typing import Literal

from lightning_suite.constraints import Interval, check
from lightning_suite.errors import UsageError
from lightning_suite.setting import constraints_of, setting

Affinity = Literal["nearest_neighbors", "rbf", "self-tuning", "cosine", "precomputed", "pixels"]
Kind = Literal["points", "texts", "graph", "image"]
Weights = Literal["connectivity", "gaussian", "self-tuning"]
Mutual = Literal["either", "both", "mean"]
Search = Literal["auto", "tree", "blocked", "approximate"]
Sigma = float | Literal["stable"] | None
RowScaling = Literal["plain", "njw", "random-walk"]
TwoWay = Literal["kmeans", "sign", "median", "ncut"]
Assign = Literal["kmeans", "discretize", "cluster_qr", "sign", "median", "ncut"]
Refine = Literal["ncut"]
Solver = Literal["auto", "dense", "multilevel", "matrix-free", "chebyshev", "filtered", "arpack", "lobpcg"]
Route = Literal["exact", "landmarks", "best_of"]

FOR_KIND: dict[Kind, Affinity] = {
    "points": "nearest_neighbors",
    "texts": "cosine",
    "graph": "precomputed",
    "image": "pixels",
}
"""The affinity by which each kind of data is clustered when none is asked for."""

POSITIVE = Interval(float, 0, closed="neither")

TWO_WAY = ("sign", "median", "ncut")
"""Ways to assign that divide by the second eigenvector, into two clusters."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How something is clustered.

    Raises:
        UsageError: a value is out of its range.

    Example:
        >>> Settings(n_clusters=3).n_neighbors
        10
    """

    n_clusters: int | None = setting(
        None,
        Interval(int, 1),
        meaning="how many clusters; null: as many as the largest relative gap between the eigenvalues says.",
    )
    affinity: Affinity = setting(
        "nearest_neighbors",
        meaning="similarity of points: of nearest neighbours, Gaussian of all pairs (rbf), the same with a scale of "
        "its own for each point (self-tuning), cosine, of pixels, or a graph as it is given (precomputed).",
    )
    n_neighbors: int | None = setting(
        10,
        Interval(int, 2),
        meaning="neighbours of a point, itself counted; null: chosen, with the weights, by a rule without labels.",
    )
    weights: Weights = setting(
        "connectivity",
        meaning="of the edges between neighbours: 1 (connectivity), Gaussian, or Gaussian with a scale for each point.",
    )
    mutual: Mutual = setting(
        "mean",
        meaning="an edge is there when one of two points is a neighbour of the other (either), both are of each other "
        "(both), or with the mean of the two weights (mean).",
    )
    search: Search = setting(
        "auto", meaning="how neighbours are found; auto: by the number and the dimension of the points."
    )
    sigma: Sigma = setting(
        None,
        POSITIVE,
        meaning="width of the Gaussian, in the units of the points; null: a median distance; stable (of rbf): the "
        "median distance or a part of it, by a rule without labels.",
    )
    radius: float = setting(5.0, POSITIVE, meaning="of pixels, the largest distance between two that have an edge.")
    sigma_color: float = setting(
        0.1, POSITIVE, meaning="of pixels, width of the Gaussian of their channels; 1 is black against white."
    )
    sigma_position: float = setting(
        4.0, POSITIVE, meaning="of pixels, width of the Gaussian of their positions, in pixels."
    )
    rows: RowScaling = setting(
        "random-walk",
        meaning="what k-means sees of the eigenvectors: their rows (plain), these at unit length (njw), or divided by "
        "the root of the degree (random-walk).",
    )
    assign: Assign = setting(
        "kmeans",
        meaning="k-means on all rows; the rotation of the rows nearest to one vector a cluster, found step by step "
        "(discretize) or by a QR decomposition (cluster_qr); or two clusters by the second eigenvector's sign, median, "
        "or least normalised cut.",
    )
    refine: Refine | None = setting(
        None,
        meaning="ncut: afterwards single points move to the cluster of a neighbour while that lowers the normalised "
        "cut, where the graph stores its edges; null: they stay.",
    )
    n_components: int | None = setting(
        None, Interval(int, 1), meaning="how many eigenvectors the rows have; null: as many as clusters."
    )
    solver: Solver = setting(
        "auto", meaning="of the eigenvectors; auto: by the size of the graph and whether its edges are stored."
    )
    tolerance: float | None = setting(
        None, POSITIVE, meaning="of the solver, as a share of what it computes; null: its own."
    )
    regularisation: float | None = setting(
        0.0,
        Interval(float, 0),
        meaning="what is added to the degrees, as a share of the mean degree; null, of a given graph: chosen, with the "
        "rows, by the largest modularity.",
    )
    n_init: int = setting(10, Interval(int, 1), meaning="starts of k-means.")
    max_clusters: int = setting(20, Interval(int, 2), meaning="most clusters that are chosen where n_clusters is null.")
    route: Route = setting(
        "exact",
        meaning="exact, with every point in the graph; landmarks, some points that stand for all, for very many; "
        "best_of, both, and the answer of the lower normalised cut. Landmarks work with nearest_neighbors and "
        "rbf.",
    )
    landmarks: int = setting(1000, Interval(int, 2), meaning="how many landmarks, and at most half of the points.")
    memory_gib: float = setting(
        4.0,
        POSITIVE,
        meaning="GiB that the weights of all pairs may take; beyond it they are computed again for every product.",
    )

    def __post_init__(self) -> None:
        check(constraints_of(Settings), vars(self))

    @property
    def known_clusters(self) -> int | None:
        """The number of clusters; 2 where the second eigenvector divides; None where the eigenvalues say how many."""
        return 2 if self.n_clusters is None and self.by_second else self.n_clusters

    @property
    def by_second(self) -> bool:
        """Whether the second eigenvector alone divides."""
        return self.assign in TWO_WAY


DEFAULTS = Settings()

SEGMENTATION = replace(DEFAULTS, affinity="pixels", radius=10.0, sigma_color=0.05, sigma_position=100.0)
"""How ``suite segment`` cuts an image: one choice for all images, made by agreement with people's segmentations of
eight photographs (BSDS). The radius is large against the image, else even areas are divided for no visible reason."""


SEGMENT_SIZE = 160
"""Longer side at which an image is cut: 160 x 107 pixels take some two seconds of a processor, without the imports."""


def refuse_contradictions(
    affinity: str,
    assign: Assign,
    sigma: Sigma,
    n_clusters: int | None,
    n_components: int | None = None,
    refine: Refine | None = None,
    where: str = "",
) -> None:
    """Refuse settings that contradict each other whatever the data are.

    Raises:
        UsageError: sigma is to be chosen for an affinity without such a rule, two clusters are not asked for where the
            way of assigning makes two, as many vectors as clusters where it makes as many, or points are to move along
            edges that are not stored.
    """
    if sigma == "stable" and affinity != "rbf":
        raise UsageError(
            f"{where}sigma 'stable' is chosen for the affinity rbf, not for {affinity!r}; there give a number or none. "
            "The number of neighbours is chosen where n_neighbors is none"
        )
    if assign in TWO_WAY and n_clusters not in (None, 2):
        raise UsageError(
            f"{where}assign {assign!r} divides by the second eigenvector: it needs {where}n_clusters 2, "
            f"got {n_clusters}"
        )
    if assign in ("discretize", "cluster_qr") and n_components not in (None, n_clusters):
        raise UsageError(
            f"{where}assign {assign!r} makes as many clusters as there are vectors: leave {where}n_components out, "
            f"or take kmeans; got {n_components} vectors for {n_clusters} clusters"
        )
    if refine is not None and affinity in ("rbf", "self-tuning", "cosine"):
        raise UsageError(
            f"{where}refine {refine!r} moves points along edges that are stored: expected an affinity of neighbours or "
            f"pixels, or a graph that is given, got {affinity!r}"
        )

"""Fitted clusters as the first release stored them: twelve tensors whose meaning changed with the affinity."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from suite_spectral.graphs.affinity import OutOfSampleWeights
from suite_spectral.graphs.cosine import CosineWeights
from suite_spectral.graphs.gaussian_affinity import GaussianLandmarkWeights, GaussianWeights
from suite_spectral.graphs.landmark_graph import LandmarkWeights, MixtureWeights
from suite_spectral.graphs.nearest_neighbours import NeighbourWeights
from suite_spectral.graphs.pixels import PixelWeights
from suite_spectral.graphs.precomputed import EdgeWeights
from suite_spectral.new_points.by_landmarks import ByLandmarks
from suite_spectral.new_points.extension import Extension
from suite_spectral.new_points.fitted import Fitted
from suite_spectral.new_points.nystroem import Nystroem
from suite_spectral.settings import RowScaling, Weights

NAMES = (
    "points",
    "table",
    "values",
    "eigenvalues",
    "centroids",
    "groups",
    "labels",
    "scale",
    "total",
    "added",
    "codes",
)
"""The tensors beside ``choices``: (6,) int64, positions in the tuples below, and numbers."""

AFFINITIES = ("nearest_neighbors", "rbf", "self-tuning", "cosine", "precomputed", "pixels")
WEIGHTS: tuple[Weights, ...] = ("connectivity", "gaussian", "self-tuning")
ROWS: tuple[RowScaling, ...] = ("plain", "njw", "random-walk")


def is_of_previous_release(state: Mapping[str, Tensor]) -> bool:
    """Return whether the first release has stored this state."""
    return "choices" in state


def read_previous_release(state: Mapping[str, Tensor]) -> Fitted | None:
    """Return the fitted clusters that the first release has stored; None where nothing was fitted.

    Raises:
        KeyError: something is missing.
    """
    old = {name: state[name] for name in NAMES}
    if not len(old["centroids"]):
        return None
    affinity, n_neighbors, edges, rows, by_landmarks, nearest = state["choices"].tolist()
    extension = (
        _by_landmarks(old, nearest)
        if by_landmarks
        else Nystroem(
            _weights(old, AFFINITIES[affinity], n_neighbors, WEIGHTS[edges]), old["table"], old["values"], old["added"]
        )
    )
    return Fitted(
        AFFINITIES[affinity],
        ROWS[rows],
        labels=old["labels"],
        centroids=old["centroids"],
        groups=old["groups"],
        eigenvalues=old["eigenvalues"],
        extension=extension,
        chosen=_chosen(old["scale"], AFFINITIES[affinity], n_neighbors, WEIGHTS[edges], bool(by_landmarks)),
    )


def _weights(old: Mapping[str, Tensor], affinity: str, n_neighbors: int, edges: Weights) -> OutOfSampleWeights:
    points, scale = old["points"], old["scale"]
    make: dict[str, Callable[[], OutOfSampleWeights]] = {
        "nearest_neighbors": lambda: NeighbourWeights(
            points,
            n_neighbors,
            edges,
            None if edges == "connectivity" else float(scale[0]) if edges == "gaussian" else scale,
        ),
        "rbf": lambda: GaussianWeights(points, float(scale[0])),
        "self-tuning": lambda: GaussianWeights(points, scale),
        "cosine": lambda: CosineWeights(old["total"], old["codes"]),
        "precomputed": lambda: EdgeWeights(old["codes"]),
        "pixels": lambda: PixelWeights(points, float(scale[1]), float(scale[2])),
    }
    return make[affinity]()


def _by_landmarks(old: Mapping[str, Tensor], nearest: int) -> Extension:
    width, sigma, table = len(old["values"]), float(old["scale"][0]), old["table"]
    weights: LandmarkWeights = (
        MixtureWeights(old["points"], sigma, nearest) if nearest else GaussianLandmarkWeights(old["points"], sigma)
    )
    return ByLandmarks(weights, table[:, :width].clone(), table[:, -1].clone(), table[:, width:-1].clone())


def _chosen(scale: Tensor, affinity: str, n_neighbors: int, edges: Weights, by_landmarks: bool) -> dict[str, Any]:
    """Return the settings of the graph of all points, whose sigma stands behind that of the landmarks."""
    chosen: dict[str, Any] = {"n_neighbors": n_neighbors, "weights": edges} if n_neighbors else {}
    if edges == "gaussian" and len(scale) > by_landmarks:
        chosen["sigma"] = float(scale[-1])
    return chosen if affinity in ("nearest_neighbors", "rbf") else {}

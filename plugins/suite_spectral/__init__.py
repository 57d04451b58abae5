"""Normalised spectral clustering: k-means on the eigenvectors of a graph of the points.

The edge between two points x_i and x_j weighs as much as they are similar, by the Gaussian kernel

    w_ij = exp(-|x_i - x_j|^2 / (2 sigma^2)),

by nearest neighbours, by angles, or as a graph has it. With the degrees d_i = sum_j w_ij, D = diag(d) and the
normalised Laplacian

    L = D^-1/2 (D - W) D^-1/2,

the normalised cut of clusters A_1, ..., A_k,

    Ncut = sum_i W(A_i, rest) / vol(A_i) = trace(H' L H),     H_ji = sqrt(d_j / vol(A_i)) for j in A_i, else 0,

would be least for the clusters that are best. That is hard to find, but over all H with orthonormal columns the least
trace is lambda_1 + ... + lambda_k, the sum of the k smallest eigenvalues (Ky Fan), at their eigenvectors U: a lower
bound of every normalised cut. k-means on the rows of U, one a point, gives clusters. A new point is labelled by
Nyström's formula, f(x) = 1 / (1 - lambda) sum_j w(x, x_j) f_j / d(x) with f = D^-1/2 u.

    from suite_spectral import SpectralClustering

    labels = SpectralClustering(n_clusters=2).fit_predict(points)

Aparajita Khan: "Spectral Clustering", lecture, Indian Statistical Institute, 2020. Andrew Ng, Michael Jordan, Yair
Weiss: "On Spectral Clustering: Analysis and an Algorithm", NIPS 2002. Jianbo Shi, Jitendra Malik: "Normalized Cuts and
Image Segmentation", PAMI 2000. Ulrike von Luxburg: "A Tutorial on Spectral Clustering", 2007, arXiv:0711.0189.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lightning_suite.plugin import Plugin

if TYPE_CHECKING:
    from suite_spectral.data import ClusterData as ClusterData
    from suite_spectral.embedding import SpectralEmbedding as SpectralEmbedding
    from suite_spectral.embedding import spectral_embedding as spectral_embedding
    from suite_spectral.estimator import SpectralClustering as SpectralClustering
    from suite_spectral.estimator import spectral_clustering as spectral_clustering
    from suite_spectral.module import SpectralClusterer as SpectralClusterer
    from suite_spectral.network import FittedClusters as FittedClusters

__all__ = [
    "ClusterData",
    "FittedClusters",
    "SpectralClusterer",
    "SpectralClustering",
    "SpectralEmbedding",
    "plugin",
    "spectral_clustering",
    "spectral_embedding",
]

_PLACES = {
    "ClusterData": "data",
    "FittedClusters": "network",
    "SpectralClusterer": "module",
    "SpectralClustering": "estimator",
    "SpectralEmbedding": "embedding",
    "spectral_clustering": "estimator",
    "spectral_embedding": "embedding",
}
"""In which file the names are that others import."""

plugin = Plugin(
    name="spectral",
    summary="Normalised spectral clustering of points, texts, images and graphs",
    module="suite_spectral.module:SpectralClusterer",
    data="suite_spectral.data:ClusterData",
    recipes="suite_spectral:recipes",
    reproductions="suite_spectral:reproductions",
    commands={
        "compare": "suite_spectral.studies:compare",
        "segment": "suite_spectral.studies:segment",
        "eigen": "suite_spectral.studies:eigen",
    },
    renamed={
        "model.largest": "model.max_clusters",
        "model.memory": "model.memory_gib",
        "model.route=better": "model.route=best_of",
    },
    paper="Khan (2020), lecture; Ng, Jordan, Weiss (2002); Shi, Malik (2000); von Luxburg (2007), arXiv:0711.0189",
    extra="spectral",
    api=1,
)


def __getattr__(name: str) -> Any:
    """The estimators and functions, imported when they are asked for: the record must be cheap to read."""
    if name in _PLACES:
        return getattr(import_module(f"suite_spectral.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

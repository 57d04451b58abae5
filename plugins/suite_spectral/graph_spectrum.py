"""More eigenvalues of a graph than its clustering needed, and the points by their eigenvectors."""

from torch import Tensor

from suite_spectral.clusters.clustering import without_loose
from suite_spectral.clusters.labelling import scaled_rows
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.spectrum import Spectrum, spectrum
from suite_spectral.graphs.graph import Graph, Progress, SparseGraph
from suite_spectral.pictures.scatter import plane
from suite_spectral.settings import Settings
from suite_spectral.solving.building import graph_by


def graph_spectrum(
    content: Tensor | SparseGraph, settings: Settings, count: int, *, seed: int, progress: Progress
) -> tuple[Graph, Tensor, Spectrum]:
    """Return the graph of what was clustered, the roots of its degrees, and its eigenvalues without loose components.

    Args:
        content: points or a graph.
        settings: how the graph is built.
        count: how many eigenvalues, at most one less than there are points.
        seed: of all that is drawn.
        progress: is called with words for what is being done.
    """
    progress("graph")
    graph = graph_by(settings, content, seed=seed)
    whole = Laplacian(graph, settings.regularisation or 0.0)
    laplacian, core = without_loose(whole, settings)
    smallest = spectrum(laplacian, min(count, laplacian.n - 1), solver=settings.solver, seed=seed, progress=progress)
    return graph, whole.root, smallest if core is None else smallest.among(core, whole.components)


def plane_of_rows(eigen: Spectrum, root: Tensor, n_clusters: int) -> tuple[Tensor, tuple[str, str]]:
    """Return the rows of the eigenvectors in the plane, (point, 2), and the names of the axes.

    Of two clusters only the second eigenvector says anything: the third is shown beside it. Of more, the rows are
    shown at unit length, for a small cluster lies so far out that it would press all others together.
    """
    if n_clusters == 2 and eigen.vectors.shape[1] > 2:
        scaled = scaled_rows(eigen.vectors[:, :3], root, "random-walk")
        return scaled[:, 1:3], ("eigenvector 2, divided by the root of the degree", "eigenvector 3, likewise")
    scaled = scaled_rows(eigen.vectors[:, :n_clusters], root, "njw")
    name = f"principal component 1 of the rows of {n_clusters} eigenvectors, at unit length"
    return plane(scaled), (name, "principal component 2")

"""The affinities by name."""

from suite_spectral.graphs.affinity import Affinity
from suite_spectral.graphs.cosine import Cosine
from suite_spectral.graphs.gaussian import Gaussian, SelfTuning
from suite_spectral.graphs.neighbour_graph import NearestNeighbours
from suite_spectral.graphs.pixels import Pixels
from suite_spectral.graphs.precomputed import Precomputed

AFFINITIES: dict[str, type[Affinity]] = {
    affinity.name: affinity for affinity in (NearestNeighbours, Gaussian, SelfTuning, Cosine, Precomputed, Pixels)
}

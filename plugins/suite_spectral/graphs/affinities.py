"""The affinities by name."""

from suite_spectral.graphs.affinity import Affinity
from suite_spectral.graphs.cosine import Cosine
from suite_spectral.graphs.gaussian import Gaussian, SelfTuning
from suite_spectral.graphs.given import Given
from suite_spectral.graphs.neighbour_graph import NearestNeighbours
from suite_spectral.graphs.pixels import Pixels

AFFINITIES: dict[str, type[Affinity]] = {
    affinity.name: affinity for affinity in (NearestNeighbours, Gaussian, SelfTuning, Cosine, Given, Pixels)
}

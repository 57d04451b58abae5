"""The affinities by name."""

from suite_spectral.graphs.affinity import Affinity
from suite_spectral.graphs.cosine import Cosine
from suite_spectral.graphs.gaussian_affinity import Gaussian, SelfTuning
from suite_spectral.graphs.nearest_neighbours import NearestNeighbours
from suite_spectral.graphs.pixels import Pixels
from suite_spectral.graphs.precomputed import Precomputed

AFFINITIES: dict[str, type[Affinity]] = {
    affinity.name: affinity for affinity in (NearestNeighbours, Gaussian, SelfTuning, Cosine, Precomputed, Pixels)
}

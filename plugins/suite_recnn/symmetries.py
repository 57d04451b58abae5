"""Changes to jets that physics does not see: made at random in training, they stand for more jets.

All need jets that are centred (`suite_recnn.preprocessing`), so that the jet's axis is the x axis.
"""

from itertools import product

import torch
from torch import Tensor

from suite_recnn.forests import FEATURES, JetBatch
from suite_recnn.lund import LUND_FEATURES

P, ETA, PHI, PT, THETA = (FEATURES.index(name) for name in ("p", "eta", "phi", "pt", "theta"))
COS_PSI, SIN_PSI = (len(FEATURES) + LUND_FEATURES.index(name) for name in ("cos_psi", "sin_psi"))


def mirrored(batch: JetBatch) -> JetBatch:
    """Return the jets, each mirrored at random in eta, in phi, in both or in neither.

    A mirrored eta exchanges the two proton beams, which are alike.
    """
    nodes = batch.offsets.diff()
    sides = torch.randint(0, 2, (len(nodes), 2), device=nodes.device) * 2.0 - 1.0
    return _mirror(batch, *sides.repeat_interleave(nodes, dim=0, output_size=len(batch.features)).unbind(1))


def mirror_images(batch: JetBatch) -> list[JetBatch]:
    """Return the jets as they are, mirrored in phi, in eta, and in both."""
    return [_mirror(batch, eta, phi) for eta, phi in product((1.0, -1.0), repeat=2)]


def _mirror(batch: JetBatch, eta: Tensor | float, phi: Tensor | float) -> JetBatch:
    """Return the jets with eta and phi times 1 or -1, that of each node (node,) or of all."""
    features = batch.features.clone()
    features[:, ETA] *= eta
    features[:, PHI] *= phi
    features[:, THETA] = torch.pi / 2 + (features[:, THETA] - torch.pi / 2) * eta
    if features.shape[1] > SIN_PSI:
        features[:, COS_PSI] *= phi
        features[:, SIN_PSI] *= eta
    return batch._replace(features=features)


def turned(batch: JetBatch) -> JetBatch:
    """Return the jets, each turned about its axis by a random angle.

    What decays or radiates does not know the direction of the beam; only the underlying event and the colours that
    connect a jet with the beams do. The trees stay as they are, and so do Delta, kt and z of their splittings, which
    the turn changes by less than (1 - 1/cosh 0.8) = 25 % at the jet's edge, and not at all near its axis.
    """
    nodes = batch.offsets.diff()
    angles = torch.rand(len(nodes), device=nodes.device) * (2 * torch.pi)
    cos, sin = (
        values.repeat_interleave(nodes, output_size=len(batch.features)) for values in (angles.cos(), angles.sin())
    )
    features = batch.features.clone()
    eta, phi = features[:, ETA], features[:, PHI]
    across = 1 / eta.cosh()
    x, (y, z) = across * phi.cos(), _turned(across * phi.sin(), eta.tanh(), cos, sin)
    z = z.clamp(-LARGEST, LARGEST)
    features[:, ETA], features[:, PHI], features[:, THETA] = z.atanh(), torch.atan2(y, x), z.acos()
    features[:, PT] = features[:, P] * (1 - z * z).sqrt()
    if features.shape[1] > SIN_PSI:
        features[:, COS_PSI], features[:, SIN_PSI] = _turned(features[:, COS_PSI], features[:, SIN_PSI], cos, sin)
    return batch._replace(features=features)


LARGEST = 1 - 1e-7
"""The largest cosine of an angle to the beam: eta is then 8."""


def _turned(x: Tensor, y: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    return cos * x - sin * y, sin * x + cos * y

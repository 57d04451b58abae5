"""What the networks see of a batch of jets: its nodes, its hardest constituents, or its images (appendix C)."""

from typing import Protocol

import torch
from torch import Tensor

from lightning_suite.ragged import segments

LOG_MASS = 7
"""The feature ln(mass), with a small mass added."""
HARDEST = 30
"""The number of constituents that FCN and LSTM see (appendix C)."""
MOMENTUM = (5, 1, 2, 3)
"""The features that make a four-momentum: pt, eta, phi, E."""
PIXELS = 37
"""The number of pixels of a jet image along eta and along phi (appendix C)."""


def hardest_momenta(batch: "Batch", scaled: Tensor) -> tuple[Tensor, Tensor]:
    """Return scaled (pt, eta, phi, E) of the hardest constituents, (jet, 30, 4), and their number, (jet,).

    Where there are fewer than 30 the rest is zero.
    """
    lengths = batch.leaf_counts().clamp_max(HARDEST)
    rank = torch.arange(HARDEST, device=scaled.device)
    exists = rank < lengths[:, None]  # jet 30
    rows = torch.where(exists, batch.offsets[:-1, None] + rank, 0)
    return torch.where(exists[..., None], scaled[rows][..., list(MOMENTUM)], 0.0), lengths


def images(batch: "Batch", radius: float) -> Tensor:
    """Return jet images, (jet, eta pixel, phi pixel): the constituents' shares of the jet's pt, around its axis.

    Args:
        batch: of jets.
        radius: half the side of the image; constituents outside are left out.
    """
    jets, nodes = batch.offsets.shape[0] - 1, batch.features.shape[0]
    owner = segments(batch.offsets, nodes)
    axis = batch.features[batch.roots()][owner]
    constituents = batch.features
    eta = constituents[:, 1] - axis[:, 1]
    phi = torch.remainder(constituents[:, 2] - axis[:, 2] + torch.pi, 2 * torch.pi) - torch.pi
    row = ((eta + radius) * (PIXELS / (2 * radius))).floor().long()
    column = ((phi + radius) * (PIXELS / (2 * radius))).floor().long()
    seen = (row >= 0) & (row < PIXELS) & (column >= 0) & (column < PIXELS) & (batch.children[:, 0] < 0)
    pixel = torch.where(seen, (owner * PIXELS + row) * PIXELS + column, 0)
    share = constituents[:, 5] / axis[:, 5].clamp_min(torch.finfo(axis.dtype).tiny)
    flat = share.new_zeros(jets * PIXELS * PIXELS)
    # What is not seen adds zeros to the first pixel, for all sizes are then those of the batch.
    return flat.index_add(0, pixel, torch.where(seen, share, 0.0)).reshape(jets, PIXELS, PIXELS)


class Batch(Protocol):
    """The input of a network, such as `suite_recnn.forests.JetBatch`."""

    @property
    def features(self) -> Tensor:
        """(node, feature)."""

    @property
    def children(self) -> Tensor:
        """(node, 2)."""

    @property
    def offsets(self) -> Tensor:
        """(jet + 1,)."""

    def roots(self) -> Tensor:
        """(jet,)."""

    def leaf_counts(self) -> Tensor:
        """(jet,)."""


def mass_waves(batch: Batch, count: int) -> Tensor:
    """Return cos(w ln m), sin(w ln m) of each inner node's mass m, w = 2, 4, 8, ...; leaves have 0: (node, 2 * count).

    ln m ranges over 8, and the peak of a W or a top quark is a tenth wide: too narrow for a small network to cut out of
    ln m itself. Several frequencies say where it is as several hands of a clock do (Tancik et al.: "Fourier Features
    Let Networks Learn High Frequency Functions", 2020, arXiv:2006.10739). A particle's mass would only name its kind.
    """
    frequencies = 2.0 ** torch.arange(1, count + 1, dtype=batch.features.dtype, device=batch.features.device)
    phases = batch.features[:, LOG_MASS, None] * frequencies
    splits = batch.children[:, :1] >= 0
    return torch.cat([phases.cos(), phases.sin()], dim=1) * splits

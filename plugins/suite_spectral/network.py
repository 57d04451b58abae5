"""The fitted clusters as a network without weights to learn: buffers, and the labels of new points from them."""

from typing import Any, final

import torch
from torch import Tensor, nn

from suite_spectral.new_points.fitted import Fitted, assign, embed, empty


@final
class FittedClusters(nn.Module):
    """Labels points by the clusters of others (``suite_spectral.new_points.fitted``).

    It holds a ``Fitted``, each of its tensors as a buffer of the same name. Their sizes are known only when something
    was fitted: until then they are empty, and ``load_state_dict`` takes any.
    """

    def __init__(self) -> None:
        super().__init__()
        for name, value in empty()._asdict().items():
            self.register_buffer(name, value)

    @property
    def fitted(self) -> Fitted:
        """What is known of the fitted points."""
        return Fitted(**{name: self.get_buffer(name) for name in Fitted._fields})

    @property
    def is_fitted(self) -> bool:
        """Whether there are clusters."""
        return len(self.get_buffer("centroids")) > 0

    @property
    def fitted_labels(self) -> Tensor:
        """The clusters of the fitted points, (point,) int64."""
        return self.get_buffer("labels")

    def take(self, fitted: Fitted) -> None:
        """Keeps what was fitted, on the device where this network is."""
        device = self.get_buffer("choices").device
        for name, value in fitted._asdict().items():
            self.register_buffer(name, value.to(device))

    def forward(self, content: Tensor) -> Tensor:
        """The clusters of points, (query,) int64; for a given graph of the weights to the fitted points (``embed``)."""
        with torch.autocast(content.device.type, enabled=False):
            return assign(self.fitted, content)

    def embed(self, content: Tensor) -> Tensor:
        """The rows of points, (query, vector) float64, see ``suite_spectral.new_points.fitted.embed``."""
        with torch.autocast(content.device.type, enabled=False):
            return embed(self.fitted, content)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        self.fit_sizes({name: value for name in Fitted._fields if (value := state_dict.get(prefix + name)) is not None})
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def fit_sizes(self, tensors: dict[str, Tensor]) -> None:
        """Makes room for tensors by the names of buffers: of their shapes and types, with zeros in them."""
        for name, value in tensors.items():
            own = self.get_buffer(name)
            if own.shape != value.shape or own.dtype != value.dtype:
                self.register_buffer(name, torch.zeros(value.shape, dtype=value.dtype, device=own.device))

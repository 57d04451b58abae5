"""The fitted clusters as a network without weights to learn: buffers, and the labels of new points from them."""

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor, nn

from suite_spectral.new_points.fitted import Fitted
from suite_spectral.new_points.previous_release import is_of_previous_release, read_previous_release

ALWAYS = {"labels": torch.int64, "centroids": torch.float64, "groups": torch.int64, "eigenvalues": torch.float64}
"""Buffers that exist before anything was fitted, empty."""


def _current(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the buffers of a stored network as this release has them, whichever release has stored them.

    Raises:
        KeyError: something is missing.
    """
    if is_of_previous_release(state):
        fitted = read_previous_release(state)
        return _nothing() if fitted is None else fitted.state()
    known = {name: state[name] for name in ALWAYS}
    return Fitted.from_state(state).state() if len(known["centroids"]) else known


def _nothing() -> dict[str, Tensor]:
    return {name: torch.empty((0, 0) if name == "centroids" else 0, dtype=dtype) for name, dtype in ALWAYS.items()}


@final
class FittedClusters(nn.Module):
    """Labels points by the clusters of others (``suite_spectral.new_points.fitted``).

    It holds the state of a ``Fitted``, each of its tensors as a buffer of the same name. Their names and sizes are
    known only after a fit: before, there are the few of ``ALWAYS``, empty, and ``load_state_dict`` accepts any.

    Example:
        >>> from suite_spectral.settings import Settings
        >>> from suite_spectral.solving.routes import solve
        >>> points = torch.tensor([[0.0, 0], [0, 1], [1, 0], [9, 9], [9, 8], [8, 9]])
        >>> network = FittedClusters()
        >>> network.take(solve(points, Settings(affinity="rbf", n_clusters=2)).fitted)
        >>> network(torch.tensor([[0.5, 0.5], [8.5, 8.5]])).tolist()
        [0, 1]
    """

    _fitted: Fitted | None

    def __init__(self) -> None:
        super().__init__()
        self._take(_nothing())

    @property
    def fitted(self) -> Fitted:
        """What is known of the clustered points."""
        if self._fitted is None:  # its numbers are copied from the device: once, rather than for every batch
            self._fitted = Fitted.from_state(dict(self.named_buffers()))
        return self._fitted

    @property
    def is_fitted(self) -> bool:
        """Whether there are clusters."""
        return len(self.get_buffer("centroids")) > 0

    @property
    def fitted_labels(self) -> Tensor:
        """The clusters of the clustered points, (point,) int64."""
        return self.get_buffer("labels")

    def take(self, fitted: Fitted) -> None:
        """Keep what was fitted, on the device where this network is."""
        device = self.get_buffer("labels").device
        self._take({name: value.to(device) for name, value in fitted.state().items()})

    def forward(self, content: Tensor, index: Tensor | None = None) -> Tensor:
        """Return the clusters of points, (query,) int64, see ``Fitted.assign``."""
        with torch.autocast(content.device.type, enabled=False):
            return self.fitted.assign(content, index)

    def embed(self, content: Tensor) -> Tensor:
        """Return the rows of points in the eigenvectors, (query, vector) float64, see ``Fitted.embed``."""
        with torch.autocast(content.device.type, enabled=False):
            return self.fitted.embed(content)

    def _take(self, buffers: Mapping[str, Tensor]) -> None:
        self._fitted = None
        for name in [name for name, _ in self.named_buffers() if name not in buffers]:
            delattr(self, name)
        for name, value in buffers.items():
            self.register_buffer(name, value)

    def make_room(self, state: dict[str, Tensor], prefix: str = "") -> None:
        """Make buffers of the names and shapes of a stored state; one of the first release is rewritten in place.

        Args:
            state: the tensors of this network, and perhaps of others, by name.
            prefix: what the names of this network's begin with.

        Raises:
            KeyError: something is missing.
        """
        stored = {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}
        buffers = _current(stored)
        for name in stored.keys() - buffers.keys() if is_of_previous_release(stored) else ():
            del state[prefix + name]
        state |= {prefix + name: value for name, value in buffers.items()}
        device = self.get_buffer("labels").device
        self._take({name: torch.empty_like(value, device=device) for name, value in buffers.items()})

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        try:
            self.make_room(state_dict, prefix)
        except KeyError as error:
            rest[-1].append(f"{prefix}{error.args[0]} is missing from what was fitted")
        else:
            super()._load_from_state_dict(state_dict, prefix, *rest)
            self._fitted = None

    def _apply(self, *rest: Any, **named: Any) -> "FittedClusters":
        self._fitted = None  # the buffers may be others afterwards, as on another device
        super()._apply(*rest, **named)  # type: ignore[no-untyped-call]
        return self

"""What is known of clustered points, by which new ones are labelled; it is stored as tensors alone."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, final

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.by_eigenvectors import Clustering
from suite_spectral.clusters.labelling import scaled_rows
from suite_spectral.graphs.affinities import AFFINITIES
from suite_spectral.graphs.affinity import Affinity
from suite_spectral.graphs.sparse_points import rows_of
from suite_spectral.new_points.by_landmarks import ByLandmarks
from suite_spectral.new_points.extension import Extension
from suite_spectral.new_points.nystroem import Nystroem
from suite_spectral.new_points.sparse_state import with_sparse, without_sparse
from suite_spectral.settings import RowScaling, Settings

WEIGHTS, CHOSEN = "weights_", "chosen_"
"""How the names of what belongs to the weights, and of what was chosen, begin in a state."""


def as_tensor(value: Tensor | int | float | str) -> Tensor:
    """Return a value as a tensor: text as its bytes, a number without an axis.

    Example:
        >>> from_tensor(as_tensor("rbf")), from_tensor(as_tensor(0.5)), as_tensor(7)
        ('rbf', 0.5, tensor(7))
    """
    if isinstance(value, Tensor):
        return value
    if isinstance(value, str):
        return torch.tensor(list(value.encode()), dtype=torch.uint8)
    return torch.tensor(value, dtype=torch.int64 if isinstance(value, int) else torch.float64)


def from_tensor(stored: Tensor) -> Tensor | int | float | str:
    """Return the value that ``as_tensor`` has stored."""
    if stored.dtype == torch.uint8:
        return bytes(stored.tolist()).decode()
    if stored.ndim == 0:
        number: int | float = stored.item()
        return number
    return stored


def nearest_cluster(rows: Tensor, votes: Tensor, centroids: Tensor, groups: Tensor) -> Tensor:
    """Return the nearest cluster, (query,) int64, by ``distances_to_clusters``."""
    return distances_to_clusters(rows, votes, centroids, groups).argmin(dim=1)


def distances_to_clusters(
    rows: Tensor, votes: Tensor, centroids: Tensor, groups: Tensor, kinds: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    """Return distances to the centroids of the component that has most of the weight, (query, cluster) float64.

    Those to other components' are infinite. For a row of zeros they are the shares of the clusters there in the
    weights, below 0.

    Args:
        rows: (query, vector).
        votes: (query, cluster) the share of each cluster in the weights.
        centroids: (cluster, vector).
        groups: (cluster,) int64, the component that each cluster lies in.
        kinds: the components, and which of them each cluster's is, where that is known.
    """
    rows, centroids = rows.double(), centroids.double()
    if torch.compiler.is_exporting():  # ONNX has no cdist
        distances = (rows[:, None] - centroids).square().sum(2).sqrt()
    else:
        distances = torch.cdist(rows, centroids, compute_mode="donot_use_mm_for_euclid_dist")
    unknown = ~(rows != 0).any(dim=1)  # as between points of loose components, whose rows are 0: their clusters count
    distances = torch.where(unknown[:, None], -votes.double(), distances)
    components, numbers = kinds or torch.unique(groups, return_inverse=True)
    if len(components) > 1:
        shares = torch.zeros(rows.shape[0], len(components), dtype=votes.dtype, device=votes.device)
        shares = shares.index_add(1, numbers, votes)
        distances = distances.masked_fill(numbers != shares.argmax(dim=1)[:, None], torch.inf)
    return distances


def cluster_groups(labels: Tensor, components: Tensor, n_clusters: int) -> Tensor:
    """Return the component that most points of each cluster lie in, (cluster,) int64."""
    count = int(components.max()) + 1
    pairs, sizes = torch.unique(labels * count + components, return_counts=True)
    groups = torch.zeros(n_clusters, dtype=torch.int64, device=labels.device)
    for pair in pairs[sizes.argsort(stable=True)].tolist():  # the largest is written last
        groups[pair // count] = pair % count
    return groups


def around_threshold(entries: Tensor, labels: Tensor) -> Tensor:
    """Return two centroids, (cluster, 1), whose middle is the threshold between two clusters of numbers (point,)."""
    parts = [entries[labels == cluster] for cluster in (0, 1)]
    low, high = (0, 1) if parts[0].mean() <= parts[1].mean() else (1, 0)
    threshold = (parts[low].max() + parts[high].min()) / 2
    reach = torch.empty(2, 1, dtype=entries.dtype, device=entries.device)
    reach[low], reach[high] = -1, 1
    return threshold + reach * (entries.max() - entries.min())


@final
@dataclass(frozen=True, eq=False)
class Fitted:
    """Clusters, and what labels new points.

    Attributes:
        affinity: the name of the affinity.
        rows: how the rows of the eigenvectors were scaled.
        labels: (point,) int64, of the clustered points.
        centroids: (cluster, vector) float64.
        groups: (cluster,) int64, the component that each cluster lies in.
        eigenvalues: (value,) float64, all that were computed, in rising order: one more than clusters where there is.
        extension: the formula for the rows of new points.
        chosen: settings by which the graph of other points is built the same way, by name.
    """

    affinity: str
    rows: RowScaling
    labels: Tensor
    centroids: Tensor
    groups: Tensor
    eigenvalues: Tensor
    extension: Extension
    chosen: dict[str, Any]

    @classmethod
    def of(
        cls,
        clustering: Clustering,
        root: Tensor,
        settings: Settings,
        chosen: dict[str, Any],
        extend: Callable[[slice], Extension],
    ) -> "Fitted":
        """Return the clusters with what labels new points: the nearest centroid, or the side of the threshold.

        Args:
            clustering: the clusters.
            root: (point,) the square roots of the degrees, on the device of all that is kept.
            settings: by which the points were clustered.
            chosen: settings by which the graph of other points is built the same way, by name.
            extend: returns the formula for some of the eigenvectors, which it is given as a slice.
        """
        labels, count, device = clustering.labels.to(root.device), clustering.n_clusters, root.device
        core = slice(None) if clustering.core is None else clustering.core.to(device)
        rows, used = settings.rows, slice(0, clustering.rows.shape[1])
        centroids = clustering.centroids.double().to(device)
        if settings.by_second:
            rows, used = "random-walk", slice(1, 2)
            second = clustering.spectrum.vectors[:, used].double().to(device)
            centroids = around_threshold(scaled_rows(second, root, rows)[core, 0], labels[core])
        return cls(
            affinity=settings.affinity,
            rows=rows,
            labels=labels,
            centroids=centroids,
            groups=cluster_groups(labels[core], clustering.spectrum.components.to(device)[core], count),
            eigenvalues=clustering.spectrum.values.double().to(device),
            extension=extend(used),
            chosen=chosen,
        )

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> "Fitted":
        """Return what ``state`` has stored.

        Raises:
            KeyError: something is missing.
        """
        values: dict[str, Any] = {name: from_tensor(stored) for name, stored in with_sparse(state).items()}
        affinity = AFFINITIES[values["affinity"]]
        extension_class: type[Any] = ByLandmarks if "divisor" in values else Nystroem
        weights_class = affinity.landmark_class if "divisor" in values else affinity.weights_class
        values["weights"] = _instance(weights_class, _without(WEIGHTS, values), WEIGHTS)
        values["extension"], values["chosen"] = _instance(extension_class, values), _without(CHOSEN, values)
        fitted: Fitted = _instance(cls, values)
        return fitted

    def state(self) -> dict[str, Tensor]:
        """Return all of it as tensors by name."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        extension, chosen = values.pop("extension"), values.pop("chosen")
        values |= {field.name: getattr(extension, field.name) for field in fields(extension)}
        values |= {WEIGHTS + name: value for name, value in values.pop("weights").state().items()}
        values |= {CHOSEN + name: value for name, value in chosen.items()}
        return without_sparse({name: as_tensor(value) for name, value in values.items() if value is not None})

    @property
    def n_clusters(self) -> int:
        """The number of clusters."""
        return len(self.centroids)

    @property
    def affinity_class(self) -> type[Affinity]:
        """The class of the affinity."""
        return AFFINITIES[self.affinity]

    def assign(self, content: Tensor, index: Tensor | None = None) -> Tensor:
        """Return the clusters of points, (query,) int64; one that equals a clustered point has the cluster of that.

        Args:
            content: (query, dim) points, features or pixels, as the clustered ones were; or, for a given graph, the
                weights between new and clustered points, (query, point) sparse_csr.
            index: (query,) int64, the clustered point that each may be; None: any. A node of a given graph is known
                only with it.

        Raises:
            UsageError: the content has another number of axes.
        """
        if content.dim() != 2:
            raise UsageError(f"expected new points of shape (point, dim), got {tuple(content.shape)}")
        content = self._taken(content)
        matches = self.extension.find(content, index)
        labels = self.labels[matches.clamp_min(0)]
        new = (matches < 0).nonzero()[:, 0]
        if len(new):  # a formula for points whose labels are known would cost most of an evaluation
            rows, votes = self.extension.rows_and_votes(rows_of(content, new), self.rows)
            labels[new] = nearest_cluster(rows, votes, self.centroids, self.groups)
        return labels

    def embed(self, content: Tensor) -> Tensor:
        """Return the rows of points in the eigenvectors, (query, vector) float64."""
        return self.extension.embed(self._taken(content), self.rows)

    def _taken(self, content: Tensor) -> Tensor:
        """Return sparse points as dense ones where those that were clustered are; a batch of them is small."""
        takes_sparse = self.affinity_class.sparse and isinstance(self.extension, Nystroem)
        return content if takes_sparse else content.to_dense()


def _without(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


def _instance(kind: Any, values: Mapping[str, Any], prefix: str = "") -> Any:
    """Return an instance of a dataclass; a field that is missing and has no default is a KeyError."""
    for field in fields(kind):
        if field.name not in values and field.default is dataclasses.MISSING:
            raise KeyError(prefix + field.name)
    return kind(**{field.name: values[field.name] for field in fields(kind) if field.name in values})

"""Clusters as Lightning trains: an epoch collects the points, its end solves for the eigenvectors, without gradients.

The solution lies in buffers (``suite_spectral.network``), so a checkpoint labels new points by itself. What each of
several processes does of it, ``suite_spectral.fitting`` says; any number of them gives the same labels.
"""

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import sklearn.cluster  # noqa: F401  # sets environment variables when it is imported first: not in the middle of a fit
import torch
from numpy.typing import NDArray
from pytorch_lightning import LightningModule
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.clustering import AdjustedRandScore, NormalizedMutualInfoScore

from lightning_suite.constraints import Interval, check
from lightning_suite.errors import DataError, RunError, UsageError
from lightning_suite.exporting.exportable import Exportable
from lightning_suite.pictures import write_csv
from lightning_suite.progress import progress
from lightning_suite.setting import constraints_of, with_meanings
from suite_spectral import freed_memory
from suite_spectral.accuracy import MatchedAccuracy
from suite_spectral.batches import Batch, Rows, Scaling, join, prepared
from suite_spectral.clusters.cuts import ncut
from suite_spectral.data import ClusterData
from suite_spectral.earlier_run import STATE, EarlierRun
from suite_spectral.exporting import exportable
from suite_spectral.fitting import Fit
from suite_spectral.graphs.graph import SparseGraph, spread_evenly
from suite_spectral.graphs.sparse_points import is_sparse
from suite_spectral.measuring import Measured, measured_again, measured_in_shares
from suite_spectral.network import FittedClusters
from suite_spectral.pictures.cluster_sizes import write_sizes
from suite_spectral.pictures.scatter import write_points
from suite_spectral.processes import collected, gathered, group_of, shared
from suite_spectral.settings import (
    DEFAULTS,
    FOR_KIND,
    Affinity,
    Assign,
    Kind,
    Mutual,
    Refine,
    Route,
    RowScaling,
    Search,
    Settings,
    Sigma,
    Solver,
    Weights,
    refuse_contradictions,
)
from suite_spectral.shares.landmark_route import is_by_shares
from suite_spectral.solving.building import measured
from suite_spectral.solving.warm_start import NO_START
from suite_spectral.sources.texts import Vocabulary

CONSTRAINTS = constraints_of(Settings) | {
    "n_clusters": [Interval(int, 2), None],  # a run with one cluster is a mistake, not a question
    "affinity": [Literal["auto"], Affinity],
}


@with_meanings(Settings)
class SpectralClusterer(LightningModule):
    """Normalised spectral clustering: the eigenvectors of a graph's Laplacian, and k-means on their rows.

    Example:
        >>> SpectralClusterer(n_clusters=3).settings().affinity
        'nearest_neighbors'

    Args:
        affinity: similarity of points: of nearest neighbours, Gaussian of all pairs (rbf), the same with a scale of its
            own for each point (self-tuning), cosine, of pixels, or a graph as it is given (precomputed); auto: nearest
            neighbours for points, cosine for texts, precomputed for graphs, pixels for images.
        {settings}
        warm_start: a run that has clustered most of the same points, or a graph with most of the same nodes, whose
            eigenvectors the solver starts from; null: none.

    Raises:
        UsageError: a setting is out of its range, or two contradict each other.
    """

    def __init__(
        self,
        *,
        n_clusters: int | None = DEFAULTS.n_clusters,
        affinity: Literal["auto"] | Affinity = "auto",
        n_neighbors: int | None = DEFAULTS.n_neighbors,
        weights: Weights = DEFAULTS.weights,
        mutual: Mutual = DEFAULTS.mutual,
        search: Search = DEFAULTS.search,
        sigma: Sigma = DEFAULTS.sigma,
        radius: float = DEFAULTS.radius,
        sigma_color: float = DEFAULTS.sigma_color,
        sigma_position: float = DEFAULTS.sigma_position,
        rows: RowScaling = DEFAULTS.rows,
        assign: Assign = DEFAULTS.assign,
        refine: Refine | None = DEFAULTS.refine,
        n_components: int | None = DEFAULTS.n_components,
        solver: Solver = DEFAULTS.solver,
        tolerance: float | None = DEFAULTS.tolerance,
        regularisation: float | None = DEFAULTS.regularisation,
        n_init: int = DEFAULTS.n_init,
        max_clusters: int = DEFAULTS.max_clusters,
        route: Route = DEFAULTS.route,
        landmarks: int = DEFAULTS.landmarks,
        memory_gib: float = DEFAULTS.memory_gib,
        warm_start: str | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        check(CONSTRAINTS, self.hparams, where="--model.")
        refuse_contradictions(affinity, assign, sigma, n_clusters, n_components, refine, where="--model.")
        if warm_start is not None and route == "landmarks":
            raise UsageError("--model.warm_start: landmarks are solved in one step; take --model.route exact or none")
        if warm_start is not None and regularisation is None:
            raise UsageError(f"--model.warm_start: {NO_START.format('--model.regularisation', 'null')}")
        self.automatic_optimization = False
        self.network: FittedClusters = FittedClusters()
        self.scores: nn.ModuleDict = nn.ModuleDict(
            {
                # Every process sees all examples once, so there is nothing to gather.
                "ari": AdjustedRandScore(sync_on_compute=False),
                "nmi": NormalizedMutualInfoScore(sync_on_compute=False),
                "accuracy": MatchedAccuracy(sync_on_compute=False),
            }
        )
        self.kind: Kind = "points"
        self.scaling: Scaling | None = None
        self.vocabulary: Vocabulary | None = None
        self.names: list[str] | None = None  # of the nodes of a graph
        self._earlier: EarlierRun | None = None
        self._batches: list[Batch] = []
        self._evaluated: list[tuple[Batch, Tensor]] = []  # with the labels
        self._fitted_cut: float | None = None  # the normalised cut of the fitted clusters
        self._fitted_data: str | None = None  # and what tells their examples from others
        self._cut_here: float | None = None  # the cut, where this process has fitted them

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Return no optimizer: nothing is learnt by gradients."""
        return []

    def settings(self) -> Settings:
        """Return how the data are clustered: the hyperparameters, with the affinity for the kind of data."""
        chosen = {name: value for name, value in self.hparams.items() if name != "warm_start"}
        affinity: Affinity = FOR_KIND[self.kind] if chosen["affinity"] == "auto" else chosen["affinity"]
        return Settings(**chosen | {"affinity": affinity})

    @property
    def holds_shares(self) -> bool:
        """Whether each of several processes holds a share of the points from beginning to end."""
        return is_by_shares(self.settings())

    # Fitting

    def on_fit_start(self) -> None:
        """Arrange memory, and read the run that the solver starts from, before anything else is done.

        Raises:
            UsageError: there is none, or it cannot be started from.
            RunError: it cannot be read.
        """
        freed_memory.goes_back()
        if self.hparams["warm_start"] is not None:
            earlier = EarlierRun.at(self.hparams["warm_start"])  # in all of them, so that all end where there is none
            self._earlier = earlier if self.trainer.is_global_zero else None  # process 0 solves

    def on_train_epoch_start(self) -> None:
        """Begin to collect batches; an epoch that is resumed in its middle does not call this."""
        self._batches = []

    def training_step(self, batch: Any, batch_idx: int) -> None:
        """Keep the batch.

        Args:
            batch: of the data module; or of another loader points (batch, dim), with or without their labels.

        Raises:
            RunError: training resumes in the middle of an epoch whose first batches are lost.
        """
        if len(self._batches) != batch_idx:
            raise RunError(
                f"the first {batch_idx:,} batches of this epoch were collected by a process that was interrupted, and "
                "are lost. Begin anew: suite fit --config with the run's config.yaml"
            )
        self._batches.append(self._as_batch(batch, self._batches))

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Solve after the last batch: Lightning validates before it ends the epoch, and needs the labels for it."""
        if self.trainer.is_last_batch:
            self._solve()

    def _as_batch(self, batch: Any, before: Sequence[Batch] = ()) -> Batch:
        """Return a batch; the points of another loader are numbered on from the batches before.

        Raises:
            UsageError: it is none of points, or several processes would number them.
        """
        if isinstance(batch, Batch):
            return batch
        points, *labels = (batch,) if isinstance(batch, Tensor) else batch
        if not isinstance(points, Tensor) or points.ndim != 2:
            raise UsageError("expected batches of points (batch, dim), as tensors; texts and graphs need ClusterData")
        if self._trainer is not None and self.trainer.world_size > 1:
            raise UsageError("several processes cluster what ClusterData reads; give loaders to one process")
        begin = int(before[-1].index[-1]) + 1 if before else 0
        return Batch(torch.arange(begin, begin + len(points)), points, labels[0] if labels else None)

    def _held(self, batches: Sequence[Batch], *, tested: bool = False) -> NDArray[np.int64]:
        """Return the indices of what is clustered, or tested, rising: those of these batches, of another loader."""
        data = self._data()
        return join(batches).index.cpu().numpy() if data is None else data.held(tested=tested)

    def _data(self) -> ClusterData | None:
        """Return the data module that reads the file; None where batches come from elsewhere."""
        data = getattr(self._trainer, "datamodule", None)
        return data if isinstance(data, ClusterData) else None

    def _solve(self) -> None:
        data = self._data()
        if data is not None:
            self.kind, self.scaling, self.vocabulary = data.kind, data.scaling, data.vocabulary
            self.names = data.names if data.kind == "graph" else None
        group = group_of(self.trainer)
        # The run's seed, of process 0. Nothing is drawn from the generator, so that a further epoch solves the same.
        seed = group.first_says(lambda: torch.initial_seed() % 2**31)
        batches, self._batches = self._batches, []
        fit = Fit(group, self.device, self.settings(), seed, self._content)
        if self.holds_shares:
            found = fit.of_share(*shared(group, batches, self._held(batches)))
        else:
            is_refit = self.hparams["warm_start"] is not None
            whole = join(batches) if data is None else collected(group, batches, data.fitted_examples, self.device)
            del batches  # they are a copy of all examples
            found = fit.of_all(whole, self._started if is_refit else None)
        self.network.take(found.fitted)
        self._fitted_cut, self._fitted_data = found.values["train_ncut"], None if data is None else data.fingerprint
        self._cut_here = self._fitted_cut
        rank_zero_info(found.line)
        for name, value in found.values.items():
            if math.isfinite(value):  # a regularised graph has no lower bound, and no gap is behind the last eigenvalue
                self.log(name, float(value), on_step=False, on_epoch=True, batch_size=1, sync_dist=True)

    def _started(self, content: Tensor | list[str] | Rows, points: Tensor | SparseGraph) -> Tensor:
        """Return where the solver starts for examples, as they are in their file and as they are solved."""
        assert self._earlier is not None
        return self._earlier.start(self.kind, content, points, self.names)

    def _content(self, content: Tensor | list[str] | Rows) -> Tensor | SparseGraph:
        """Return examples as ``solve`` takes them.

        Raises:
            UsageError: some nodes of a graph were left out.
        """
        if (
            isinstance(content, Rows)
            and len(content.columns)
            and int(content.columns.max()) + 1 >= len(content.offsets)
        ):
            raise UsageError("a graph can be clustered or measured only as a whole: set no --trainer.limit_..._batches")
        points = prepared(content, self.scaling, self.vocabulary).to(self.device)
        return SparseGraph(points) if isinstance(content, Rows) else points

    # What is held out, or looked at again

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Label the batch; the labels are measured when all are there."""
        self._evaluate(batch, "val")

    def test_step(self, batch: Any, batch_idx: int) -> None:
        """Label the batch, as in a validation."""
        self._evaluate(batch, "test")

    def on_validation_epoch_end(self) -> None:
        """Log Ncut and, where the classes are known, how well the clusters agree with them."""
        self._measure("val")

    def on_test_epoch_end(self) -> None:
        """Log the same, draw the sizes of the clusters and, of points, where they lie; write those of a graph's nodes.

        New nodes cannot be predicted, so ``nodes.csv`` is where the clusters of a file's nodes stand.
        """
        looked_at = self._measure("test")
        figures = Path(self.trainer.default_root_dir) / "figures"
        if looked_at is None or not self.trainer.is_global_zero or not figures.is_dir():
            return
        fitted = self.network.fitted
        data = self._data()
        names = None if data is None else data.classes
        write_sizes(figures / "sizes.png", looked_at.labels, fitted.n_clusters, looked_at.classes, names)
        if self.kind == "points" and isinstance(looked_at.content, Tensor):
            points = prepared(looked_at.content, self.scaling, None)
            write_points(figures / "points.png", points, looked_at.labels, looked_at.numbers)
        elif self.kind == "graph":
            labels = looked_at.labels.tolist()
            rows = zip(self._nodes(labels), labels, strict=True)
            written = write_csv(figures.parent / "nodes.csv", ["node", "cluster"], rows)
            rank_zero_info(f"clusters of the nodes: {written}")

    def _nodes(self, labels: Sequence[int]) -> Sequence[str | int]:
        """Return what the file calls its nodes, which have these labels; their numbers where it names none."""
        return self.names if self.names is not None and len(self.names) == len(labels) else range(len(labels))

    def _evaluate(self, batch: Any, stage: Literal["val", "test"]) -> None:
        # Lightning may ask before anything is fitted, whether validation runs at all.
        if self.network.is_fitted and not self._looks_again(stage):
            batch = self._as_batch(batch, [before for before, _ in self._evaluated[-1:]])
            self._evaluated.append((batch, self._predicted(batch)))

    def _looks_again(self, stage: Literal["val", "test"]) -> bool:
        """Return whether all that is evaluated is what was clustered, whose labels and cut are known."""
        data = self._data()
        limit = getattr(self.trainer, f"limit_{stage}_batches")
        if data is None or not isinstance(limit, float) or limit < 1:
            return False
        same = self._fitted_data is not None and data.fingerprint == self._fitted_data
        whole = len(self.network.fitted_labels) == len(data.held())  # training may have been limited to some batches
        return same and whole and self._fitted_cut is not None and data.held(tested=stage == "test") is data.held()

    def _measure(self, stage: Literal["val", "test"]) -> Measured | None:
        """Log the scores of an evaluation, and return its examples and clusters; None where nothing was evaluated."""
        evaluated, self._evaluated = self._evaluated, []
        if not self.network.is_fitted:
            return None
        if self._looks_again(stage):
            data, labels = self._data(), self.network.fitted_labels
            assert data is not None and self._fitted_cut is not None
            found = measured_again(data.fitted_examples, labels, self._fitted_cut)
            self._log_scores(stage, found, data.labels)
            return found._replace(classes=data.labels)
        clustered = [batch._replace(labels=labels) for batch, labels in evaluated]
        if self.holds_shares:
            share, own = shared(group_of(self.trainer), clustered, self._held(clustered, tested=stage == "test"))
            found = measured_in_shares(own, share, self.scaling, self.network.fitted, self._fitted_cut)
        else:
            whole = gathered(self.trainer, self.device, clustered)
            assert whole.labels is not None
            content, labels = whole.content, whole.labels
            cut = group_of(self.trainer).first_says(lambda: self._ncut(content, labels))
            found = Measured(content, labels, None, cut)
        classes = None
        if all(batch.labels is not None for batch, _ in evaluated):
            nothing = [batch._replace(content=torch.empty(len(batch.index), 0)) for batch, _ in evaluated]
            classes = gathered(self.trainer, self.device, nothing).labels
        self._log_scores(stage, found, classes)
        return found._replace(classes=classes)

    def _log_scores(self, stage: Literal["val", "test"], found: Measured, classes: Tensor | None) -> None:
        self.log(f"{stage}_ncut", found.ncut, prog_bar=True, batch_size=1, sync_dist=True)
        if classes is not None and bool((classes >= 0).any()):
            classes = classes.to(found.labels.device)
            known = classes >= 0
            for name, metric in self.scores.items():
                assert isinstance(metric, Metric)
                metric.update(found.labels[known], classes[known])
                with warnings.catch_warnings():  # torchmetrics counts in a sparse tensor
                    warnings.filterwarnings("ignore", message="Sparse invariant checks")
                    value = metric.compute().float()
                self.log(f"{stage}_{name}", value, prog_bar=True, batch_size=1, sync_dist=True)
                metric.reset()

    def _ncut(self, content: Tensor | list[str] | Rows, labels: Tensor) -> float:
        """Return the normalised cut of labels on the graph that the settings make of what was evaluated."""
        n_clusters = self.network.fitted.n_clusters
        if len(labels) < 2:
            return 0.0  # one point has no edges to cut
        if self._cut_here is not None and torch.equal(labels, self.network.fitted_labels):
            return self._cut_here
        with progress("normalised cut") as task:
            task.stage(f"graph of {len(labels):,} points")
            graph = measured(self._content(content), self.settings(), self.network.fitted)
        return ncut(graph, labels[spread_evenly(len(labels), graph.n).to(labels.device)], n_clusters)

    def _predicted(self, batch: Batch) -> Tensor:
        """Return the clusters of a batch, (batch,) int64."""
        labels: Tensor = self.network(self._queries(batch), batch.index)
        return labels

    def on_predict_start(self) -> None:
        """Refuse a file of another kind than what was clustered.

        Raises:
            DataError: the file is of another kind.
        """
        data = self._data()
        kind = self.kind if data is None else data.kind
        if self.network.is_fitted and kind != self.kind:
            what = {"points": "points", "texts": "texts", "graph": "a graph", "image": "an image"}
            raise DataError(
                f"expected {what[self.kind]}, like what was clustered, got {what[kind]}", self._predicted_place(kind)
            )

    def predict_step(self, batch: Any, batch_idx: int) -> dict[str, Tensor]:
        """Return the cluster of each example, from 0; cluster 0 has the most of the clustered points.

        Raises:
            DataError: the points have another dimension than those fitted, or are not numbers.
        """
        return {"cluster": self._predicted(self._as_batch(batch))}

    def embed_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Return the rows of the examples in the eigenvectors, (batch, vector)."""
        return self.network.embed(self._queries(self._as_batch(batch))).float()

    def exportable(self) -> Exportable:
        """Return what ``suite export`` writes: new points to their rows and to distances from the clusters.

        Raises:
            UsageError: new points are joined to the old ones by more than their numbers.
            RunError: nothing was fitted.
        """
        if not self.network.is_fitted:
            raise RunError("nothing was fitted yet: the run ended before its first epoch did")
        words = "splitting texts into words and their tf-idf, " if self.vocabulary is not None else ""
        return exportable(self.network.fitted, self.scaling, words)

    def _queries(self, batch: Batch) -> Tensor:
        """Return examples as the network takes them."""
        if not self.network.is_fitted:
            raise RunError("nothing was fitted yet: the run ended before its first epoch did")
        self._refuse_other_kind(batch.content)
        if isinstance(batch.content, Tensor):
            self._refuse_wrong_points(batch.content, batch.index)
        return prepared(batch.content, self.scaling, self.vocabulary, len(self.network.fitted_labels)).to(self.device)

    def _refuse_other_kind(self, content: Tensor | list[str] | Rows) -> None:
        if isinstance(content, Rows) or not self.network.fitted.affinity_class.of_graph:
            return
        what = "points" if isinstance(content, Tensor) else "texts"
        raise DataError(
            "a run over a given graph labels only the graph's own nodes, and has done so when it was fitted: between "
            f"these {what} and them no edges are known. Cluster the file by itself: suite fit --plugin spectral "
            "--data.path FILE",
            self._predicted_place(what),
        )

    def _predicted_place(self, what: str) -> str:
        """Return the file that is predicted, or a word for its content where there is no file."""
        data = self._data()
        return (None if data is None else data.predict_path) or what

    def _refuse_wrong_points(self, points: Tensor, index: Tensor) -> None:
        file = self._predicted_place("points")
        wanted = self.network.fitted.extension.dim
        if points.shape[1] != wanted:
            raise DataError(
                f"expected points of {wanted} numbers, as those that were fitted, got {points.shape[1]}", file
            )
        if is_sparse(points):
            first = (~torch.isfinite(points.values())).nonzero()[:1, 0]
            wrong = torch.searchsorted(points.crow_indices().to(first.dtype), first, right=True) - 1
        else:
            wrong = (~torch.isfinite(points).all(dim=1)).nonzero()[:1, 0]
        if len(wrong):
            raise DataError(f"point {int(index[wrong[0]])} is not all of finite numbers", file)

    # Checkpoints

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint[STATE] = {
            "kind": self.kind,
            "scaling": None if self.scaling is None else [self.scaling.center.cpu(), self.scaling.scale.cpu()],
            "vocabulary": None if self.vocabulary is None else self.vocabulary.state(),
            "names": self.names,
            "ncut": self._fitted_cut,
            "data": self._fitted_data,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Make room for what was fitted, and take up what new examples are read with.

        Raises:
            RunError: another version of this module wrote the checkpoint.
        """
        try:
            self.network.make_room(checkpoint["state_dict"], "network.")
        except KeyError as error:
            raise RunError(
                f"another version of the plugin wrote this checkpoint: it lacks {error.args[0]}. Cluster anew: "
                "suite fit --config with the run's config.yaml"
            ) from error
        state = checkpoint[STATE]
        self.kind = state["kind"]
        self.scaling = None if state["scaling"] is None else Scaling(*state["scaling"])
        self.names = state.get("names")
        self.vocabulary = None if state["vocabulary"] is None else Vocabulary.from_state(state["vocabulary"])
        self._fitted_cut, self._fitted_data = state.get("ncut"), state.get("data")  # not known of an earlier release

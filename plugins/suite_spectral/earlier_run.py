"""A run whose eigenvectors another starts from: its points are read with its own scaling, its nodes known by name."""

from pathlib import Path
from typing import NamedTuple, final

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from lightning_suite.run import Run
from suite_spectral.batches import Rows, Scaling, prepared
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.new_points.fitted import Fitted
from suite_spectral.settings import Kind
from suite_spectral.solving.warm_start import Earlier
from suite_spectral.sources.texts import Vocabulary

STATE = "clusters"
"""Where a checkpoint holds what is neither a tensor nor a setting: the kind of data, the words of texts, the names of
nodes."""

NETWORK = "network."
"""What the names of the tensors of a fit begin with in a checkpoint."""


@final
class EarlierRun(NamedTuple):
    """What an earlier run leaves to start from.

    Attributes:
        path: where it was read.
        kind: of its data.
        earlier: its eigenvectors.
        dim: of its points.
        scaling: of its points.
        vocabulary: of its texts.
        names: of its nodes.
    """

    path: str
    kind: Kind
    earlier: Earlier
    dim: int
    scaling: Scaling | None
    vocabulary: Vocabulary | None
    names: list[str] | None

    @classmethod
    def at(cls, path: str) -> "EarlierRun":
        """Return what the run at a path leaves; nothing that its checkpoint names is imported.

        Raises:
            UsageError: there is no run, it is of another plugin, or landmarks stood for its points.
            RunError: its checkpoint cannot be read.
        """
        where = f"--model.warm_start {path}"
        checkpoint = Run.at(Path(path)).read_checkpoint()
        if STATE not in checkpoint:
            raise UsageError(f"{where}: expected a run of spectral, got one of another plugin")
        tensors = checkpoint["state_dict"]
        stored = {name.removeprefix(NETWORK): tensors[name] for name in tensors if name.startswith(NETWORK)}
        try:
            fitted = Fitted.from_state(stored) if "affinity" in stored else None
        except KeyError as error:
            raise UsageError(f"{where}: another release wrote it: it lacks {error.args[0]}. Cluster it anew") from error
        earlier = None if fitted is None else Earlier.kept(fitted)
        if fitted is None or earlier is None:
            raise UsageError(f"{where}: expected a run that has clustered exactly, got one by landmarks, or unfinished")
        state = checkpoint[STATE]
        scaling, words = state["scaling"], state["vocabulary"]
        return cls(
            path,
            state["kind"],
            earlier,
            fitted.extension.dim,
            None if scaling is None else Scaling(*scaling),
            None if words is None else Vocabulary.from_state(words),
            state.get("names"),
        )

    def start(
        self, kind: Kind, content: Tensor | list[str] | Rows, taken: Tensor | SparseGraph, names: list[str] | None
    ) -> Tensor:
        """Return where to start for other data, (point, vector); see ``Earlier.start``.

        Args:
            kind: of the data.
            content: the data as they stand in their file.
            taken: the same as they are clustered.
            names: of the nodes of a graph.

        Raises:
            UsageError: they are of another kind, or of another number of dims.
        """
        if kind != self.kind:
            raise UsageError(f"--model.warm_start {self.path}: expected a run of {kind}, got one of {self.kind}")
        if isinstance(taken, SparseGraph):
            return self.earlier.start(taken, self._places(names))
        if isinstance(content, Tensor) and content.shape[1] != self.dim:
            raise UsageError(
                f"--model.warm_start {self.path}: its points have {self.dim} numbers, these have {content.shape[1]}"
            )
        points = prepared(content, self.scaling, self.vocabulary).to(taken.device)
        return self.earlier.start(points)

    def _places(self, names: list[str] | None) -> Tensor | None:
        """Return which of the nodes the earlier ones are; None where nodes have numbers alone."""
        if names is None or self.names is None:
            return None
        numbers = {name: number for number, name in enumerate(names)}
        return torch.tensor([numbers.get(name, -1) for name in self.names])

"""How the processes of a training solve together: what each of them does, and what all are told of it.

By landmarks each has its share of the points from beginning to end (``suite_spectral.shares.landmark_route``). By rows
all have the points, and each its rows of the graph (``suite_spectral.solving.by_rows``). Otherwise each finds the
neighbours of some points and iterates its share of the eigenvectors, and process 0 does the rest.
"""

from collections.abc import Callable
from typing import NamedTuple, final

import torch
from torch import Tensor

from lightning_suite.progress import progress
from suite_spectral.batches import Batch, Rows
from suite_spectral.eigen.finest import take_part
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.graphs.neighbours import Neighbours
from suite_spectral.new_points.fitted import Fitted
from suite_spectral.settings import Settings
from suite_spectral.shares.group import Group
from suite_spectral.shares.neighbours import neighbours_by_rows
from suite_spectral.shares.share import Share
from suite_spectral.solving.building import made_dense
from suite_spectral.solving.by_rows import is_by_rows, solve_by_rows
from suite_spectral.solving.routes import solve, solve_shares
from suite_spectral.solving.solution import Told

Content = Tensor | list[str] | Rows
Start = Callable[[Content, Tensor | SparseGraph], Tensor]


@final
class Fit(NamedTuple):
    """What the processes have to know; each of them calls a method at once.

    Attributes:
        group: the processes.
        device: of this one.
        settings: how the examples are clustered.
        seed: of all that is drawn.
        prepare: makes of the content of a batch what is solved, on the device.
    """

    group: Group
    device: torch.device
    settings: Settings
    seed: int
    prepare: Callable[[Content], Tensor | SparseGraph]

    def of_share(self, share: Share, own: Batch) -> Told:
        """Return what comes of the examples of all processes.

        Args:
            share: which are here, see ``suite_spectral.shares.landmark_route.is_by_shares``.
            own: those.
        """
        points = self.prepare(own.content)
        assert isinstance(points, Tensor)
        points = made_dense(points)
        with progress("spectral clustering") as task:
            return Told.of(solve_shares(points, share, self.settings, seed=self.seed, progress=task.stage))

    def of_all(self, whole: Batch, start: Start | None = None) -> Told:
        """Return what comes of examples that every process has.

        Args:
            whole: all of them.
            start: returns, in process 0, where to start from (point, vector), given a content and what is solved;
                None: anew.
        """
        if start is None and is_by_rows(whole.content, self.settings, self.device):
            points = self.prepare(whole.content)
            assert isinstance(points, Tensor)
            with progress("spectral clustering") as task:
                return Told.of(solve_by_rows(points, self.settings, self.group, seed=self.seed, progress=task.stage))
        near = [self._found_together(whole.content)]

        def solved() -> Told:
            with progress("spectral clustering") as task:
                content, begun = self.prepare(whole.content), None
                if start is not None:
                    task.stage("start from an earlier run")
                    begun = start(whole.content, content)
                solution = solve(
                    content,
                    self.settings,
                    start=begun,
                    seed=self.seed,
                    progress=task.stage,
                    found=near.pop(),
                    group=self.group,
                )
            told = Told.of(solution)
            if self.group.size > 1:  # it travels
                state = {name: part.cpu() for name, part in told.fitted.state().items()}
                told = told._replace(fitted=Fitted.from_state(state))
            return told

        return self.group.first_says(solved, lambda: take_part(self.group))

    def _found_together(self, content: Content) -> Neighbours | None:
        """Return the neighbours of all points, found by several processes, in process 0; None in the others."""
        if self.group.size == 1 or not isinstance(content, Tensor):
            return None
        points = self.prepare(content)
        assert isinstance(points, Tensor)
        with progress("nearest neighbours"):
            return neighbours_by_rows(points, self.settings, self.group, seed=self.seed)

"""The loader of training data whose batches can be drawn again."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lightning_suite import generators
from lightning_suite.generators import State


class LateLoader:
    """A loader whose iterator is made when its first batch is asked for, and whose batches can be drawn again.

    What is drawn for the first batch comes from the global generators: the order of the samples, the seed of workers.
    What is drawn for later batches in this process (by augmentation, shuffling buffers, samplers) comes from a branch
    of them, as it comes from generators of their own in workers: so it does not depend on what training draws between
    two batches, and an iterator that is made in the same state gives the same batches.

    Args:
        loader: the loader that the batches come from.
        after_batch: called with the position of the global generators after each batch.
        waits: gives empty batches, for an iterator that is asked before it is known where training goes on.

    Attributes:
        began: the state of the global generators when the epoch's first iterator was made.
        own_began: the states of the loader's own generators then, by path.
        begin: the state in which the next epoch shall begin.

    Example:
        >>> list(LateLoader([1, 2, 3]))
        [1, 2, 3]
    """

    def __init__(
        self,
        loader: Iterable[Any],
        after_batch: Callable[[generators.Position], None] = lambda position: None,
        *,
        waits: bool = False,
    ) -> None:
        self.loader = loader
        self.began: State | None = None
        self.own_began: State = {}
        self.begin: State | None = None
        self.waits = waits
        self._after_batch = after_batch
        self._branch: generators.Position | None = None

    def __iter__(self) -> Iterator[Any]:
        if self.waits:
            yield from itertools.repeat(None)
        if self._branch is None:
            if self.begin is not None:
                generators.set_random_state(self.begin)
                self.begin = None
            self.began = generators.random_state()
            self.own_began = {path: generators.own_state(own) for path, own in self.own_generators().items()}
            batches = iter(self.loader)
            try:
                first = next(batches)
            except StopIteration:
                return
            here = generators.position()
            generators.branch()
            self._leave_branch(here)
            yield first
        else:  # a shorter loader that begins again within the epoch
            here = self._enter_branch()
            try:
                batches = iter(self.loader)
            finally:
                self._leave_branch(here)
        while True:
            here = self._enter_branch()
            try:
                batch = next(batches)
            except StopIteration:
                return
            finally:
                self._leave_branch(here)
            yield batch

    def __len__(self) -> int:
        return len(self.loader)  # type: ignore[arg-type]

    def end_epoch(self) -> None:
        """Let the next iterator be the first of an epoch."""
        self._branch = None

    def own_generators(self) -> dict[str, generators.Own]:
        """Return the generators that the loader, its sampler or its data hold, by path."""
        return generators.own_generators(loader=self.loader)

    def state_dict(self) -> State:
        """Return nothing: ``ExactResume`` keeps the state of every process; Lightning calls the method all the same."""
        return {}

    def load_state_dict(self, state: State) -> None:
        """Do nothing, see ``state_dict``."""

    def __getattr__(self, name: str) -> Any:
        if "loader" not in self.__dict__:  # a copy that is being made
            raise AttributeError(name)
        return getattr(self.__dict__["loader"], name)

    def _enter_branch(self) -> generators.Position:
        """Go on with what is drawn for batches, and return where training draws."""
        here = generators.position()
        if self._branch is not None:
            generators.set_position(self._branch)
        return here

    def _leave_branch(self, here: generators.Position) -> None:
        self._branch = generators.position()
        generators.set_position(here)
        self._after_batch(here)

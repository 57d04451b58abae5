"""What a training has logged, and which of it belongs to the best checkpoint, also after it was interrupted."""

from collections.abc import Mapping
from typing import Any, final

from pytorch_lightning import Trainer

STATE: dict[str, type] = {
    "all": dict,
    "best": dict,
    "best_epoch": int,
    "best_is_of_this_epoch": bool,
    "of_validation": list,
}
"""The types in ``BestMetrics.state``."""


@final
class BestMetrics:
    """The metrics of the epoch of the best checkpoint.

    A validation that is the best so far logs before its epoch has ended; what the epoch logs of its training is known
    only then. So the values of the validation are kept, and the others taken when the epoch ends.

    Attributes:
        epoch: the epoch of the best checkpoint, counted from 1; 0 before there is one.
    """

    def __init__(self) -> None:
        self.epoch: int = 0
        self._all: dict[str, float] = {}
        self._best: dict[str, float] = {}
        self._of_validation: set[str] = set()
        self._before_validation: dict[str, float] = {}
        self._is_of_this_epoch = False

    def begin_validation(self, trainer: Trainer) -> None:
        """Remember what had been logged, to know what the validation logs."""
        self._before_validation = logged(trainer)

    def end_validation(self, trainer: Trainer) -> None:
        """Learn which names the validation logs."""
        before = self._before_validation
        self._of_validation |= {name for name, value in logged(trainer).items() if before.get(name) != value}

    def choose(self, trainer: Trainer) -> None:
        """Take what has been logged for that of the best checkpoint, which is being written."""
        self.epoch = trainer.current_epoch + trainer.enable_validation
        self._best = self._all | logged(trainer)
        self._is_of_this_epoch = True

    def end_epoch(self, trainer: Trainer) -> None:
        """Take what the epoch logged of its training, where the best checkpoint is of this epoch."""
        self._all |= logged(trainer)
        if self._is_of_this_epoch:
            kept = {name: value for name, value in self._best.items() if name in self._of_validation}
            self._best = self._all | kept
            self._is_of_this_epoch = False

    def values(self) -> dict[str, float]:
        """Return the metrics of the best checkpoint; those of the last epoch where its own are not known.

        They are not where nothing is monitored, and in a run of a release that did not keep them.
        """
        return dict(self._best or self._all)

    def state(self, trainer: Trainer) -> dict[str, Any]:
        """Return what a checkpoint keeps; ``STATE`` has its types."""
        return {
            "all": self._all | logged(trainer),
            "best": self._best,
            "best_epoch": self.epoch,
            "best_is_of_this_epoch": self._is_of_this_epoch,
            "of_validation": sorted(self._of_validation),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a state; one of an earlier release is empty."""
        self._all, self._best = dict(state.get("all", {})), dict(state.get("best", {}))
        self.epoch = state.get("best_epoch", 0)
        self._is_of_this_epoch = state.get("best_is_of_this_epoch", False)
        self._of_validation = set(state.get("of_validation", ()))


def logged(trainer: Trainer) -> dict[str, float]:
    """Return the newest value of everything that has been logged."""
    return {name: float(value) for name, value in trainer.callback_metrics.items()}

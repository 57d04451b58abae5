"""How far the embedding of one task serves another (Cheng, arXiv:1911.01872, section 2 and Table 2).

The network of task A, with A's scaling of the features, embeds the jets of task B and stays as it is; new dense layers
of the shape of its own learn B from the embeddings. Beside the AUC stand that of B's own network (base), that of dense
layers on a network with random weights (floor), and that of the whole network, trained on B from A's weights (ceiling).
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_lightning.utilities import rank_zero_warn
from pytorch_lightning.utilities.seed import isolate_rng
from torch import Tensor

from lightning_suite import load
from lightning_suite.building import seeded
from lightning_suite.constraints import Interval, check
from lightning_suite.errors import UsageError
from lightning_suite.options import evaluation_settings
from lightning_suite.plugins import find
from lightning_suite.progress import progress
from lightning_suite.recipes import recipe_of
from lightning_suite.run import Run
from suite_recnn import tagging
from suite_recnn.data import JetData
from suite_recnn.forests import ForestData, JetBatch
from suite_recnn.interpretation.heads import best_auc, dense_layers
from suite_recnn.interpretation.printed import auc_of_table_2
from suite_recnn.interpretation.subject import BATCH, untrained
from suite_recnn.module import JetTagger
from suite_recnn.splitting import PARTS
from suite_recnn.symmetries import mirrored, turned
from suite_recnn.tagging import Estimate

Name = TypeVar("Name")
Place = str | Path | Run
"""A run, or where it is."""
TREES = ("algorithm", "preprocess", "features")
"""The settings of data that a network's input depends on: they come with the network, files and classes do not."""
DIVISION = ("split_seed", "validation_fraction", "test_fraction")
"""The settings of data that divide files into training, validation and test."""
CHANGES = {"mirror": mirrored, "turn": turned}
"""The settings of a network that change its training jets at random."""


class Transfer(NamedTuple):
    """One embedding on one task.

    Attributes:
        source: the task that the embedding was trained on, such as ``w/qcd``.
        target: the task that its dense layers were trained on.
        auc: of the frozen embedding on the target's test jets, with DeLong's error.
        floor: of a random embedding.
        base: of the network of the target's run; None where the target is a task without run.
        fine_tuned: of the whole network, trained from the source's weights; None where it was not asked for.
        paper: base and transfer AUC of Table 2; None for other tasks.
    """

    source: str
    target: str
    auc: Estimate
    floor: Estimate
    base: Estimate | None
    fine_tuned: Estimate | None
    paper: tuple[float, float] | None


def transfer(source: Place, target: Place, *, epochs: int = 20, fine_tune: bool = False, seed: int = 0) -> Transfer:
    """Return how well the embedding of one run serves the task of another.

    Args:
        source: the run whose embedding is taken.
        target: a run, whose jets and whose division of them are taken; or a task, which is the name of a recipe
            (top-qcd), on the files that the source was trained on.
        epochs: over the target's training jets; the epoch with the best validation AUC counts.
        fine_tune: also train the whole network, as long, from the source's weights.
        seed: of the new layers, of the random embedding and of the order of the jets.

    Raises:
        UsageError: there is no such run or recipe, a run is not of recnn, or a task has more than two classes.
        DataError: the jets cannot be read.

    Example:
        transfer("runs/recnn/2026-01-31-120000-w-qcd", "top-qcd").auc
    """
    check({"epochs": [Interval(int, 1)]}, locals(), where="--")
    tagger, own, data = tagger_of(source), _data(source), data_for(source, target)
    base = auc_of(tagger_of(target), _data(target)) if _is_run(target) else None
    data.prepare_data()
    data.setup("fit")
    if (words := seen_before(own, data)) and data.jets_of("test")[0][0].part is None:
        rank_zero_warn(f"transfer from {source}: {words}")
    parts = {part: data.jets_of(part)[1] for part in PARTS}
    words = f"{_task(own)} → {_task(data)}"
    with progress(f"transfer {words}", (2 + fine_tune) * epochs, unit="epochs") as advance:
        settings: dict[str, Any] = {"batch_size": data.batch_size, "epochs": epochs, "seed": seed, "advance": advance}
        auc = frozen(tagger, parts, **settings)
        floor = frozen(untrained(tagger, seed), parts, **settings)
        fine_tuned = whole(tagger, parts, **settings) if fine_tune else None
    return Transfer(_task(own), _task(data), auc, floor, base, fine_tuned, auc_of_table_2(own.classes, data.classes))


def pairs(runs: Sequence[Name]) -> list[tuple[Name, Name]]:
    """Return every two of some runs in both directions, ordered by target: Table 2 for its three tasks.

    Example:
        >>> pairs(["w", "top"])
        [('top', 'w'), ('w', 'top')]
    """
    return [(source, target) for target in runs for source in runs if source != target]


def embed(tagger: JetTagger, jets: ForestData) -> Tensor:
    """Return the first of the last three hidden layers of the jets: (jet, layer_dim)."""
    with torch.no_grad():
        return torch.cat([next(iter(tagger.network.layers(batch).values())) for batch in _batches(jets)])


def frozen(tagger: JetTagger, parts: Mapping[str, ForestData], **settings: Any) -> Estimate:
    """Return the test AUC of new dense layers on the embedding of a network, which stays as it is.

    Args:
        tagger: the network.
        parts: training, validation and test jets by name.
        settings: batch_size, epochs and seed of the training, and advance, which counts the epochs.
    """
    embedded = {part: embed(tagger, jets) for part, jets in parts.items()}
    with torch.no_grad():
        widths = [layer.shape[1] for layer in tagger.network.layers(parts["train"].batch([0])).values()]

    def inputs(part: str, rows: NDArray[np.int64]) -> Tensor:
        return embedded[part][rows]

    return best_auc(lambda: dense_layers(widths), inputs, parts, tagger, **settings)


def whole(tagger: JetTagger, parts: Mapping[str, ForestData], **settings: Any) -> Estimate:
    """Return the test AUC of a copy of the whole network, trained from its present weights.

    Arguments are those of ``frozen``.
    """

    def inputs(part: str, rows: NDArray[np.int64]) -> JetBatch:
        batch = parts[part].batch(rows.tolist())
        changes = [change for name, change in CHANGES.items() if part == "train" and tagger.hparams[name]]
        return reduce(lambda jets, change: change(jets), changes, batch)

    return best_auc(lambda: copy.deepcopy(tagger.network), inputs, parts, tagger, **settings)


def data_for(source: Place, target: Place) -> JetData:
    """Return the data of a target, with trees as the network of the source reads them; it has not read anything.

    Raises:
        UsageError: there is no such run or recipe, or it has more than two classes.
    """
    own = _data(source)
    if _is_run(target):
        return _data(target, {name: getattr(own, name) for name in TREES if hasattr(own, name)})
    task = recipe_of(find.get(evaluation_settings(_run(source)).plugin), f"{target}").get("data", {})
    files = {name: task[name] for name in ("path",) if name in task}
    return _data(source, files | {"signal": task.get("signal", "w"), "background": task.get("background", "qcd")})


def seen_before(own: JetData, data: JetData) -> str | None:
    """Return in words that test jets of a target may be among the training jets of a source; None: they are not.

    A hash of the event divides the jets: of the same files the same settings leave the same events for the test.

    Example:
        >>> own, other = JetData("jets", signal="w"), JetData("jets", signal="top", split_seed=1)
        >>> (seen_before(own, other) or "").partition(":")[0]
        'its files were divided by --data.split_seed 0, those of the target by 1'
    """
    places = [one.path and Path(one.path).expanduser().resolve() for one in (own, data)]
    differing = [name for name in DIVISION if getattr(own.division, name) != getattr(data.division, name)]
    if places[0] != places[1] or not set(own.classes) & set(data.classes) or not differing:
        return None
    options = ", ".join(
        f"--data.{name} {getattr(own.division, name)}, those of the target by {getattr(data.division, name)}"
        for name in differing
    )
    return f"its files were divided by {options}: it may have been trained on jets that are tested here"


def auc_of(tagger: JetTagger, data: JetData) -> Estimate:
    """Return the AUC of a network on the test jets of its data."""
    data.prepare_data()
    data.setup("test")
    jets = data.jets_of("test")[1]
    assert jets.labels is not None
    with torch.no_grad():
        scores = torch.cat([tagger(batch) for batch in _batches(jets)]).double().numpy()
    return tagging.auc(scores, jets.labels, jets.weights)


def tagger_of(run: Place) -> JetTagger:
    """Return the network of a run.

    Raises:
        UsageError: it is a run of another plugin, or there is none.
    """
    tagger = load(run)
    if not isinstance(tagger, JetTagger):
        raise UsageError(f"{run} is not a run of recnn: this study is of jet taggers")
    return tagger


def _batches(jets: ForestData) -> Iterator[JetBatch]:
    return (jets.batch(range(begin, min(begin + BATCH, len(jets)))) for begin in range(0, len(jets), BATCH))


def _is_run(place: Place) -> bool:
    return isinstance(place, Run) or Path(place).expanduser().exists()


def _run(place: Place) -> Run:
    return place if isinstance(place, Run) else Run.at(place)


def _data(run: Place, changes: Mapping[str, Any] | None = None) -> JetData:
    """Return the data module of a run, with some of its settings changed; it has not read anything."""
    settings = evaluation_settings(_run(run))
    with isolate_rng():
        data = seeded(find.get(settings.plugin), replace(settings, data=settings.data | dict(changes or {}))).data
    if not isinstance(data, JetData):
        raise UsageError(f"{run} is not a run of recnn: this study is of jet taggers")
    if len(data.classes) != 2:
        raise UsageError(f"transfer is between tasks of two classes, {run} has {', '.join(data.classes)}")
    return data


def _task(data: JetData) -> str:
    return "/".join(reversed(data.classes))

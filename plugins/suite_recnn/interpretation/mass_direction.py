"""The direction of mass in the space of embeddings, followed down the tree.

A linear regression of ln m from the root's embedding is a direction in that space. It is applied to the embedding of
every node on the way from the root along the harder branches, and what it predicts is compared with the node's own
mass. Cheng (2019), arXiv:1911.01872, section 2, saw that the two sometimes part "close to where the hard splitting
happens"; here is how often, how far, and beside what chance would give.

A *step* is counted from the hard splitting (`suite_recnn.interpretation.hard_splitting`): 0 is the node that splits, 1
its harder branch; the change at step 0 is that between both. Predictions are compared, not directions: embeddings have
collinear units, so that two regressions with the same predictions may have any angle between them.

Every jet is predicted by a regression on jets of other events.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_suite.errors import UsageError
from lightning_suite.needs import needs
from lightning_suite.progress import progress
from suite_recnn.forests import MASS_MIN
from suite_recnn.interpretation.hard_splitting import Ways, ways_of
from suite_recnn.interpretation.linear_probe import ALIVE, ALPHAS, explained, folds_of, held_out
from suite_recnn.interpretation.node_gradients import recursive
from suite_recnn.interpretation.subject import Subject, untrained
from suite_recnn.interpretation.trees import trees_of
from suite_recnn.module import JetTagger
from suite_recnn.tagging import Estimate

STEPS: Final = range(-3, 5)
"""From the hard splitting, for which numbers are given."""
DEPTHS: Final = 7
"""From the root, for which the regression is made again."""
FEWEST: Final = 20
"""Jets of a class that a number needs."""

Floats = NDArray[np.float64]


class Step(NamedTuple):
    """Nodes of a class so many steps from the hard splitting, along the harder branches.

    Attributes:
        label: the number of the class.
        step: 0 at the node that splits.
        jets: that have such a node.
        mass: median, GeV.
        disagreement: median size of the difference between predicted and true ln m.
        bias: median of that difference.
        change: median size of the change of the predicted ln m from this node to its harder branch.
        true_change: the same of the true ln m.
    """

    label: int
    step: int
    jets: int
    mass: float
    disagreement: float
    bias: float
    change: float
    true_change: float


class Depth(NamedTuple):
    """All nodes so many steps from the root, along the harder branches.

    Attributes:
        depth: 0 is the root.
        jets: that have such a node.
        followed: R^2 of ln m by the root's direction.
        refitted: R^2 of ln m by a regression on these nodes.
    """

    depth: int
    jets: int
    followed: float
    refitted: float


class Largest(NamedTuple):
    """Where along the harder branches the prediction changes most, of the jets of a class with a hard splitting.

    Attributes:
        label: the number of the class.
        network: trained or untrained.
        jets: their number.
        at: the share of them whose largest change is at the hard splitting.
        near: or one step before or after it.
        random_at: the same of a change taken at random.
        random_near: the same of a change taken at random.
    """

    label: int
    network: str
    jets: int
    at: float
    near: float
    random_at: float
    random_near: float


@dataclass(frozen=True)
class MassDirection:
    """What mass_direction returns.

    Attributes:
        name: network and task.
        source: which jets.
        classes: names by label.
        root: R^2 of ln m at the root.
        steps: by class and step from the hard splitting.
        depths: by depth from the root.
        largest: by class, of the trained network and of an untrained one.
    """

    name: str
    source: str
    classes: tuple[str, ...]
    root: Estimate
    steps: tuple[Step, ...]
    depths: tuple[Depth, ...]
    largest: tuple[Largest, ...]


def mass_direction(subject: Subject, *, folds: int = 5, seed: int = 0) -> MassDirection:
    """Return how far the direction of mass at the root holds down the tree, and where it breaks.

    Args:
        subject: opened with ``algorithm="cambridge-aachen"``: soft drop is defined on such trees.
        folds: each fold of the events is predicted by a regression on the others.
        seed: of the folds, and of the untrained network.

    Raises:
        UsageError: the network is not recursive, the trees are not Cambridge/Aachen trees, or a package is missing.
    """
    if subject.data.algorithm != "cambridge-aachen":
        raise UsageError(
            f"soft drop needs Cambridge/Aachen trees, and the jets were clustered with {subject.data.algorithm}: "
            'open_subject(..., algorithm="cambridge-aachen")'
        )
    ways = ways_of(trees_of(subject))
    fold = folds_of(subject.events, folds, seed)
    found: dict[str, Floats] = {}
    depths: tuple[Depth, ...] = ()
    for name, tagger in {"trained": subject.tagger, "untrained": untrained(subject.tagger, seed)}.items():
        embeddings = _embeddings(subject, tagger, ways.nodes)
        found[name] = _followed(embeddings, ways, fold, subject.weights)
        if name == "trained":
            depths = _depths(embeddings, ways, found[name], fold, subject)
    labels = [label for label in range(len(subject.classes)) if (subject.labels == label).any()]
    steps = [step for label in labels for step in _steps(ways, found["trained"], subject, label)]
    largest = [
        largest_change(ways, predicted, subject.weights, subject.labels == label, label, name)
        for label in labels
        for name, predicted in found.items()
    ]
    at_root = (ways.log_mass[:, :1], found["trained"][:, :1])
    (root,) = explained(*at_root, subject.events, subject.weights)
    return MassDirection(
        subject.name, subject.source, subject.classes, root, tuple(steps), depths, tuple(filter(None, largest))
    )


def largest_change(
    ways: Ways, predicted: Floats, weights: Floats, chosen: NDArray[np.bool_], label: int, network: str
) -> Largest | None:
    """Return where the prediction changes most between two splittings; None where hardly any jet can say it.

    Args:
        ways: of all jets.
        predicted: (jet, depth) ln m.
        weights: (jet,).
        chosen: (jet,) which jets count; of these only those with a hard splitting and two changes or more.
        label: for the result.
        network: for the result.
    """
    between = ways.splits[:, :-1] & ways.splits[:, 1:]  # jet, change
    chosen = chosen & (ways.hard >= 0) & (between.sum(axis=1) >= 2)
    # The change at a hard splitting above a constituent does not count; neither does its jet.
    chosen &= between[np.arange(len(chosen)), np.minimum(ways.hard, between.shape[1] - 1)]
    if np.count_nonzero(chosen) < FEWEST:
        return None
    between, hard, weights = between[chosen], ways.hard[chosen], weights[chosen]
    changes = np.where(between, np.abs(np.diff(predicted[chosen], axis=1)), -1.0)
    distance = np.abs(np.arange(between.shape[1]) - hard[:, None])
    most = distance[np.arange(len(hard)), changes.argmax(axis=1)]
    shares = [
        float(np.average(value, weights=weights))
        for value in (
            most == 0,
            most <= 1,
            *(((distance <= far) & between).sum(axis=1) / between.sum(axis=1) for far in (0, 1)),
        )
    ]
    return Largest(label, network, len(hard), *shares)


def _embeddings(subject: Subject, tagger: JetTagger, nodes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the embeddings of some nodes, (jet, depth) -> (jet, depth, hidden); zeros where there is none."""
    network = recursive(tagger.network)
    parts, jet = [], 0
    with torch.inference_mode(), progress(f"embeddings of {subject.name}", len(subject), unit="jets") as advance:
        for batch in subject.batches():
            jets = len(batch.offsets) - 1
            rows = nodes[jet : jet + jets] - subject.forest.offsets[jet]
            there = nodes[jet : jet + jets] >= 0
            all_nodes = network.nodes(batch).float().numpy()
            parts.append(np.where(there[..., None], all_nodes[np.where(there, rows, 0)], 0.0).astype(np.float32))
            jet += jets
            advance(jets)
    return np.concatenate(parts)


def _followed(embeddings: NDArray[np.float32], ways: Ways, fold: NDArray[np.int64], weights: Floats) -> Floats:
    """Return ln m of every node by the root's direction: (jet, depth); not a number beyond the end of a way."""
    with needs("regressions", "lightning-suite[recnn]"):
        from sklearn.linear_model import RidgeCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    roots = embeddings[:, 0].astype(np.float64)
    predicted = np.full(ways.nodes.shape, np.nan)
    for number in np.unique(fold):
        rest, held = fold != number, fold == number
        # A unit that is dead at nearly all roots may be alive further down, where no regression knows what it means.
        alive = (roots[rest] != np.median(roots[rest], axis=0)).mean(axis=0) >= ALIVE
        fit = make_pipeline(StandardScaler(), RidgeCV(ALPHAS))
        counted = np.abs(weights[rest])
        alive[:1] |= not alive.any()
        fit.fit(roots[rest][:, alive], ways.log_mass[rest, 0], ridgecv__sample_weight=counted)
        there = held[:, None] & (ways.nodes >= 0)
        predicted[there] = fit.predict(embeddings[there][:, alive].astype(np.float64))
    return predicted


def _depths(
    embeddings: NDArray[np.float32], ways: Ways, followed: Floats, fold: NDArray[np.int64], subject: Subject
) -> tuple[Depth, ...]:
    """Return R^2 by depth, of splittings alone, by the root's direction and by one of that depth."""
    found = []
    for depth in range(min(DEPTHS, ways.nodes.shape[1])):
        rows = np.flatnonzero(ways.splits[:, depth])
        if len(rows) < FEWEST or len(np.unique(fold[rows])) < 2:
            break
        targets, weights = ways.log_mass[rows, depth, None], subject.weights[rows]
        again = held_out(embeddings[rows, depth], targets, fold[rows], weights)
        scores = [
            explained(targets, values, subject.events[rows], weights, resamples=2)[0].value
            for values in (followed[rows, depth, None], again)
        ]
        found.append(Depth(depth, len(rows), *scores))
    return tuple(found)


def _steps(ways: Ways, predicted: Floats, subject: Subject, label: int) -> list[Step]:
    """Return the numbers of a class by step from the hard splitting; changes are those between two splittings."""
    steps = []
    last = ways.nodes.shape[1] - 1
    for step in STEPS:
        place = ways.hard + step
        rows = np.flatnonzero((subject.labels == label) & (ways.hard >= 0) & (place >= 0) & (place < last))
        rows = rows[ways.splits[rows, place[rows]]]
        after = rows[ways.splits[rows, place[rows] + 1]]
        if len(after) < FEWEST:
            continue
        true, guess = ways.log_mass[rows, place[rows]], predicted[rows, place[rows]]
        weights, moved = subject.weights[rows], subject.weights[after]
        changes = [
            _median(np.abs(values[after, place[after] + 1] - values[after, place[after]]), moved)
            for values in (predicted, ways.log_mass)
        ]
        numbers = _median(np.exp(true) - MASS_MIN, weights), _median(np.abs(guess - true), weights)
        steps.append(Step(label, step, len(rows), *numbers, _median(guess - true, weights), *changes))
    return steps


def _median(values: Floats, weights: Floats) -> float:
    """Return the weighted median."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][min(np.searchsorted(total, total[-1] / 2), len(values) - 1)])

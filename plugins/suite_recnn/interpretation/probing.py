"""What of a jet's observables stands in a network's hidden layers (Cheng, arXiv:1911.01872, Table 1 and Fig. 2).

Beside each R^2 stands what keeps it honest: the same regression from three summaries of the jet and from the root's own
input features, from an untrained network, on shuffled targets (0 within its error), and the partial R^2: the share of
the variance that mass and pT leave, and that the layer explains.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.constraints import Interval, check
from lightning_suite.errors import UsageError
from lightning_suite.progress import progress
from lightning_suite.spelling import no_such
from suite_recnn.interpretation.linear_probe import Regression, explained, folds_of, held_out
from suite_recnn.interpretation.printed import r2_of_table_1
from suite_recnn.interpretation.subject import Subject, untrained
from suite_recnn.jets import kinematics
from suite_recnn.network import PAPER_DIM
from suite_recnn.observables.table import table
from suite_recnn.tagging import Estimate

OBSERVABLES = ("multiplicity", "width", "mass_angularity", "ptd_squared", "tau1", "tau2", "tau3", "tau21", "tau32")
"""Those of Table 1, in its order."""
MARKED = 3
"""How many of the highest scores of a layer are marked, as in Table 1."""
SHUFFLES = 8
"""Of the targets, whose mean is shown with the scatter of one."""
PLANE = 3.0
"""The largest kappa and beta of the plane of angularities."""


class Probed(NamedTuple):
    """One observable, probed in one layer.

    Attributes:
        layer: the name of the hidden layer.
        observable: its name in ``suite_recnn.observables.table``.
        r2: from the layer.
        marked: whether it is among the three highest of the layer.
        partial: the share explained of what a quadratic function of mass and pT leaves.
        untrained: R^2 from the same layer of a network with random weights.
        shuffled: R^2 from the layer of the values of other jets: mean and scatter of SHUFFLES.
        summaries: R^2 from multiplicity, mass and pT of the jet.
        root: R^2 from the seven features of the tree's root, scaled as the network sees them.
        paper: Table 1's, where the network is recursive, the layer its embedding and the task one of the paper's.
    """

    layer: str
    observable: str
    r2: Estimate
    marked: bool
    partial: Estimate
    untrained: Estimate
    shuffled: Estimate
    summaries: Estimate
    root: Estimate
    paper: float | None


@dataclass(frozen=True)
class Probing:
    """All probes of a run.

    Attributes:
        name: of the run.
        source: which jets it was probed on.
        layers: the names of the probed layers.
        rows: of all layers and observables.
    """

    name: str
    source: str
    layers: tuple[str, ...]
    rows: tuple[Probed, ...]

    def of(self, layer: str) -> list[Probed]:
        """Return the observables of one layer."""
        return [row for row in self.rows if row.layer == layer]


@dataclass(frozen=True, eq=False)
class Plane:
    """R^2 of the angularities (kappa, beta).

    Attributes:
        name: of the run.
        layer: that was probed.
        exponents: (step,) of kappa and of beta.
        r2: (kappa, beta); not a number at (1, 0), which is 1 for every jet.
    """

    name: str
    layer: str
    exponents: NDArray[np.float64]
    r2: NDArray[np.float64]


def chosen_layers(subject: Subject, layers: str) -> tuple[str, ...]:
    """Return the names of layers: ``first`` is the embedding where there is one, ``all`` are the last three.

    Raises:
        UsageError: the network has no layer of that name.
    """
    names = tuple(subject.take(np.arange(1)).layers())
    if layers in ("first", "all"):
        return names if layers == "all" else names[:1]
    wanted = tuple(name.strip() for name in layers.split(","))
    if wrong := [name for name in wanted if name not in names]:
        raise UsageError(no_such("layer", wrong[0], ["first", "all", *names], f"{subject.name} has"))
    return wanted


def probe(
    subject: Subject,
    *,
    layers: str = "first",
    regression: Regression = "ridge",
    folds: int = 5,
    seed: int = 0,
) -> Probing:
    """Return R^2 of the observables of Table 1 from hidden layers of a network, with what keeps it honest.

    Args:
        subject: the network and jets that it has not seen.
        layers: first, all, or names with commas between them.
        regression: ridge or linear; see ``linear_probe``.
        folds: by event; each is predicted by a regression on the others.
        seed: of the folds, of the untrained network and of the shuffling.

    Raises:
        UsageError: there is no such layer, or there are fewer events than folds.
    """
    check({"folds": [Interval(int, 2)], "regression": [Regression]}, locals(), where="--")
    if (count := len(np.unique(subject.events))) < 2 * folds:
        raise UsageError(f"a probe needs jets of at least {2 * folds} events for {folds} folds, got {count}")
    names = chosen_layers(subject, layers)
    with progress("observables", len(subject), unit="jets") as advance:
        measured = table(subject.jets, OBSERVABLES, radius=subject.radius, progress=advance)
    targets = np.stack([measured[name] for name in OBSERVABLES], axis=1)
    division = folds_of(subject.events, folds, seed)
    generator = np.random.default_rng(seed)
    orders = [generator.permutation(len(subject)) for _ in range(SHUFFLES)]
    trained, initial = subject.layers(), subject.layers(untrained(subject.tagger, seed))
    rows: list[Probed] = []
    with progress("regressions", 2 + 4 * len(names)) as advance:

        def r2(
            inputs: NDArray[np.floating], values: NDArray[np.float64], beside: NDArray[np.float64] | None = None
        ) -> list[Estimate]:
            joined = inputs if beside is None else np.concatenate([inputs, beside], axis=1)
            found = held_out(joined, values, division, subject.weights, regression)
            before = None if beside is None else held_out(beside, values, division, subject.weights, regression)
            advance()
            return explained(values, found, subject.events, subject.weights, before)

        def shuffles(inputs: NDArray[np.floating]) -> list[Estimate]:
            each = r2(inputs, np.concatenate([targets[order] for order in orders], axis=1))
            values = np.array([one.value for one in each]).reshape(SHUFFLES, -1)
            return [Estimate(*pair) for pair in zip(values.mean(axis=0), values.std(axis=0, ddof=1), strict=True)]

        from_summaries, from_root = r2(summaries(subject), targets), r2(root_features(subject), targets)
        for name in names:
            own, partial = r2(trained[name], targets), r2(trained[name], targets, mass_and_pt(subject))
            random, shuffled = r2(initial[name], targets), shuffles(trained[name])
            highest = np.argsort([-np.inf if np.isnan(one.value) else one.value for one in own])[-MARKED:]
            paper = _paper(subject, name)
            for i, observable in enumerate(OBSERVABLES):
                beside = partial[i], random[i], shuffled[i], from_summaries[i], from_root[i], paper[i]
                rows.append(Probed(name, observable, own[i], i in highest, *beside))
    return Probing(subject.name, subject.source, names, tuple(rows))


def plane(
    subject: Subject,
    *,
    layer: str = "first",
    step: float = 0.25,
    regression: Regression = "ridge",
    folds: int = 5,
    seed: int = 0,
) -> Plane:
    """Return R^2 of the angularities (kappa, beta), both from 0 to 3, from one hidden layer.

    Args:
        subject: the network and jets that it has not seen.
        layer: first, or its name.
        step: between two exponents.
        regression: ridge or linear.
        folds: by event.
        seed: of the folds.

    Raises:
        UsageError: there is no such layer, or the step is not between 0 and 3.
    """
    check({"step": [Interval(float, 0, PLANE, closed="right")]}, locals(), where="--")
    (name,) = chosen_layers(subject, layer)
    exponents = np.round(np.arange(0, PLANE + step / 2, step), 6)
    names = [f"angularity_{kappa:g}_{beta:g}" for kappa in exponents for beta in exponents]
    with progress("angularities", len(subject), unit="jets") as advance:
        measured = table(subject.jets, names, radius=subject.radius, progress=advance)
    targets = np.stack([measured[each] for each in names], axis=1)
    division = folds_of(subject.events, folds, seed)
    found = held_out(subject.layers()[name], targets, division, subject.weights, regression)
    scores = explained(targets, found, subject.events, subject.weights, resamples=2)
    values = np.array([score.value for score in scores])
    return Plane(subject.name, name, exponents, values.reshape(len(exponents), -1))


def summaries(subject: Subject) -> NDArray[np.float64]:
    """Return multiplicity, mass and pT of the jets: (jet, 3)."""
    pt, _, _, mass = kinematics(subject.jets.totals())
    return np.stack([subject.jets.counts(), mass, pt], axis=1)


def root_features(subject: Subject) -> NDArray[np.float32]:
    """Return the features of the roots as the network sees them, scaled, without the mass: (jet, 7)."""
    import torch

    roots = torch.from_numpy(subject.forest.features[subject.forest.offsets[1:] - 1])
    with torch.inference_mode():
        scaled: NDArray[np.float32] = subject.tagger.network.scaler(roots)[:, :PAPER_DIM].numpy()
    return scaled


def mass_and_pt(subject: Subject) -> NDArray[np.float64]:
    """Return mass, pT, their squares and their product, in units of their means: (jet, 5)."""
    pt, _, _, mass = kinematics(subject.jets.totals())
    pt, mass = pt / pt.mean(), mass / max(mass.mean(), np.finfo(float).tiny)
    return np.stack([mass, pt, mass**2, mass * pt, pt**2], axis=1)


def _paper(subject: Subject, layer: str) -> Sequence[float | None]:
    """Return Table 1's scores of the task; None where the paper has none."""
    is_its = layer == "embedding" and subject.tagger.hparams["network"] in ("recnn", "gated")
    scores = r2_of_table_1(subject.classes) if is_its else {}
    return [scores.get(name) for name in OBSERVABLES]
